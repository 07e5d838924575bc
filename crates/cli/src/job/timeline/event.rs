//! Something that happened to a task, as a line and as a row.

use aiigo_protocol::{NodeId, ReplicaStatus, TaskMarketplace::TaskMarketplaceEvents};
use alloy::primitives::B256;
use serde::Serialize;

use crate::format;

/// Something that happened to a task.
#[derive(Clone, Debug)]
pub struct TaskEvent {
    /// What happened.
    pub event: TaskMarketplaceEvents,
    /// The transaction that did it.
    pub tx_hash: B256,
    /// Block number.
    pub block: u64,
    /// Block hash.
    pub block_hash: B256,
    /// The block's time, unix seconds.
    pub timestamp: u64,
    /// Position of the event in the block.
    pub log_index: u64,
}

/// One row of the timeline in the JSON documents.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// What happened, in the indexer's words.
    pub kind: &'static str,
    /// The transaction.
    pub tx_hash: B256,
    /// Block number.
    pub block: u64,
    /// Unix seconds.
    pub timestamp: u64,
    /// The node concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_id: Option<u64>,
}

impl TaskEvent {
    /// The event as a row of the timeline.
    pub fn moment(&self) -> Moment {
        Moment {
            kind: self.kind(),
            tx_hash: self.tx_hash,
            block: self.block,
            timestamp: self.timestamp,
            node_id: self.node_id(),
        }
    }

    fn kind(&self) -> &'static str {
        use TaskMarketplaceEvents as E;
        match &self.event {
            E::TaskCreated(_) => "Created",
            E::TaskAccepted(_) => "Accepted",
            E::ResultSubmitted(_) => "ResultSubmitted",
            E::TaskVerified(_) | E::ReplicasVerified(_) => "Verified",
            E::TaskTimedOut(_) | E::ReplicaTimedOut(_) => "TimedOut",
            E::TaskAbandoned(_) => "Abandoned",
            E::TaskReopened(_) | E::ReplicasReopened(_) => "Reopened",
            E::TaskCancelled(_) => "Cancelled",
            E::TaskExpired(_) => "Expired",
            E::TaskDisputed(_) => "Disputed",
            E::TaskResolved(_) => "Resolved",
            E::ReplicaApplied(_) => "Applied",
            E::ReplicaReleased(_) => "ApplicationReleased",
            E::ReplicaWindowExtended(_) => "WindowExtended",
            E::ReplicaDrawFixed(_) => "DrawFixed",
            E::ReplicasDrawn(_) => "Drawn",
            E::ReplicaSealed(_) => "Sealed",
            E::ReplicasAllSealed(_) => "AllSealed",
            E::ReplicaRevealed(_) => "Revealed",
            E::ReplicasJudged(_) => "Judged",
            E::ReplicasDisagreed(_) => "Disagreed",
            E::ReplicaPaid(_) => "ReplicaPaid",
            E::ReplicaOutvoted(_) => "Outvoted",
            E::ReplicaAppealed(_) => "Appealed",
            E::ReplicaSettled(_) => "Settled",
            _ => "Other",
        }
    }

    fn node_id(&self) -> Option<u64> {
        use TaskMarketplaceEvents as E;
        match &self.event {
            E::TaskAccepted(e) => Some(e.nodeId),
            E::ResultSubmitted(e) => Some(e.nodeId),
            E::TaskVerified(e) => Some(e.nodeId),
            E::TaskTimedOut(e) => Some(e.nodeId),
            E::TaskAbandoned(e) => Some(e.nodeId),
            E::TaskDisputed(e) => Some(e.nodeId),
            E::TaskResolved(e) => Some(e.nodeId),
            E::ReplicaApplied(e) => Some(e.nodeId),
            E::ReplicaReleased(e) => Some(e.nodeId),
            E::ReplicaSealed(e) => Some(e.nodeId),
            E::ReplicaRevealed(e) => Some(e.nodeId),
            E::ReplicaTimedOut(e) => Some(e.nodeId),
            E::ReplicaPaid(e) => Some(e.nodeId),
            E::ReplicaOutvoted(e) => Some(e.nodeId),
            E::ReplicaAppealed(e) => Some(e.nodeId),
            E::ReplicaSettled(e) => Some(e.nodeId),
            _ => None,
        }
    }

    pub(super) fn is_same(&self, other: &Self) -> bool {
        (self.block_hash, self.log_index) == (other.block_hash, other.log_index)
    }

    /// The event in one line.
    pub(crate) fn describe(&self) -> String {
        use TaskMarketplaceEvents as E;
        let by = |time: u64| format::date(time);
        match &self.event {
            E::TaskCreated(e) => {
                let escrow = format::payment(e.request.paymentToken, e.escrow.to());
                let nodes = match e.request.replicas {
                    0 | 1 => String::new(),
                    seats => format!(", for {seats} nodes"),
                };
                format!("created{nodes}, {escrow} in escrow, open until {}", by(e.acceptBy.to()))
            }
            E::TaskAccepted(e) => format!("node {} accepted, to deliver by {}", e.nodeId, by(e.deadline.to())),
            E::ResultSubmitted(e) => format!("node {} delivered, result {}", e.nodeId, e.resultHash),
            E::TaskVerified(e) => format!("approved, node {} paid", e.nodeId),
            E::TaskTimedOut(e) => format!("node {} was late and slashed", e.nodeId),
            E::TaskAbandoned(e) => format!("node {} gave the task back", e.nodeId),
            E::TaskReopened(e) => format!("open again until {}", by(e.acceptBy.to())),
            E::TaskCancelled(_) => "cancelled, escrow refunded".into(),
            E::TaskExpired(_) => "expired, escrow refunded".into(),
            E::TaskDisputed(e) => format!("disputed, case {}", e.caseId),
            E::TaskResolved(e) if e.ruled => format!("ruled: {}% to node {}", f64::from(e.share) / 100.0, e.nodeId),
            E::TaskResolved(_) => "no jury ruled: split evenly".into(),
            E::ReplicaApplied(e) => format!("node {} applied", e.nodeId),
            E::ReplicaReleased(e) => format!("node {} is free again", e.nodeId),
            E::ReplicaWindowExtended(e) => {
                format!("only {} nodes applied; open again until {}", e.candidates, by(e.acceptBy.to()))
            }
            E::ReplicaDrawFixed(e) => format!("{} candidates; block {} draws among them", e.candidates, e.drawBlock),
            E::ReplicasDrawn(e) => {
                format!("{} drawn, to seal their results by {}", nodes(&e.nodeIds), by(e.sealUntil.to()))
            }
            E::ReplicaSealed(e) => format!("node {} sealed its result", e.nodeId),
            E::ReplicasAllSealed(e) => format!("all have sealed, to reveal by {}", by(e.revealUntil.to())),
            E::ReplicaRevealed(e) => format!("node {} revealed result {}", e.nodeId, e.resultHash),
            E::ReplicaTimedOut(e) => format!("node {} sealed or revealed nothing and was slashed", e.nodeId),
            E::ReplicasJudged(e) => format!("{} nodes agree on result {}", e.agreeing, e.resultHash),
            E::ReplicasDisagreed(e) => format!("{} results, and no majority for any", e.revealed),
            E::ReplicasReopened(e) => format!("open again for other nodes until {}", by(e.acceptBy.to())),
            E::ReplicaPaid(e) => format!("node {} paid", e.nodeId),
            E::ReplicasVerified(_) => "the majority is paid".into(),
            E::ReplicaOutvoted(e) => format!("node {} was outvoted with result {}", e.nodeId, e.resultHash),
            E::ReplicaAppealed(e) => format!("node {} took the majority to court, case {}", e.nodeId, e.caseId),
            E::ReplicaSettled(e) => match ReplicaStatus::try_from(e.verdict) {
                Ok(verdict) => format!("node {} is settled: {}", e.nodeId, verdict.name()),
                Err(_) => format!("node {} is settled", e.nodeId),
            },
            _ => "an event that this program does not know".into(),
        }
    }
}

fn nodes(ids: &[u64]) -> String {
    let ids: Vec<_> = ids.iter().map(|&id| NodeId(id).to_string()).collect();
    format!("nodes {}", ids.join(", "))
}
