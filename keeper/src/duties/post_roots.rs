//! The root of all bonuses so far: first the distributor may take the bond, then it is posted.

use aiigo_protocol::{AIIGOToken::approveCall, RewardDistributor::postRootCall};
use alloy::primitives::{Address, U256};

use super::{Action, Duty, DutyName};
use crate::view::{BOND, View};

pub(super) struct PostRoots {
    pub(super) rewards: Address,
    pub(super) token: Address,
}

impl Duty for PostRoots {
    fn due(&self, view: &View, _now: u64) -> Vec<Action> {
        let Some(own) = view.root_to_post() else { return Vec::new() };
        let duty = DutyName::PostRoots;
        let action = match view.may_take_bond() {
            true => {
                let call = postRootCall { epoch: U256::from(own.epoch), root: own.root };
                Action::new(duty, format_args!("epoch {}/{}", own.epoch, own.root), self.rewards, &call)
            }
            false => {
                let call = approveCall { spender: self.rewards, value: BOND };
                Action::new(duty, format_args!("bond for epoch {}", own.epoch), self.token, &call)
            }
        };
        vec![action]
    }
}
