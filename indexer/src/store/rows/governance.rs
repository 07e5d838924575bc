//! Proposals and votes.

use alloy::primitives::{Address, U256};

use super::stored_enum;
use crate::store::table::row;

stored_enum! {
    /// How far a proposal came by transactions. Whether voting is open or the vote was won follows from the clock and
    /// the tally.
    ProposalStage {
        /// Made; voted on from `vote_start` to `vote_end`.
        Proposed = 0,
        /// Won and waiting in the timelock.
        Queued = 1,
        /// Done.
        Executed = 2,
        /// Withdrawn.
        Canceled = 3,
    }
}

row! {
    /// A proposal to the governor.
    Proposal in "proposals", key 1 {
        /// The hash of what it does.
        id: U256,
        /// Who made it.
        proposer: Address,
        /// How far it came.
        stage: ProposalStage,
        /// What it is for.
        description: String,
        /// The calls: a JSON list of target, value and data.
        calls: String,
        /// When voting begins.
        vote_start: u64,
        /// When voting ends.
        vote_end: u64,
        /// From when it can be executed, once queued.
        executable_at: Option<u64>,
        /// AIIGO wei.
        votes_for: U256,
        /// AIIGO wei.
        votes_against: U256,
        /// AIIGO wei.
        votes_abstain: U256,
        /// When it was made.
        created_at: u64,
        /// When its stage last changed.
        updated_at: u64,
    }
}

row! {
    /// A vote on a proposal.
    Vote in "votes", key 2 {
        /// The proposal.
        proposal_id: U256,
        /// Who voted.
        voter: Address,
        /// 0 against, 1 for, 2 abstain.
        support: u8,
        /// AIIGO wei.
        weight: U256,
        /// Why.
        reason: String,
        /// When.
        cast_at: u64,
    }
}
