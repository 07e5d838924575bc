//! Where a proposal stands.

use std::fmt;

use alloy::primitives::U256;
use serde::Serialize;

use super::proposals::Proposal;
use crate::{Chain, CliError, format};

/// A proposal's state, as OpenZeppelin's `IGovernor.ProposalState` counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum State {
    Pending,
    Active,
    Canceled,
    Defeated,
    Succeeded,
    Queued,
    Expired,
    Executed,
}

impl State {
    const ALL: [Self; 8] = [
        Self::Pending,
        Self::Active,
        Self::Canceled,
        Self::Defeated,
        Self::Succeeded,
        Self::Queued,
        Self::Expired,
        Self::Executed,
    ];
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pending => "Pending",
            Self::Active => "Active",
            Self::Canceled => "Canceled",
            Self::Defeated => "Defeated",
            Self::Succeeded => "Succeeded",
            Self::Queued => "Queued",
            Self::Expired => "Expired",
            Self::Executed => "Executed",
        })
    }
}

/// Where a proposal stands, by the governor's own word. Votes and quorum in AIIGO wei, times in unix seconds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Standing {
    pub(super) state: State,
    pub(super) against: U256,
    pub(super) in_favour: U256,
    pub(super) abstaining: U256,
    /// For and abstaining together have to reach it. Before the snapshot: what it would be now.
    pub(super) quorum: U256,
    /// Last second for votes.
    pub(super) deadline: u64,
    /// First second for its execution; zero before it is queued.
    pub(super) eta: u64,
    /// The chain's clock.
    pub(super) now: u64,
}

impl Standing {
    pub(super) async fn of(chain: &Chain, proposal: &Proposal) -> Result<Self, CliError> {
        let governor = chain.governor();
        let failed = |error| CliError::call(format!("reading proposal {}", proposal.id), error);
        let now = chain.head().await?.timestamp;
        let state = governor.state(proposal.id).call().await.map_err(failed)?;
        let votes = governor.proposalVotes(proposal.id).call().await.map_err(failed)?;
        let counted_at = proposal.vote_start.min(now.saturating_sub(1));
        let quorum = governor.quorum(U256::from(counted_at)).call().await.map_err(failed)?;
        let deadline = governor.proposalDeadline(proposal.id).call().await.map_err(failed)?;
        let eta = governor.proposalEta(proposal.id).call().await.map_err(failed)?;
        let known = State::ALL.get(usize::from(state)).copied();
        let state =
            known.ok_or_else(|| CliError::Failed(format!("the governor tells of a state {state}, unknown here")))?;
        Ok(Self {
            state,
            against: votes.againstVotes,
            in_favour: votes.forVotes,
            abstaining: votes.abstainVotes,
            quorum,
            deadline: deadline.saturating_to(),
            eta: eta.saturating_to(),
            now,
        })
    }

    /// Votes that count for the quorum, AIIGO wei.
    pub(super) fn took_part(&self) -> U256 {
        self.in_favour.saturating_add(self.abstaining)
    }

    /// What comes next, and when.
    pub(super) fn next(&self, proposal: &Proposal) -> String {
        let at = |time| format::deadline(time, self.now);
        match self.state {
            State::Pending => format!("voting begins {}", at(proposal.vote_start)),
            State::Active => format!("voting ends {}", at(self.deadline)),
            State::Succeeded => format!("accepted: aiigo gov queue {}", proposal.id),
            State::Queued if self.eta > self.now => format!("can be executed {}", at(self.eta)),
            State::Queued => format!("can be executed: aiigo gov execute {}", proposal.id),
            State::Defeated if self.took_part() < self.quorum => "defeated: too few took part".into(),
            State::Defeated => "defeated: not more for it than against it".into(),
            State::Canceled => "taken back by its proposer".into(),
            State::Expired => "expired".into(),
            State::Executed => "carried out".into(),
        }
    }
}
