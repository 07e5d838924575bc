//! The next audit round.

use aiigo_protocol::ProofOfWorkVerifier::{commitChainCall, openRoundWithoutPreimageCall};
use alloy::primitives::{Address, B256};

use super::{Action, Duty, DutyName};
use crate::{
    payload::Payload,
    secrets::Secrets,
    view::{Rounds, View},
};

pub(super) struct OpenRounds {
    pub(super) verifier: Address,
    pub(super) account: Address,
    pub(super) secrets: Option<Secrets>,
}

impl Duty for OpenRounds {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        let rounds = view.rounds();
        self.commit(rounds).into_iter().chain(self.open(rounds, now)).collect()
    }
}

impl OpenRounds {
    /// What opens the next round, if it is a secret of this keeper.
    fn preimage(&self, rounds: &Rounds) -> Option<B256> {
        self.secrets.as_ref()?.preimage(rounds.head(), rounds.commitments())
    }

    /// The challenger commits to its next chain when there is none, or it is used up.
    fn commit(&self, rounds: &Rounds) -> Option<Action> {
        let secrets = self.secrets.as_ref()?;
        if rounds.challenger() != self.account || self.preimage(rounds).is_some() {
            return None;
        }
        // Numbered by what the chain has seen, so that no chain of this seed is committed twice.
        let chain = rounds.commitments();
        let call = commitChainCall { head: secrets.head(chain) };
        Some(Action::new(DutyName::OpenRounds, format_args!("chain {chain}"), self.verifier, &call))
    }

    fn open(&self, rounds: &Rounds, now: u64) -> Option<Action> {
        let subject = format!("round {}", rounds.next());
        if let Some(preimage) = self.preimage(rounds) {
            // Not even tried before: who is asked may tell others.
            let (duty, to, payload) = (DutyName::OpenRounds, self.verifier, Payload::Reveal(preimage));
            return (now >= rounds.due_at(preimage)?).then_some(Action { duty, subject, to, payload });
        }
        let is_due = now >= rounds.open_to_anyone_at()?;
        is_due.then(|| Action::new(DutyName::OpenRounds, subject, self.verifier, &openRoundWithoutPreimageCall {}))
    }
}
