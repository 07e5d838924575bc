//! Counts that were not unanimous, once nobody can appeal and no appeal is open: slash who was wrong, free the others.

use aiigo_protocol::TaskMarketplace::settleReplicasCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::{ReplicaStage, View};

pub(super) struct SettleReplicas {
    pub(super) market: Address,
}

impl Duty for SettleReplicas {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        let is_over = |stage| matches!(stage, ReplicaStage::Counted { settle_after, appeals: 0 } if now > settle_after);
        view.replicated()
            .filter(|(_, task)| is_over(task.stage))
            .map(|(id, _)| Action::new(DutyName::SettleReplicas, id, self.market, &settleReplicasCall { taskId: id.0 }))
            .collect()
    }
}
