//! The audit rounds that the chain tells of, and the answers that are under way.

use std::sync::Arc;

use aiigo_protocol::{Event, NodeId, ProofOfWorkVerifier::ProofOfWorkVerifierEvents, TaskId, units::format_power};
use alloy::primitives::B256;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::{
    error::AgentError,
    prove::{Prover, Round},
    sender::Sender,
};

/// Answers each round once.
pub(super) struct Audits {
    node: NodeId,
    prover: Arc<Prover>,
    /// The latest round, with its block.
    latest: Option<(u64, Round)>,
    /// The round that was last answered, or is being answered, by its seed, and what stops that.
    begun: Option<(B256, CancellationToken)>,
    answering: JoinSet<(B256, Result<(), AgentError>)>,
}

impl Audits {
    pub(super) fn new(node: NodeId, prover: Arc<Prover>) -> Self {
        Self { node, prover, latest: None, begun: None, answering: JoinSet::new() }
    }

    /// Whether the machine is proving its power: what else it does now would weaken the proof.
    pub(super) fn is_answering(&self) -> bool {
        !self.answering.is_empty()
    }

    /// Takes in an event of `block`.
    pub(super) fn apply(&mut self, block: u64, event: &Event) {
        use ProofOfWorkVerifierEvents as E;
        let Event::ProofOfWorkVerifier(event) = event else { return };
        match event {
            E::RoundOpened(opened) => self.latest = Some((block, Round::from(opened))),
            E::AuditPassed(passed) if passed.nodeId == self.node.0 => {
                tracing::info!(round = passed.round, power = format_power(passed.power), "audit passed");
            }
            E::AuditMissed(missed) if missed.nodeId == self.node.0 => {
                let power = format_power(missed.power);
                tracing::warn!(round = missed.round, power, misses_in_row = missed.missesInRow, "audit missed");
            }
            _ => {}
        }
    }

    /// The chain went back to a block. The round before one that is gone is over.
    pub(super) fn retract(&mut self, block: u64) {
        self.latest = self.latest.filter(|(opened, _)| *opened <= block);
    }

    /// Begins to answer the latest round, if it is open and was not begun. `executing` are the tasks that may excuse.
    pub(super) fn begin(&mut self, now: u64, sender: &Sender, executing: impl FnOnce() -> Vec<TaskId>) {
        let Some((_, round)) = self.latest.filter(|(_, round)| round.is_open(now)) else { return };
        if self.begun.as_ref().is_some_and(|(seed, _)| *seed == round.seed()) {
            return;
        }
        // A round of a branch that the chain gave up needs no answer, and the devices are wanted.
        if let Some((_, stop)) = self.begun.take() {
            stop.cancel();
        }
        let stop = sender.token().child_token();
        self.begun = Some((round.seed(), stop.clone()));
        let (prover, sender, executing) = (Arc::clone(&self.prover), sender.clone(), executing());
        self.answering.spawn(async move {
            let answered = prover.answer_round(&sender, round, &executing, &stop).await;
            (round.seed(), answered)
        });
    }

    /// Waits for an answer to end; `None` if none is under way.
    pub(super) async fn ended(&mut self) -> Option<()> {
        match self.answering.join_next().await? {
            Ok((_, Ok(()))) => {}
            Ok((_, Err(error))) if error.is_stop() => {}
            // A round missed is no reason to leave the tasks alone. The next head tries again, and the outbox sends once.
            Ok((seed, Err(error))) => {
                tracing::error!(error = error.full(), "a round is not answered yet");
                if self.begun.as_ref().is_some_and(|(begun, _)| *begun == seed) {
                    self.begun = None;
                }
            }
            Err(error) => tracing::error!(%error, "the answer to a round died"),
        }
        Some(())
    }
}
