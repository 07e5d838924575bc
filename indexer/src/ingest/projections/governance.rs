//! Proposals and votes.

use aiigo_protocol::AIIGOGovernor::{AIIGOGovernorEvents as Governor, ProposalCreated};
use alloy::primitives::{Address, U256};

use super::Moment;
use crate::store::{
    Changes, StoreError, key,
    rows::{Proposal, ProposalStage, Vote},
};

pub(super) async fn apply(event: &Governor, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Governor::ProposalCreated(e) => {
            db.put(Proposal {
                id: e.proposalId,
                proposer: e.proposer,
                stage: ProposalStage::Proposed,
                description: e.description.clone(),
                calls: calls(e),
                vote_start: e.voteStart.saturating_to(),
                vote_end: e.voteEnd.saturating_to(),
                executable_at: None,
                votes_for: U256::ZERO,
                votes_against: U256::ZERO,
                votes_abstain: U256::ZERO,
                created_at: at.time,
                updated_at: at.time,
            })
            .await
        }
        Governor::ProposalExtended(e) => {
            change(db, e.proposalId, at, |proposal| proposal.vote_end = e.extendedDeadline).await
        }
        Governor::ProposalQueued(e) => {
            change(db, e.proposalId, at, |proposal| {
                proposal.stage = ProposalStage::Queued;
                proposal.executable_at = Some(e.etaSeconds.saturating_to());
            })
            .await
        }
        Governor::ProposalExecuted(e) => {
            change(db, e.proposalId, at, |proposal| proposal.stage = ProposalStage::Executed).await
        }
        Governor::ProposalCanceled(e) => {
            change(db, e.proposalId, at, |proposal| proposal.stage = ProposalStage::Canceled).await
        }
        Governor::VoteCast(e) => vote(db, e.proposalId, e.voter, e.support, e.weight, &e.reason, at).await,
        Governor::VoteCastWithParams(e) => vote(db, e.proposalId, e.voter, e.support, e.weight, &e.reason, at).await,
        _ => Ok(()),
    }
}

async fn vote(
    db: &mut Changes,
    proposal_id: U256,
    voter: Address,
    support: u8,
    weight: U256,
    reason: &str,
    at: Moment,
) -> Result<(), StoreError> {
    db.put(Vote { proposal_id, voter, support, weight, reason: reason.to_owned(), cast_at: at.time }).await?;
    db.update::<Proposal>(&key![proposal_id], |proposal| {
        let tally = match support {
            0 => &mut proposal.votes_against,
            1 => &mut proposal.votes_for,
            _ => &mut proposal.votes_abstain,
        };
        *tally = tally.saturating_add(weight);
    })
    .await
    .map(drop)
}

async fn change(db: &mut Changes, id: U256, at: Moment, change: impl FnOnce(&mut Proposal)) -> Result<(), StoreError> {
    db.update::<Proposal>(&key![id], |proposal| {
        proposal.updated_at = at.time;
        change(proposal);
    })
    .await
    .map(drop)
}

fn calls(event: &ProposalCreated) -> String {
    let calls = event.targets.iter().zip(&event.values).zip(&event.calldatas).map(|((target, value), data)| {
        serde_json::json!({
            "target": format!("{target:#x}"),
            "value": value.to_string(),
            "data": alloy::primitives::hex::encode_prefixed(data),
        })
    });
    serde_json::Value::from_iter(calls).to_string()
}
