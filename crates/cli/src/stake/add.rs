//! `aiigo stake add`.

use aiigo_protocol::{
    ContractName,
    StakingPool::{self, StakingPoolEvents},
    units::parse_aiigo,
};
use alloy::{primitives::U256, sol_types::SolCall};
use clap::Args;

use super::{DAY, events};
use crate::{CliError, allowance, args::WalletArgs, cli::Session, confirm::ConfirmArgs, format};

/// Lock AIIGO: the longer, the more it earns, twice as much at a year.
#[derive(Args, Debug)]
pub(crate) struct AddCommand {
    /// How much AIIGO
    #[arg(value_parser = parse_aiigo)]
    amount: U256,
    /// For how many days
    #[arg(long, value_name = "DAYS", default_value_t = 0, value_parser = clap::value_parser!(u64).range(0..=365))]
    lock: u64,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl AddCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let allow = allowance::call(&wallet, ContractName::StakingPool, self.amount).await?;
        let data = StakingPool::stakeCall { amount: self.amount, lock: U256::from(self.lock * DAY) }.abi_encode();
        let call = wallet.call(format!("staking {}", format::aiigo(self.amount)), ContractName::StakingPool, data);
        let line = match self.lock {
            0 => format!("lock {} in the staking pool, to be had back at any time", format::aiigo(self.amount)),
            days => format!("lock {} in the staking pool for {days} days", format::aiigo(self.amount)),
        };
        let calls: Vec<_> = allow.iter().chain([&call]).collect();
        self.confirm.agree(&wallet, &[line], &calls, session).await?;
        if let Some(allow) = allow {
            wallet.send_once(allowance::ACTION, allow, &session.stop).await?;
        }
        let landed = wallet.send_once("stake", call, &session.stop).await?;
        let staked = events(wallet.chain(), &landed).find_map(|event| match event {
            StakingPoolEvents::Staked(staked) => Some(staked),
            _ => None,
        });
        let staked = staked.ok_or_else(|| landed.lacks_its_event())?;
        let document = serde_json::json!({
            "positionId": staked.positionId.to_string(),
            "amountWei": staked.amount.to_string(),
            "weight": staked.weight.to_string(),
            "unlocksAt": staked.unlocksAt.to::<u64>(),
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            let until = format::date(staked.unlocksAt.to());
            format!(
                "Staked {} as position {}, unlocked {until}\ntx {}",
                format::aiigo(staked.amount),
                staked.positionId,
                landed.tx_hash
            )
        })
    }
}
