//! Reward epochs that are over; they close in order, so one at a time.

use aiigo_protocol::RewardDistributor::closeEpochCall;
use alloy::primitives::{Address, U256};

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct CloseEpochs {
    pub(super) rewards: Address,
}

impl Duty for CloseEpochs {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        let epoch = view.next_epoch_to_close();
        if now < view.schedule().end_of(epoch) {
            return Vec::new();
        }
        let call = closeEpochCall { epoch: U256::from(epoch) };
        vec![Action::new(DutyName::CloseEpochs, format_args!("epoch {epoch}"), self.rewards, &call)]
    }
}
