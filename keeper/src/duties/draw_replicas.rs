//! Replicated tasks whose window is over, or whose random block has come: fix the candidates, ask for more, refund, draw.

use aiigo_protocol::{TaskId, TaskMarketplace::drawReplicasCall};
use alloy::primitives::{Address, Bytes};

use super::{Action, Duty, DutyName};
use crate::{
    payload::{Draw, Payload},
    view::{ReplicaStage, ReplicatedTask, View},
};

pub(super) struct DrawReplicas {
    pub(super) market: Address,
}

impl Duty for DrawReplicas {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.replicated().filter_map(|(id, task)| self.step(view, id, task, now)).collect()
    }
}

impl DrawReplicas {
    fn step(&self, view: &View, id: TaskId, task: ReplicatedTask, now: u64) -> Option<Action> {
        match task.stage {
            ReplicaStage::Recruiting { accept_by } if now > accept_by => {
                let call = drawReplicasCall { taskId: id.0, header: Bytes::new() };
                let subject = format_args!("{id}/window until {accept_by}").to_string();
                Some(Action::new(DutyName::DrawReplicas, subject, self.market, &call))
            }
            ReplicaStage::Drawing { block } if view.head() > block => Some(Action {
                duty: DutyName::DrawReplicas,
                subject: format!("{id}/block {block}"),
                to: self.market,
                payload: Payload::Draw { draw: Draw::Replicas(id), block },
            }),
            _ => None,
        }
    }
}
