//! Open tasks that nobody accepted.

use aiigo_protocol::TaskMarketplace::expireTaskCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::{Stage, View};

pub(super) struct ExpireTasks {
    pub(super) market: Address,
}

impl Duty for ExpireTasks {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.tasks()
            .filter(|(_, task)| matches!(task.stage, Stage::Open { accept_by } if now > accept_by))
            .map(|(id, _)| Action::new(DutyName::ExpireTasks, id, self.market, &expireTaskCall { taskId: id.0 }))
            .collect()
    }
}
