//! Replicated tasks whose results are all revealed, or whose time for it is over: count, pay, time out, earn the tips.

use aiigo_protocol::{TaskId, TaskMarketplace::judgeReplicasCall};
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::{ReplicaStage, ReplicatedTask, View};

pub(super) struct JudgeReplicas {
    pub(super) market: Address,
}

impl Duty for JudgeReplicas {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        let judge = |(id, task): (TaskId, ReplicatedTask)| {
            let call = judgeReplicasCall { taskId: id.0 };
            Action::new(DutyName::JudgeReplicas, format_args!("{id}/round {}", task.round), self.market, &call)
        };
        view.replicated().filter(|(_, task)| can_be_counted(*task, now)).map(judge).collect()
    }
}

/// Nobody can seal any more, and all who did have revealed or can't any more.
fn can_be_counted(task: ReplicatedTask, now: u64) -> bool {
    match task.stage {
        ReplicaStage::Working { seal_until, reveal_until, sealed, revealed } => {
            let all_sealed = sealed == task.seats || now > seal_until;
            (all_sealed && revealed == sealed) || now > reveal_until
        }
        _ => false,
    }
}
