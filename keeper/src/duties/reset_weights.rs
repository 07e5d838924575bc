//! Positions of the staking pool whose lock is over: their weight falls to what they hold, and the others earn more.

use aiigo_protocol::StakingPool::resetWeightCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct ResetWeights {
    pub(super) pool: Address,
}

impl Duty for ResetWeights {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.unlocked_positions(now)
            .map(|position| {
                let call = resetWeightCall { positionId: position };
                Action::new(DutyName::ResetWeights, format_args!("position {position}"), self.pool, &call)
            })
            .collect()
    }
}
