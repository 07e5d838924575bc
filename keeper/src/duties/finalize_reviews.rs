//! Results that the buyer neither approved nor disputed.

use aiigo_protocol::TaskMarketplace::finalizeTaskCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::{Stage, View};

pub(super) struct FinalizeReviews {
    pub(super) market: Address,
}

impl Duty for FinalizeReviews {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.tasks()
            .filter(|(_, task)| matches!(task.stage, Stage::Reviewed { review_until } if now > review_until))
            .map(|(id, _)| Action::new(DutyName::FinalizeReviews, id, self.market, &finalizeTaskCall { taskId: id.0 }))
            .collect()
    }
}
