//! Proposals of governance that are not over.

use std::sync::Arc;

use aiigo_protocol::AIIGOGovernor::{AIIGOGovernorEvents, ProposalCreated};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};

use super::{
    Moment,
    journal::{Journaled, undo_by_parts},
};

/// A proposal that nobody could queue so long after its vote failed to reach the quorum, seconds.
const QUEUE_FOR: u64 = 7 * 86_400;
/// One whose calls fail for so long is left to whoever made it, seconds.
const EXECUTE_FOR: u64 = 30 * 86_400;

/// What a proposal would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Contracts that it calls.
    pub targets: Vec<Address>,
    /// Wei that go with each call.
    pub values: Vec<U256>,
    /// The calls.
    pub calldatas: Vec<Bytes>,
    /// Hash of its description.
    pub description_hash: B256,
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Being voted on, or accepted and not queued yet.
    Voting {
        /// Last second for votes, unix.
        until: u64,
        /// Weight against it so far.
        against: U256,
        /// Weight for it so far.
        in_favour: U256,
    },
    /// In the timelock.
    Queued {
        /// First second for its execution, unix.
        from: u64,
    },
}

impl Phase {
    /// Whether nothing can become of it any more, or nobody managed to bring it about for long.
    fn is_over(&self, now: u64) -> bool {
        match self {
            Self::Voting { until, .. } if !self.is_ahead() => now > *until,
            Self::Voting { until, .. } => now > until.saturating_add(QUEUE_FOR),
            Self::Queued { from } => now > from.saturating_add(EXECUTE_FOR),
        }
    }

    /// Whether it has more weight for it than against it.
    pub fn is_ahead(&self) -> bool {
        matches!(self, Self::Voting { against, in_favour, .. } if in_favour > against)
    }
}

/// Proposals by id.
#[derive(Debug, Default)]
pub(super) struct Proposals {
    open: Journaled<U256, Arc<Proposal>>,
    phases: Journaled<U256, Phase>,
}

undo_by_parts!(Proposals: open, phases);

impl Proposals {
    pub(super) fn iter(&self) -> impl Iterator<Item = (U256, &Proposal, Phase)> {
        self.phases.iter().filter_map(|(id, phase)| Some((*id, self.open.get(id)?.as_ref(), *phase)))
    }

    pub(super) fn apply(&mut self, block: u64, event: &AIIGOGovernorEvents) {
        use AIIGOGovernorEvents as E;
        match event {
            E::ProposalCreated(e) => {
                let until = e.voteEnd.saturating_to();
                let phase = Phase::Voting { until, against: U256::ZERO, in_favour: U256::ZERO };
                self.open.insert(block, e.proposalId, Arc::new(proposal(e)));
                self.phases.insert(block, e.proposalId, phase);
            }
            E::ProposalExtended(e) => {
                if let Some(Phase::Voting { against, in_favour, .. }) = self.phases.get(&e.proposalId).copied() {
                    let phase = Phase::Voting { until: e.extendedDeadline, against, in_favour };
                    self.phases.insert(block, e.proposalId, phase);
                }
            }
            E::VoteCast(e) => self.count(block, e.proposalId, e.support, e.weight),
            E::VoteCastWithParams(e) => self.count(block, e.proposalId, e.support, e.weight),
            E::ProposalQueued(e) if self.phases.contains(&e.proposalId) => {
                self.phases.insert(block, e.proposalId, Phase::Queued { from: e.etaSeconds.saturating_to() });
            }
            E::ProposalExecuted(e) => self.close(block, e.proposalId),
            E::ProposalCanceled(e) => self.close(block, e.proposalId),
            _ => {}
        }
    }

    /// Drops what is over without an event that says so.
    pub(super) fn reach(&mut self, Moment { block, time }: Moment) {
        let over: Vec<U256> = self.phases.iter().filter(|(_, phase)| phase.is_over(time)).map(|(id, _)| *id).collect();
        for id in over {
            self.close(block, id);
        }
    }

    /// Against, for, abstain: 0, 1, 2, as OpenZeppelin's GovernorCountingSimple.
    fn count(&mut self, block: u64, id: U256, support: u8, weight: U256) {
        let Some(Phase::Voting { until, against, in_favour }) = self.phases.get(&id).copied() else { return };
        let (against, in_favour) = match support {
            0 => (against.saturating_add(weight), in_favour),
            1 => (against, in_favour.saturating_add(weight)),
            _ => return,
        };
        self.phases.insert(block, id, Phase::Voting { until, against, in_favour });
    }

    fn close(&mut self, block: u64, id: U256) {
        self.open.remove(block, &id);
        self.phases.remove(block, &id);
    }
}

fn proposal(created: &ProposalCreated) -> Proposal {
    Proposal {
        targets: created.targets.clone(),
        values: created.values.clone(),
        calldatas: created.calldatas.clone(),
        description_hash: keccak256(&created.description),
    }
}
