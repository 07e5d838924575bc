//! Challenges that were neither answered nor closed.

use aiigo_protocol::{NodeId, ProofOfWorkVerifier::ProofOfWorkVerifierEvents};

use super::journal::{Journaled, undo_by_parts};

/// An open challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenChallenge {
    /// Its number.
    pub id: u64,
    /// Last second for the solution.
    pub deadline: u64,
}

/// Open challenges by node.
#[derive(Debug, Default)]
pub(super) struct Challenges {
    open: Journaled<NodeId, OpenChallenge>,
}

undo_by_parts!(Challenges: open);

impl Challenges {
    pub(super) fn iter(&self) -> impl Iterator<Item = (NodeId, OpenChallenge)> {
        self.open.iter().map(|(node, challenge)| (*node, *challenge))
    }

    pub(super) fn len(&self) -> usize {
        self.open.len()
    }

    pub(super) fn apply(&mut self, block: u64, event: &ProofOfWorkVerifierEvents) {
        use ProofOfWorkVerifierEvents as E;
        match event {
            E::ChallengeIssued(e) => {
                let challenge = OpenChallenge { id: e.challengeId, deadline: e.deadline.to() };
                self.open.insert(block, NodeId(e.nodeId), challenge);
            }
            E::ChallengePassed(e) => self.open.remove(block, &NodeId(e.nodeId)),
            E::ChallengeMissed(e) => self.open.remove(block, &NodeId(e.nodeId)),
            _ => {}
        }
    }
}
