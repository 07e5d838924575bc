//! Proposals and votes.

use alloy::primitives::{Address, U256};
use async_graphql::{Context, Json, Result};

use super::one;
use crate::{
    graphql::{
        enums::ProposalStage,
        filter::filter,
        object::object,
        scalars::{BigInt, Bytes},
    },
    store::{key, rows},
};

object! {
    /// A proposal to the governor. Votes in AIIGO wei.
    Proposal over rows::Proposal {
        fields {
            /// The hash of what it does.
            id: BigInt,
            /// Who made it.
            proposer: Bytes,
            /// How far it came.
            stage: ProposalStage,
            /// What it is for.
            description: String,
            /// When voting begins, Unix seconds.
            vote_start: BigInt,
            /// When voting ends.
            vote_end: BigInt,
            /// From when it can be executed, once queued.
            executable_at: Option<BigInt>,
            /// Votes for it.
            votes_for: BigInt,
            /// Votes against it.
            votes_against: BigInt,
            /// Votes that count for the quorum only.
            votes_abstain: BigInt,
            /// When it was made.
            created_at: BigInt,
            /// When its stage last changed.
            updated_at: BigInt,
        }
        lists {
            /// The votes, newest first.
            votes: Vote(rows::Vote, VoteFilter, VoteOrder) where "proposal_id" is id,
        }
        more {
            /// The calls that it makes: target, value, data.
            async fn calls(&self) -> Json<serde_json::Value> {
                // Written by this program.
                Json(serde_json::from_str(&self.0.calls).unwrap_or_default())
            }
        }
    }
}

filter! {
    "proposals", ProposalFilter, ProposalOrder for rows::Proposal {
        filters {
            id: U256,
            proposer: Address,
            stage: rows::ProposalStage,
            vote_start: u64,
            vote_end: u64,
            created_at: u64,
        }
        orders { CreatedAt = created_at }
        default { "created_at" Desc }
    }
}

object! {
    /// A vote on a proposal.
    Vote over rows::Vote {
        fields {
            /// The proposal.
            proposal_id: BigInt,
            /// Who voted.
            voter: Bytes,
            /// 0 against, 1 for, 2 abstain.
            support: i32,
            /// AIIGO wei.
            weight: BigInt,
            /// Why.
            reason: String,
            /// Unix seconds.
            cast_at: BigInt,
        }
        more {
            /// The proposal.
            async fn proposal(&self, ctx: &Context<'_>) -> Result<Option<Proposal>> {
                one::<rows::Proposal, _>(ctx, key![self.0.proposal_id]).await
            }
        }
    }
}

filter! {
    "votes", VoteFilter, VoteOrder for rows::Vote {
        filters { proposal_id: U256, voter: Address, support: u8, cast_at: u64 }
        orders { CastAt = cast_at }
        default { "cast_at" Desc }
    }
}
