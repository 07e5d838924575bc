//! Proposals of governance that are not over.

use aiigo_protocol::AIIGOGovernor::{AIIGOGovernorEvents, ProposalCreated};
use alloy::primitives::{Address, B256, Bytes, U256, keccak256};

use super::Journaled;

/// A proposal, and how it stands.
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
    /// Where it stands.
    pub phase: Phase,
}

/// Where a proposal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Being voted on, or over without anybody having queued it.
    Voting {
        /// Last second for votes, unix.
        until: u64,
        /// More weight for it than against it, so far.
        is_ahead: bool,
    },
    /// In the timelock.
    Queued {
        /// First second for its execution, unix.
        from: u64,
    },
}

#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    against: U256,
    in_favour: U256,
}

/// Proposals by id.
#[derive(Debug, Default)]
pub(super) struct Proposals {
    open: Journaled<U256, Proposal>,
    tallies: Journaled<U256, Tally>,
}

impl Proposals {
    pub(super) fn iter(&self) -> impl Iterator<Item = (U256, &Proposal)> {
        self.open.iter().map(|(id, proposal)| (*id, proposal))
    }

    pub(super) fn apply(&mut self, block: u64, event: &AIIGOGovernorEvents) {
        use AIIGOGovernorEvents as E;
        match event {
            E::ProposalCreated(e) => self.open.insert(block, e.proposalId, proposal(e)),
            E::ProposalExtended(e) => self.set_phase(block, e.proposalId, |phase| match phase {
                Phase::Voting { is_ahead, .. } => Phase::Voting { until: e.extendedDeadline, is_ahead },
                queued @ Phase::Queued { .. } => queued,
            }),
            E::VoteCast(e) => self.count(block, e.proposalId, e.support, e.weight),
            E::VoteCastWithParams(e) => self.count(block, e.proposalId, e.support, e.weight),
            E::ProposalQueued(e) => {
                let from = e.etaSeconds.saturating_to();
                self.set_phase(block, e.proposalId, |_| Phase::Queued { from });
            }
            E::ProposalExecuted(e) => self.close(block, e.proposalId),
            E::ProposalCanceled(e) => self.close(block, e.proposalId),
            _ => {}
        }
    }

    /// Against, for, abstain: 0, 1, 2, as OpenZeppelin's GovernorCountingSimple.
    fn count(&mut self, block: u64, id: U256, support: u8, weight: U256) {
        let mut tally = self.tallies.get(&id).copied().unwrap_or_default();
        match support {
            0 => tally.against = tally.against.saturating_add(weight),
            1 => tally.in_favour = tally.in_favour.saturating_add(weight),
            _ => return,
        }
        self.tallies.insert(block, id, tally);
        let is_ahead = tally.in_favour > tally.against;
        self.set_phase(block, id, |phase| match phase {
            Phase::Voting { until, .. } => Phase::Voting { until, is_ahead },
            queued @ Phase::Queued { .. } => queued,
        });
    }

    fn set_phase(&mut self, block: u64, id: U256, next: impl FnOnce(Phase) -> Phase) {
        if let Some(proposal) = self.open.get(&id) {
            let moved = Proposal { phase: next(proposal.phase), ..proposal.clone() };
            self.open.insert(block, id, moved);
        }
    }

    fn close(&mut self, block: u64, id: U256) {
        self.open.remove(block, &id);
        self.tallies.remove(block, &id);
    }

    pub(super) fn retract(&mut self, block: u64) {
        self.open.retract(block);
        self.tallies.retract(block);
    }

    pub(super) fn settle(&mut self, block: u64) {
        self.open.settle(block);
        self.tallies.settle(block);
    }
}

fn proposal(created: &ProposalCreated) -> Proposal {
    Proposal {
        targets: created.targets.clone(),
        values: created.values.clone(),
        calldatas: created.calldatas.clone(),
        description_hash: keccak256(&created.description),
        phase: Phase::Voting { until: created.voteEnd.saturating_to(), is_ahead: false },
    }
}
