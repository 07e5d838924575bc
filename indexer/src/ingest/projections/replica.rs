//! Replicated tasks: candidates, draws, results, and whose counts. A candidate holds a slot of its node from the
//! application on, as who executes a task alone does from the acceptance on.

use aiigo_protocol::{
    ReplicaStatus,
    TaskMarketplace::{ReplicaApplied, ReplicasDrawn, TaskMarketplaceEvents as Market},
    TaskStatus,
};
use alloy::primitives::{B256, U256};

use super::{Moment, court, node, task, variant};
use crate::store::{
    Changes, Row as _, StoreError, key,
    rows::{Replica, ReplicaRound, Task},
};

/// Seconds to show a result after the last one for sealing it. `REVEAL_WINDOW` of the market.
const REVEAL_WINDOW: u64 = 3_600;

pub(super) async fn apply(event: &Market, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Market::ReplicaApplied(e) => enter(db, e, at).await,
        Market::ReplicaReleased(e) => release(db, e.taskId, e.nodeId, at).await,
        Market::ReplicaWindowExtended(e) => {
            let accept_by = e.acceptBy.to();
            let task =
                task::change(db, e.taskId, TaskStatus::Recruiting, at, |task| task.accept_by = accept_by).await?;
            round(db, &task, |round| {
                round.extended = true;
                round.accept_by = accept_by;
            })
            .await
        }
        Market::ReplicaDrawFixed(e) => {
            let task = task::change(db, e.taskId, TaskStatus::Drawing, at, |_| ()).await?;
            round(db, &task, |round| {
                round.candidates = e.candidates.saturating_to();
                round.draw_block = Some(e.drawBlock.to());
            })
            .await
        }
        Market::ReplicasDrawn(e) => draw(db, e, at).await,
        Market::ReplicaSealed(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            change(db, &task, e.nodeId, |replica| {
                replica.status = ReplicaStatus::Sealed;
                replica.sealed_hash = Some(e.sealedHash);
                replica.sealed_at = Some(at.time);
            })
            .await?;
            round(db, &task, |round| round.sealed += 1).await?;
            node::change(db, e.nodeId, |node| {
                task::end_execution(node, &task);
                node.reviewing += 1;
            })
            .await
        }
        Market::ReplicasAllSealed(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            round(db, &task, |round| round.reveal_until = Some(e.revealUntil.to())).await
        }
        Market::ReplicaRevealed(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            change(db, &task, e.nodeId, |replica| {
                replica.status = ReplicaStatus::Revealed;
                replica.result_hash = Some(e.resultHash);
                replica.result_uri = Some(e.resultURI.clone());
                replica.revealed_at = Some(at.time);
            })
            .await?;
            round(db, &task, |round| round.revealed += 1).await
        }
        Market::ReplicaTimedOut(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            let before = present(db, &task, e.nodeId).await?.status;
            finish(db, &task, e.nodeId, ReplicaStatus::TimedOut, at).await?;
            node::change(db, e.nodeId, |node| {
                node.tasks_failed += 1;
                match before {
                    ReplicaStatus::Drawn => task::end_execution(node, &task),
                    _ => node.reviewing = node.reviewing.saturating_sub(1),
                }
            })
            .await
        }
        Market::ReplicasJudged(e) => {
            let result = Some(e.resultHash);
            let task =
                task::change(db, e.taskId, TaskStatus::Replicating, at, |task| task.result_hash = result).await?;
            round(db, &task, |round| {
                round.result_hash = result;
                round.agreeing = Some(e.agreeing.saturating_to());
                round.judged_at = Some(at.time);
                round.settle_after = Some(e.settleAfter.to()).filter(|until| *until != 0);
            })
            .await
        }
        Market::ReplicaPaid(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            let replica = change(db, &task, e.nodeId, |replica| {
                replica.status = ReplicaStatus::Agreed;
                replica.due = Some(e.due);
                replica.provider_amount = Some(e.providerAmount);
                replica.fee_amount = Some(e.feeAmount);
            })
            .await?;
            // All of the majority have the same result: the first place is as good as any.
            let update = |task: &mut Task| task.result_uri = task.result_uri.take().or(replica.result_uri);
            db.update::<Task>(&key![e.taskId], update).await?;
            node::earn(db, e.nodeId, task.payment_token, e.providerAmount).await?;
            node::change(db, e.nodeId, |node| node.tasks_paid += 1).await
        }
        Market::ReplicasVerified(e) => task::change(db, e.taskId, TaskStatus::Verified, at, |task| {
            task.approver = Some(e.enforcer);
            task.submitted_at = Some(at.time);
            task.due = Some(e.due);
            task.provider_amount = Some(e.providerAmount);
            task.fee_amount = Some(e.feeAmount);
            task.refund_amount = Some(e.refundAmount);
        })
        .await
        .map(drop),
        Market::ReplicaOutvoted(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            change(db, &task, e.nodeId, |replica| replica.status = ReplicaStatus::Outvoted).await.map(drop)
        }
        Market::ReplicaAppealed(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            let case = court::change(db, e.caseId, at, |case| {
                case.task_id = e.taskId;
                case.replica_node_id = Some(e.nodeId);
                case.appeal_id = Some(e.appealId);
            })
            .await?;
            court::submit(db, e.caseId, e.appellant, &e.evidenceURI, at).await?;
            change(db, &task, e.nodeId, |replica| {
                replica.status = ReplicaStatus::Appealed;
                replica.case_id = Some(case.id);
            })
            .await
            .map(drop)
        }
        Market::ReplicaSettled(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            let verdict = variant("a verdict that this program knows", e.verdict)?;
            finish(db, &task, e.nodeId, verdict, at).await?;
            node::change(db, e.nodeId, |node| node.reviewing = node.reviewing.saturating_sub(1)).await
        }
        Market::ReplicasDisagreed(e) => {
            let task = db.get::<Task>(&key![e.taskId]).await?;
            round(db, &task, |round| round.judged_at = Some(at.time)).await
        }
        Market::ReplicasReopened(e) => {
            let accept_by = e.acceptBy.to();
            let task = task::change(db, e.taskId, TaskStatus::Recruiting, at, |task| {
                task.attempts = e.round.saturating_sub(1);
                task.accept_by = accept_by;
                task.assigned_at = None;
                task.due_by = None;
            })
            .await?;
            begin(db, &task).await
        }
        _ => Ok(()),
    }
}

/// Nodes apply for the present round of a task.
pub(super) async fn begin(db: &mut Changes, task: &Task) -> Result<(), StoreError> {
    db.put(ReplicaRound {
        task_id: task.id,
        round: round_of(task),
        accept_by: task.accept_by,
        extended: false,
        candidates: 0,
        draw_block: None,
        randomness: None,
        drawn_at: None,
        seal_until: None,
        sealed: 0,
        reveal_until: None,
        revealed: 0,
        result_hash: None,
        agreeing: None,
        judged_at: None,
        settle_after: None,
    })
    .await
}

async fn enter(db: &mut Changes, e: &ReplicaApplied, at: Moment) -> Result<(), StoreError> {
    let task = db.get::<Task>(&key![e.taskId]).await?;
    db.put(Replica {
        task_id: e.taskId,
        round: e.round,
        node_id: e.nodeId,
        operator: e.operator,
        status: ReplicaStatus::Applied,
        applied_at: at.time,
        seat: None,
        sealed_hash: None,
        sealed_at: None,
        result_hash: None,
        result_uri: None,
        revealed_at: None,
        due: None,
        provider_amount: None,
        fee_amount: None,
        case_id: None,
        ended_at: None,
    })
    .await?;
    round(db, &task, |round| round.candidates += 1).await?;
    node::open_escrow(db, e.nodeId, task.payment_token, |open| open.saturating_add(task.share())).await?;
    node::change(db, e.nodeId, |node| {
        node.running += 1;
        node.running_power = node.running_power.saturating_add(U256::from(task.min_power));
    })
    .await
}

/// A candidate took its application back, was not drawn, or its task is over.
async fn release(db: &mut Changes, task_id: B256, node_id: u64, at: Moment) -> Result<(), StoreError> {
    let task = db.get::<Task>(&key![task_id]).await?;
    let replica = finish(db, &task, node_id, ReplicaStatus::Released, at).await?;
    if task.status == TaskStatus::Recruiting && replica.round == round_of(&task) {
        round(db, &task, |round| round.candidates = round.candidates.saturating_sub(1)).await?;
    }
    node::change(db, node_id, |node| task::end_execution(node, &task)).await
}

async fn draw(db: &mut Changes, e: &ReplicasDrawn, at: Moment) -> Result<(), StoreError> {
    let seal_until: u64 = e.sealUntil.to();
    let task = task::change(db, e.taskId, TaskStatus::Replicating, at, |task| {
        task.assigned_at = Some(at.time);
        task.due_by = Some(seal_until);
    })
    .await?;
    round(db, &task, |round| {
        round.randomness = Some(e.randomness);
        round.drawn_at = Some(at.time);
        round.seal_until = Some(seal_until);
        round.reveal_until = Some(seal_until.saturating_add(REVEAL_WINDOW));
    })
    .await?;
    for (seat, node_id) in (0_u8..).zip(&e.nodeIds) {
        change(db, &task, *node_id, |replica| {
            replica.status = ReplicaStatus::Drawn;
            replica.seat = Some(seat);
        })
        .await?;
        node::change(db, *node_id, |node| node.tasks_accepted += 1).await?;
    }
    Ok(())
}

/// A node has its last word in a task: its stake and its escrow answer for it no more. How the replica is now.
async fn finish(
    db: &mut Changes,
    task: &Task,
    node_id: u64,
    status: ReplicaStatus,
    at: Moment,
) -> Result<Replica, StoreError> {
    let token = task.payment_token;
    node::open_escrow(db, node_id, token, |open| open.saturating_sub(task.share())).await?;
    change(db, task, node_id, |replica| {
        replica.status = status;
        replica.ended_at = Some(at.time);
    })
    .await
}

/// Changes a node's part in the last round that it applied in; how it is now.
async fn change(
    db: &mut Changes,
    task: &Task,
    node_id: u64,
    change: impl FnOnce(&mut Replica),
) -> Result<Replica, StoreError> {
    let mut replica = present(db, task, node_id).await?;
    change(&mut replica);
    db.put(replica.clone()).await?;
    Ok(replica)
}

async fn present(db: &mut Changes, task: &Task, node_id: u64) -> Result<Replica, StoreError> {
    for round in (1..=round_of(task)).rev() {
        if let Some(replica) = db.find::<Replica>(&key![task.id, round, node_id]).await? {
            return Ok(replica);
        }
    }
    Err(StoreError::Missing { table: Replica::TABLE.name, key: key![task.id, round_of(task), node_id] })
}

/// Changes the present round of a task.
async fn round(db: &mut Changes, task: &Task, change: impl FnOnce(&mut ReplicaRound)) -> Result<(), StoreError> {
    db.update::<ReplicaRound>(&key![task.id, round_of(task)], change).await.map(drop)
}

/// Rounds are counted from 1.
const fn round_of(task: &Task) -> u8 {
    task.attempts + 1
}
