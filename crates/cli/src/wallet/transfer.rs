//! `aiigo wallet transfer`.

use std::fmt;

use aiigo_protocol::{AIIGOToken, ContractName, parse_address, units::parse_amount};
use alloy::{
    primitives::{Address, Bytes, TxHash, U256},
    sol_types::SolCall,
};
use clap::{Args, ValueEnum};
use serde::Serialize;

use super::Call;
use crate::{Chain, CliError, args::WalletArgs, cli::Session, confirm::ConfirmArgs, format};

/// Send ETH or AIIGO.
#[derive(Args, Debug)]
pub(crate) struct TransferCommand {
    /// How much, in whole units: 0.25
    #[arg(value_parser = parse_amount)]
    amount: U256,
    /// Of what
    #[arg(value_enum, ignore_case = true)]
    token: Currency,
    /// To whom
    #[arg(value_parser = parse_address)]
    to: Address,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

/// What this program can send.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Currency {
    /// The chain's own coin
    Eth,
    /// The protocol's token
    Aiigo,
}

impl Currency {
    /// The token's address; zero for ETH, as in the contracts.
    pub(crate) fn address(self, chain: &Chain) -> Address {
        match self {
            Self::Eth => Address::ZERO,
            Self::Aiigo => chain.deployment().address(ContractName::AIIGOToken),
        }
    }

    pub(crate) fn show(self, wei: U256) -> String {
        match self {
            Self::Eth => format::eth(wei),
            Self::Aiigo => format::aiigo(wei),
        }
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Eth => "ETH",
            Self::Aiigo => "AIIGO",
        })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Transfer {
    from: Address,
    to: Address,
    token: String,
    amount_wei: String,
    tx_hash: TxHash,
}

impl TransferCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let what = format!("sending {} to {}", self.token.show(self.amount), self.to);
        let call = match self.token {
            Currency::Eth => Call { what, to: self.to, data: Bytes::new(), value: self.amount },
            Currency::Aiigo => {
                let data = AIIGOToken::transferCall { to: self.to, value: self.amount }.abi_encode();
                wallet.call(what, ContractName::AIIGOToken, data)
            }
        };
        let line = format!("send {} from {} to {}", self.token.show(self.amount), wallet.address(), self.to);
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        let landed = wallet.send_once("transfer", call, &session.stop).await?;
        let document = Transfer {
            from: wallet.address(),
            to: self.to,
            token: self.token.to_string(),
            amount_wei: self.amount.to_string(),
            tx_hash: landed.tx_hash,
        };
        session.output.result(&document, || {
            format!("Sent {} to {}\ntx {}", self.token.show(self.amount), self.to, landed.tx_hash)
        })
    }
}
