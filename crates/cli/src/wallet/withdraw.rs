//! `aiigo wallet withdraw`.

use aiigo_protocol::{
    ContractName,
    EscrowManager::{self, EscrowManagerEvents},
    Event, parse_address,
};
use alloy::{
    primitives::{Address, TxHash},
    sol_types::SolCall,
};
use clap::Args;
use serde::Serialize;

use super::transfer::Currency;
use crate::{CliError, args::WalletArgs, cli::Session, confirm::ConfirmArgs};

/// Take out what the escrow holds for this account: earnings, and unused escrow of tasks.
#[derive(Args, Debug)]
pub(crate) struct WithdrawCommand {
    /// Where it goes [default: to the account itself]
    #[arg(long, value_name = "ADDRESS", value_parser = parse_address)]
    to: Option<Address>,
    /// What to withdraw
    #[arg(long, value_enum, ignore_case = true, default_value_t = Currency::Eth)]
    token: Currency,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Withdrawal {
    account: Address,
    to: Address,
    amount_wei: String,
    tx_hash: TxHash,
}

impl WithdrawCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let (chain, account) = (wallet.chain(), wallet.address());
        let to = self.to.unwrap_or(account);
        let token = self.token.address(chain);
        let balance = chain.escrow().balanceOf(account, token).call().await;
        let balance = balance.map_err(|error| CliError::call(format!("reading the balance of {account}"), error))?;
        if balance.is_zero() {
            return Err(CliError::Failed(format!(
                "the escrow holds no {} for {account}: nothing to withdraw",
                self.token
            )));
        }
        let data = EscrowManager::withdrawCall { token, to }.abi_encode();
        let call =
            wallet.call(format!("withdrawing {} to {to}", self.token.show(balance)), ContractName::EscrowManager, data);
        let line = format!("take {} out of the escrow, to {to}", self.token.show(balance));
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        let landed = wallet.send_once("withdraw", call, &session.stop).await?;
        // More may have come in the meantime: the event knows.
        let withdrawn = landed.events(chain.deployment()).find_map(|event| match event {
            Event::EscrowManager(EscrowManagerEvents::Withdrawn(event)) => Some(event.amount),
            _ => None,
        });
        let amount = withdrawn.unwrap_or(balance);
        let document = Withdrawal { account, to, amount_wei: amount.to_string(), tx_hash: landed.tx_hash };
        session
            .output
            .result(&document, || format!("Withdrew {} to {to}\ntx {}", self.token.show(amount), landed.tx_hash))
    }
}
