//! `aiigo stake remove`.

use aiigo_protocol::{
    ContractName,
    StakingPool::{self, StakingPoolEvents},
};
use alloy::{primitives::U256, sol_types::SolCall};
use clap::Args;
use serde_json::json;

use super::{events, positions};
use crate::{CliError, args::WalletArgs, cli::Session, confirm::ConfirmArgs, format};

/// Per cent of a position that are burned if it is closed early: `StakingPool.EARLY_EXIT_BPS` (rule of `docs/protocol.md`).
const EARLY_PENALTY: u64 = 5;

/// Close a position; before its lock is over, 5% of it is burned. What is lost is shown first.
#[derive(Args, Debug)]
pub(crate) struct RemoveCommand {
    /// The position's id, from `aiigo stake list`
    position: U256,
    /// With --yes, close it even if its lock is not over, and lose 5%
    #[arg(long)]
    early: bool,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl RemoveCommand {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let chain = wallet.chain();
        let position = chain.pool().positionOf(self.position).call().await;
        let position =
            position.map_err(|error| CliError::call(format!("reading position {}", self.position), error))?;
        let (amount, unlocks_at) = (U256::from(position.amount), position.unlocksAt.to());
        let penalty = match unlocks_at > chain.head().await?.timestamp {
            true => amount * U256::from(EARLY_PENALTY) / U256::from(100),
            false => U256::ZERO,
        };
        let mut lines =
            vec![format!("close position {} and return {}", self.position, format::aiigo(amount - penalty))];
        if !penalty.is_zero() {
            let until = format::date(unlocks_at);
            let loss = format!("burn {}, {EARLY_PENALTY}% of it: it is locked until {until}", format::aiigo(penalty));
            if self.confirm.yes && !self.early {
                return Err(CliError::Failed(format!("this would {loss}; if you want that, add --early")));
            }
            lines.push(loss);
        }
        let data = StakingPool::unstakeCall { positionId: self.position }.abi_encode();
        let call = wallet.call(format!("closing position {}", self.position), ContractName::StakingPool, data);
        self.confirm.agree(&wallet, &lines, &[&call], session).await?;
        let landed = wallet.send_once("unstake", call, &session.stop).await?;
        let burned = events(chain, &landed).find_map(|event| match event {
            StakingPoolEvents::Unstaked(closed) => Some(closed.penaltyBurned),
            _ => None,
        });
        let burned = burned.ok_or_else(|| landed.lacks_its_event())?;
        let back = amount.saturating_sub(burned);
        let rewards: U256 = events(chain, &landed)
            .filter_map(|event| match event {
                StakingPoolEvents::RewardClaimed(claimed) => Some(claimed.amount),
                _ => None,
            })
            .sum();
        let waiting = positions::rewards(chain, self.position).await?;
        let document = json!({
            "positionId": self.position.to_string(),
            "returnedWei": back.to_string(),
            "burnedWei": burned.to_string(),
            "rewardWei": rewards.to_string(),
            "txHash": landed.tx_hash,
        });
        session.output.result(&document, || {
            let waiting = match waiting.is_empty() {
                true => String::new(),
                false => {
                    let all: Vec<_> = waiting.iter().map(|reward| reward.show(chain)).collect();
                    format!("\n{} wait for `aiigo stake claim {}`", all.join(", "), self.position)
                }
            };
            let (back, rewards) = (format::aiigo(back), format::aiigo(rewards));
            format!("Returned {back}, and {rewards} of rewards\ntx {}{waiting}", landed.tx_hash)
        })
    }
}
