//! Nodes that applied for a replicated task and were not drawn: give their slots back.

use std::collections::BTreeMap;

use aiigo_protocol::{NodeId, TaskId};
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::{
    payload::{Batch, Payload},
    view::View,
};

/// Nodes in one transaction: anybody can apply, so a task has any number of them.
const BATCH: usize = 20;

pub(super) struct ReleaseCandidates {
    pub(super) market: Address,
}

impl Duty for ReleaseCandidates {
    fn due(&self, view: &View, _now: u64) -> Vec<Action> {
        let mut by_task = BTreeMap::<TaskId, Vec<u64>>::new();
        for (task, NodeId(node)) in view.releasable_candidates() {
            by_task.entry(task).or_default().push(node);
        }
        let release = |(task, nodes): (&TaskId, &[u64])| Action {
            duty: DutyName::ReleaseCandidates,
            subject: format!("{task}/nodes from {}", nodes.first().copied().unwrap_or_default()),
            to: self.market,
            payload: Payload::Batch { batch: Batch::Candidates(*task), nodes: nodes.to_vec() },
        };
        by_task
            .iter()
            .flat_map(|(task, nodes)| nodes.chunks(BATCH).map(move |batch| (task, batch)))
            .map(release)
            .collect()
    }
}
