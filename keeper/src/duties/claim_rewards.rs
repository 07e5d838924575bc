//! Base rewards of closed epochs: minted to the node's payout address, whoever pays for the transaction.

use aiigo_protocol::RewardDistributor::claimBaseRewardCall;
use alloy::primitives::{Address, U256};

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct ClaimRewards {
    pub(super) rewards: Address,
}

impl Duty for ClaimRewards {
    fn due(&self, view: &View, _now: u64) -> Vec<Action> {
        view.claimable()
            .map(|(epoch, node)| {
                let call = claimBaseRewardCall { epoch: U256::from(epoch), nodeId: node.0 };
                Action::new(DutyName::ClaimRewards, format_args!("epoch {epoch}/node {node}"), self.rewards, &call)
            })
            .collect()
    }
}
