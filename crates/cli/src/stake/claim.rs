//! `aiigo stake claim`.

use aiigo_protocol::{
    ContractName,
    StakingPool::{self, StakingPoolEvents},
    parse_address,
};
use alloy::{
    primitives::{Address, U256},
    sol_types::SolCall,
};
use clap::Args;
use serde_json::json;

use super::{
    events,
    positions::{Reward, rewards},
};
use crate::{
    Chain, CliError, args::WalletArgs, cli::Session, confirm::ConfirmArgs, format, wallet::Call, wallet::Wallet,
};

/// Take a position's rewards, open or closed.
#[derive(Args, Debug)]
pub(crate) struct ClaimCommand {
    /// The position's id, from `aiigo stake list`
    position: U256,
    /// Only those in one token: eth, aiigo, or its address [default: all that there are]
    #[arg(long, value_name = "TOKEN", value_parser = Token::parse)]
    token: Option<Token>,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

/// A token of rewards.
#[derive(Clone, Copy, Debug)]
enum Token {
    Aiigo,
    /// Zero is ETH.
    At(Address),
}

impl Token {
    fn parse(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "eth" => Ok(Self::At(Address::ZERO)),
            "aiigo" => Ok(Self::Aiigo),
            _ => {
                parse_address(text).map(Self::At).map_err(|error| format!("expected eth, aiigo or an address: {error}"))
            }
        }
    }

    fn address(self, chain: &Chain) -> Address {
        match self {
            Self::Aiigo => chain.deployment().address(ContractName::AIIGOToken),
            Self::At(address) => address,
        }
    }
}

impl ClaimCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let wanted = self.token.map(|token| token.address(chain));
        let mut rewards = rewards(chain, self.position).await?;
        rewards.retain(|reward| wanted.is_none_or(|token| token == reward.token));
        if rewards.is_empty() {
            return Err(CliError::Failed(format!(
                "position {} has nothing to claim{}",
                self.position,
                wanted.map(|_| " in this token").unwrap_or_default()
            )));
        }
        let calls: Vec<_> = rewards.iter().map(|reward| self.call(&wallet, reward)).collect();
        let lines: Vec<_> = rewards
            .iter()
            .map(|it| {
                format!("take {} that position {} has earned to {}", it.show(chain), self.position, wallet.address())
            })
            .collect();
        self.confirm.agree(&wallet, &lines, &calls.iter().collect::<Vec<_>>(), session).await?;
        let mut claimed = Vec::new();
        for (reward, call) in rewards.iter().zip(calls) {
            let landed = wallet.send_once("claim", call, &session.stop).await?;
            // More than was shown: it has earned on meanwhile.
            let amount = events(chain, &landed).filter_map(|event| match event {
                StakingPoolEvents::RewardClaimed(claimed) if claimed.token == reward.token => Some(claimed.amount),
                _ => None,
            });
            claimed.push((Reward { token: reward.token, amount: amount.sum() }, landed.tx_hash));
        }
        let document = json!({
            "positionId": self.position.to_string(),
            "claimed": claimed
                .iter()
                .map(|(reward, tx)| json!({ "token": reward.token, "amount": reward.amount.to_string(), "txHash": tx }))
                .collect::<Vec<_>>(),
        });
        session.output.result(&document, || {
            let lines = claimed.iter().map(|(reward, tx)| format!("Claimed {}\ntx {tx}", reward.show(chain)));
            lines.collect::<Vec<_>>().join("\n")
        })
    }

    fn call(&self, wallet: &Wallet, reward: &Reward) -> Call {
        let data = StakingPool::claimCall { positionId: self.position, rewardToken: reward.token }.abi_encode();
        let amount = format::token(wallet.chain().deployment(), reward.token, reward.amount);
        wallet.call(format!("claiming {amount} of position {}", self.position), ContractName::StakingPool, data)
    }
}
