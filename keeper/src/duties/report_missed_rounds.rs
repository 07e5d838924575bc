//! Nodes that owe a finished audit round an answer.

use std::collections::BTreeMap;

use aiigo_protocol::NodeId;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::{
    payload::{Batch, Payload},
    view::View,
};

/// Nodes in one transaction, one to three million gas: neighbours by their ids, so that a batch keeps its name while others
/// report from it.
const BATCH: u64 = 20;

pub(super) struct ReportMissedRounds {
    pub(super) verifier: Address,
}

impl Duty for ReportMissedRounds {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        let Some((round, nodes)) = view.rounds().missed(now) else { return Vec::new() };
        let mut batches = BTreeMap::<u64, Vec<u64>>::new();
        for NodeId(node) in nodes {
            batches.entry(node / BATCH).or_default().push(node);
        }
        let report = |(batch, nodes): (u64, Vec<u64>)| {
            let (first, last) = (batch * BATCH, (batch + 1) * BATCH - 1);
            Action {
                duty: DutyName::ReportMissedRounds,
                subject: format!("round {round}/nodes {first}..{last}"),
                to: self.verifier,
                payload: Payload::Batch { batch: Batch::MissedRound(round), nodes },
            }
        };
        batches.into_iter().map(report).collect()
    }
}
