//! A candidate: applies, waits for the draw, and gives its slot back if it was not drawn.

use std::time::{Duration, Instant};

use aiigo_chain::Outcome;
use aiigo_protocol::{ContractName, ReplicaStatus, TaskId, TaskMarketplace::TaskRequest, decode_revert};
use alloy::primitives::Bytes;

use super::{news::Listener, round_of, seat::Seat};
use crate::{
    error::AgentError,
    market::Call,
    serve::{Desk, fetch},
    store::{Stage, Work},
};

/// How long a keeper may take to release who was not drawn, before the agent does it itself.
const RELEASE_PATIENCE: Duration = Duration::from_secs(30);
/// Seconds before the end of the window at which a machine that has not got the task's files back withdraws.
const WITHDRAW_RESERVE: u64 = 60;

/// Sends the application. It stands within the acceptance window or is lost.
pub(super) async fn apply(desk: &Desk, seat: &Seat, work: Work) -> Result<Work, AgentError> {
    let call = desk.market.tasks().applyForReplica(work.task.0, desk.node.0).calldata().clone();
    let key = format!("apply:{}:{}:{}", work.task, round_of(&work), work.attempt);
    let label = format!("apply for task {}", work.task);
    match desk.sender.once(&key, &label, market_call(desk, call), Some(seat.accept_by)).await? {
        Outcome::Landed { .. } => {
            tracing::info!(task = %work.task, name = work.spec.name, "applied for a seat; a draw decides");
            Ok(work.at(Stage::Applied))
        }
        Outcome::Reverted { error, .. } => {
            // The chain decides: a transaction that this folder does not know of may have landed.
            let seat = Seat::now(desk, work.task).await?;
            match seat.status == ReplicaStatus::Applied && Some(seat.applied_in) == work.round {
                true => Ok(work.at(Stage::Applied)),
                false => Ok(work.ended(Stage::Lost, format!("the application was refused: {error}"))),
            }
        }
        Outcome::Expired => Ok(work.ended(Stage::Lost, "the application was not included in time")),
    }
}

/// Waits for the draw, with everything at hand that is needed then.
pub(super) async fn await_draw(desk: &Desk, seat: &Seat, work: Work, news: &mut Listener) -> Result<Work, AgentError> {
    if seat.is_left_over() {
        return release(desk, work, news).await;
    }
    match is_able(desk, &work).await {
        Ok(()) => news.wait(desk, None).await.map(|()| work),
        Err(trouble) if trouble.lasts || seat.accept_by < seat.now + WITHDRAW_RESERVE => {
            withdraw(desk, seat, work, trouble.error).await
        }
        Err(trouble) => Err(trouble.error),
    }
}

/// Why a task that was applied for can't be run.
struct Trouble {
    error: AgentError,
    /// Whether it will not pass by itself.
    lasts: bool,
}

/// Whether the machine can still run what it applied for: it may have lost the files, or its limits were lowered.
async fn is_able(desk: &Desk, work: &Work) -> Result<(), Trouble> {
    let passes = |error| Trouble { error, lasts: false };
    let (_, task) = desk.market.task(work.task).await.map_err(passes)?;
    let request = TaskRequest { duration: task.duration, ..TaskRequest::default() };
    desk.policy
        .policy()
        .judge_spec(&work.spec, &request)
        .map_err(|refusal| Trouble { error: AgentError::new(refusal.reason), lasts: true })?;
    fetch::files(desk, work.task, &work.spec).await.map_err(passes)
}

/// Takes the application back while that is free. Once the candidates are fixed only the draw can still spare the node.
async fn withdraw(desk: &Desk, seat: &Seat, work: Work, reason: AgentError) -> Result<Work, AgentError> {
    tracing::error!(task = %work.task, reason = reason.full(), "this machine can't run the task that it applied for");
    if !seat.is_open() {
        return Err(reason);
    }
    let call = desk.market.tasks().withdrawApplication(work.task.0, desk.node.0).calldata().clone();
    let key = withdraw_key(&work);
    let label = format!("withdraw the application for task {}", work.task);
    match desk.sender.until_landed(&key, &label, market_call(desk, call), Some(seat.accept_by)).await? {
        Outcome::Landed { .. } => {
            let note = format!("withdrawn, and no further application in this round: {}", reason.full());
            Ok(work.ended(Stage::Abandoned, note))
        }
        Outcome::Reverted { error, .. } => Err(AgentError::refused(label, &error)),
        Outcome::Expired => Err(AgentError::new(format!("{label}: not included in time"))),
    }
}

/// Whether the application was withdrawn: also by a run of this agent that did not live to write it down.
pub(super) async fn was_withdrawn(desk: &Desk, work: &Work) -> Result<bool, AgentError> {
    desk.sender.has_landed(&format!("{}:0", withdraw_key(work))).await
}

fn withdraw_key(work: &Work) -> String {
    format!("withdraw:{}:{}", work.task, round_of(work))
}

/// Gives the slot back, if no keeper does. Then the chain says that the node is released.
async fn release(desk: &Desk, work: Work, news: &mut Listener) -> Result<Work, AgentError> {
    let until = Instant::now() + RELEASE_PATIENCE;
    while Instant::now() < until {
        news.forget();
        let seat = Seat::now(desk, work.task).await?;
        if !seat.is_left_over() {
            return Ok(work);
        }
        let left = until.saturating_duration_since(Instant::now());
        match tokio::time::timeout(left, news.wait(desk, None)).await {
            Ok(waited) => waited?,
            Err(_) => break,
        }
    }
    let call = desk.market.tasks().releaseCandidates(work.task.0, vec![desk.node.0]).calldata().clone();
    let key = format!("release:{}:{}", work.task, round_of(&work));
    let label = format!("take the slot back that the application for task {} holds", work.task);
    match desk.sender.until_landed(&key, &label, market_call(desk, call), None).await? {
        Outcome::Landed { block, .. } => {
            tracing::info!(task = %work.task, "not drawn; the slot is free again");
            desk.clock.after(block.saturating_sub(1)).await?;
            Ok(work)
        }
        Outcome::Reverted { error, .. } => Err(AgentError::refused(label, &error)),
        Outcome::Expired => Err(AgentError::new(format!("{label}: given up"))),
    }
}

/// Whether the contract would take an application, or why not: of another node of this owner, of one that had the task
/// before, and so on.
pub(super) async fn is_free(desk: &Desk, task: TaskId, seat: &Seat) -> Result<(), String> {
    if !seat.is_open() {
        return Err("nobody can apply for it now".into());
    }
    if (seat.status, seat.applied_in) == (ReplicaStatus::Applied, seat.round) {
        return Err("this node has applied".into());
    }
    let market = desk.market.tasks();
    match market.applyForReplica(task.0, desk.node.0).from(desk.sender.address()).call().await {
        Ok(_) => Ok(()),
        Err(error) => Err(match error.as_revert_data() {
            Some(data) => format!("the contract would refuse: {}", decode_revert(&data)),
            None => format!("the application can't be tried: {error}"),
        }),
    }
}

pub(super) fn market_call(desk: &Desk, data: Bytes) -> Call {
    desk.market.call(ContractName::TaskMarketplace, data)
}
