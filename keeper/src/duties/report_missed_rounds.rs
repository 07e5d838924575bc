//! Nodes that owe a finished audit round an answer.

use std::collections::BTreeMap;

use aiigo_protocol::{NodeId, ProofOfWorkVerifier::reportMissedRoundCall};
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

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
            let call = reportMissedRoundCall { round, nodeIds: nodes };
            let (first, last) = (batch * BATCH, (batch + 1) * BATCH - 1);
            let subject = format_args!("round {round}/nodes {first}..{last}").to_string();
            Action::new(DutyName::ReportMissedRounds, subject, self.verifier, &call)
        };
        batches.into_iter().map(report).collect()
    }
}
