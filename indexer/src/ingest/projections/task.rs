//! Tasks: from creation to payment or refund.

use aiigo_protocol::{TaskMarketplace::TaskMarketplaceEvents as Market, TaskStatus};
use alloy::primitives::{B256, U256};

use super::{Moment, court, day, node, parameters, protocol, replica, token};
use crate::store::{
    Changes, StoreError, key,
    rows::{Assignment, AssignmentOutcome, Node, PaymentToken, Task},
};

pub(super) async fn apply(event: &Market, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Market::TaskCreated(e) => {
            let request = &e.request;
            let status = if request.replicas == 1 { TaskStatus::Open } else { TaskStatus::Recruiting };
            let task = Task {
                id: e.taskId,
                buyer: e.buyer,
                status,
                resource_type: node::resource_type(request.resourceType)?,
                min_trust_level: request.minTrustLevel,
                min_power: request.minPower.into(),
                duration: request.duration,
                accept_window: request.acceptWindow,
                review_window: request.reviewWindow,
                price_per_hour: U256::from(request.pricePerHour),
                payment_token: request.paymentToken,
                spec_hash: e.specHash,
                spec_uri: request.specURI.clone(),
                escrow: U256::from(e.escrow),
                tip_deposit: e.tipDeposit,
                fee_bps: e.feeBps,
                accept_by: e.acceptBy.to(),
                attempts: 0,
                node_id: None,
                operator: None,
                assigned_at: None,
                due_by: None,
                submitted_at: None,
                review_until: None,
                result_hash: None,
                result_uri: None,
                approver: None,
                due: None,
                provider_amount: None,
                fee_amount: None,
                refund_amount: None,
                case_id: None,
                ruling: None,
                juror_amount: None,
                seats: request.replicas,
                created_at: at.time,
                created_block: at.block,
                created_tx: at.tx,
                updated_at: at.time,
                closed_at: None,
            };
            if status == TaskStatus::Recruiting {
                replica::begin(db, &task).await?;
            }
            day::price(db, at, &task).await?;
            db.insert(task);
            protocol::recount_task(db, TaskStatus::None, status).await?;
            token::account(db, e.buyer, |account| account.tasks_created += 1).await
        }
        Market::TaskAccepted(e) => {
            let due_by: u64 = e.deadline.to();
            let task = change(db, e.taskId, TaskStatus::InProgress, at, |task| {
                task.node_id = Some(e.nodeId);
                task.operator = Some(e.operator);
                task.assigned_at = Some(at.time);
                task.due_by = Some(due_by);
            })
            .await?;
            db.insert(Assignment {
                task_id: e.taskId,
                attempt: task.attempts,
                node_id: e.nodeId,
                operator: e.operator,
                outcome: AssignmentOutcome::Running,
                accepted_at: at.time,
                due_by,
                ended_at: None,
            });
            node::open_escrow(db, e.nodeId, task.payment_token, |open| open.saturating_add(task.escrow)).await?;
            node::change(db, e.nodeId, |node| {
                node.tasks_accepted += 1;
                node.running += 1;
                node.running_power = node.running_power.saturating_add(U256::from(task.min_power));
            })
            .await
        }
        Market::ResultSubmitted(e) => {
            let task = change(db, e.taskId, TaskStatus::Completed, at, |task| {
                task.submitted_at = Some(at.time);
                task.review_until = Some(e.reviewUntil.to());
                task.result_hash = Some(e.resultHash);
                task.result_uri = Some(e.resultURI.clone());
            })
            .await?;
            end_assignment(db, &task, AssignmentOutcome::Delivered, at).await?;
            node::change(db, e.nodeId, |node| {
                end_execution(node, &task);
                node.reviewing += 1;
            })
            .await
        }
        Market::TaskVerified(e) => {
            let task = change(db, e.taskId, TaskStatus::Verified, at, |task| {
                task.approver = Some(e.approver);
                task.due = Some(e.due);
                task.provider_amount = Some(e.providerAmount);
                task.fee_amount = Some(e.feeAmount);
                task.refund_amount = Some(e.refundAmount);
            })
            .await?;
            node::open_escrow(db, e.nodeId, task.payment_token, |open| open.saturating_sub(task.escrow)).await?;
            node::earn(db, e.nodeId, task.payment_token, e.providerAmount).await?;
            node::change(db, e.nodeId, |node| {
                node.reviewing = node.reviewing.saturating_sub(1);
                node.tasks_paid += 1;
            })
            .await
        }
        Market::TaskDisputed(e) => {
            let case = Some(e.caseId.saturating_to());
            change(db, e.taskId, TaskStatus::Disputed, at, |task| task.case_id = case).await?;
            court::submit(db, e.caseId, e.disputer, &e.evidenceURI, at).await
        }
        Market::TaskResolved(e) => {
            let task = change(db, e.taskId, TaskStatus::Resolved, at, |task| {
                let others = e.providerAmount.saturating_add(e.feeAmount).saturating_add(e.jurorAmount);
                task.ruling = Some(e.share);
                task.due = Some(e.due);
                task.provider_amount = Some(e.providerAmount);
                task.fee_amount = Some(e.feeAmount);
                task.juror_amount = Some(e.jurorAmount);
                task.refund_amount = Some(task.escrow.saturating_sub(others));
            })
            .await?;
            node::open_escrow(db, e.nodeId, task.payment_token, |open| open.saturating_sub(task.escrow)).await?;
            node::earn(db, e.nodeId, task.payment_token, e.providerAmount).await?;
            node::change(db, e.nodeId, |node| {
                node.reviewing = node.reviewing.saturating_sub(1);
                node.tasks_paid += u32::from(!e.providerAmount.is_zero());
            })
            .await
        }
        Market::TaskTimedOut(e) => fail(db, e.taskId, e.nodeId, AssignmentOutcome::TimedOut, at).await,
        Market::TaskAbandoned(e) => fail(db, e.taskId, e.nodeId, AssignmentOutcome::Abandoned, at).await,
        Market::TaskReopened(e) => change(db, e.taskId, TaskStatus::Open, at, |task| {
            task.attempts = e.attempts;
            task.accept_by = e.acceptBy.to();
        })
        .await
        .map(drop),
        Market::TaskCancelled(e) => {
            change(db, e.taskId, TaskStatus::Cancelled, at, |task| task.refund_amount = Some(e.refund)).await.map(drop)
        }
        Market::TaskExpired(e) => {
            change(db, e.taskId, TaskStatus::Expired, at, |task| task.refund_amount = Some(e.refund)).await.map(drop)
        }
        Market::MarketParametersChanged(e) => parameters::set(db, parameters::MARKET, &e.parameters, at).await,
        Market::PaymentTokenChanged(e) => {
            db.put(PaymentToken { token: e.token, allowed: e.allowed, timeout_tip: U256::from(e.timeoutTip) }).await
        }
        event => replica::apply(event, at, db).await,
    }
}

/// Changes a task and its status; how it is now.
pub(super) async fn change(
    db: &mut Changes,
    id: B256,
    status: TaskStatus,
    at: Moment,
    change: impl FnOnce(&mut Task),
) -> Result<Task, StoreError> {
    let mut task = db.get::<Task>(&key![id]).await?;
    if task.status != status {
        protocol::recount_task(db, task.status, status).await?;
    }
    task.status = status;
    task.updated_at = at.time;
    if status.is_final() {
        task.closed_at = Some(at.time);
    }
    change(&mut task);
    db.put(task.clone()).await?;
    Ok(task)
}

/// An assignment that ended without a result: the task is open again, until the next event reopens or expires it.
async fn fail(
    db: &mut Changes,
    task_id: B256,
    node_id: u64,
    outcome: AssignmentOutcome,
    at: Moment,
) -> Result<(), StoreError> {
    let task = db.get::<Task>(&key![task_id]).await?;
    end_assignment(db, &task, outcome, at).await?;
    node::open_escrow(db, node_id, task.payment_token, |open| open.saturating_sub(task.escrow)).await?;
    node::change(db, node_id, |node| {
        end_execution(node, &task);
        node.tasks_failed += 1;
    })
    .await?;
    change(db, task_id, TaskStatus::Open, at, |task| {
        task.attempts += 1;
        task.node_id = None;
        task.operator = None;
        task.assigned_at = None;
        task.due_by = None;
    })
    .await
    .map(drop)
}

async fn end_assignment(
    db: &mut Changes,
    task: &Task,
    outcome: AssignmentOutcome,
    at: Moment,
) -> Result<(), StoreError> {
    db.update::<Assignment>(&key![task.id, task.attempts], |assignment| {
        assignment.outcome = outcome;
        assignment.ended_at = Some(at.time);
    })
    .await
    .map(drop)
}

/// A node executes a task no more, and its slot is free.
pub(super) fn end_execution(node: &mut Node, task: &Task) {
    node.running = node.running.saturating_sub(1);
    node.running_power = node.running_power.saturating_sub(U256::from(task.min_power));
}
