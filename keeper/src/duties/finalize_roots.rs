//! Roots of bonuses that nobody vetoed in time: they count, and the bond returns.

use aiigo_protocol::RewardDistributor::finalizeRootCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct FinalizeRoots {
    pub(super) rewards: Address,
}

impl Duty for FinalizeRoots {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.adoptable_roots(now)
            .map(|root| {
                let call = finalizeRootCall { rootId: root };
                Action::new(DutyName::FinalizeRoots, format_args!("root {root}"), self.rewards, &call)
            })
            .collect()
    }
}
