//! One task from the decision to its end: a state machine whose every step is written down before the next begins.

use std::time::Duration;

use aiigo_protocol::{TaskId, TaskStatus};
use aiigo_task::TaskSpec;

use super::{
    Desk, accept, deliver, execute, fetch,
    patience::{Next, Patience},
    replica,
    tenure::{self, Tenure},
};
use crate::{
    error::AgentError,
    policy::{Offer, Refusal},
    resources::Share,
    store::{Stage, Work},
};

/// Pauses after failures that may pass: the chain or the disk does not answer.
pub(super) const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// What became of going for a task.
pub(super) enum Ended {
    /// It was not for us; nothing was promised.
    Refused(Refusal),
    /// The work got as far as it could now.
    Worked(Box<Work>),
    /// It goes on, and from here on takes, or does not take, power of the machine.
    GoesOn(Box<Work>),
}

/// Goes for a task: looks at its spec, fetches its files, and only then promises and does it.
pub(super) async fn begin(desk: &Desk, task: TaskId, offer: &Offer) -> Result<Ended, AgentError> {
    if offer.request.replicas != 1 {
        return replica::begin(desk, task, offer).await;
    }
    let work = match desk.store.work(task).await? {
        Some(lost) if lost.stage == Stage::Lost => lost.again(),
        Some(_) => return Ok(Ended::Refused(Refusal::never("this node had it before"))),
        None => match fetch::spec(desk, offer).await {
            Ok(spec) => Work::new(task, spec),
            Err(refusal) => return Ok(Ended::Refused(refusal)),
        },
    };
    let _share = match desk.resources.promise(Share::of(&work.spec), &desk.policy.policy()) {
        Ok(promise) => promise,
        Err(refusal) => return Ok(Ended::Refused(refusal)),
    };
    if let Err(refusal) = fetch::all(desk, task, &work.spec).await {
        desk.data.task(task).remove();
        return Ok(Ended::Refused(refusal));
    }
    desk.store.save(&work).await?;
    worked(desk, work).await
}

/// Takes up a task that the chain says is ours, though nothing here says that it is in hand: the database was lost, or a
/// reorganisation brought an acceptance back.
pub(super) async fn recover(desk: &Desk, task: TaskId, offer: &Offer) -> Result<Ended, AgentError> {
    let (status, on_chain) = desk.market.task(task).await?;
    if status != TaskStatus::InProgress || on_chain.nodeId != desk.node.0 {
        return Ok(Ended::Refused(Refusal::not_now("it is not this node's")));
    }
    let spec = match desk.store.work(task).await? {
        Some(known) => known.spec,
        None => match owed_spec(desk, task, offer).await? {
            Ok(spec) => spec,
            Err(refusal) => return Ok(Ended::Refused(refusal)),
        },
    };
    tracing::warn!(%task, "taking up a task that the chain says is this node's");
    let _share = desk.resources.keep(Share::of(&spec));
    let work = Work::new(task, spec).at(Stage::Executing);
    desk.store.save(&work).await?;
    worked(desk, work).await
}

/// Takes every step that needs the machine. Results that no gateway took yet are offered beside the next tasks.
async fn worked(desk: &Desk, work: Work) -> Result<Ended, AgentError> {
    let work = Box::new(finish(desk, work).await?);
    match work.stage == Stage::Reviewing && !work.delivered {
        true => Ok(Ended::GoesOn(work)),
        false => Ok(Ended::Worked(work)),
    }
}

/// The spec of a task that this node owes its buyer. One that can't be had for a while, or is nothing for this machine, sends
/// the task back to the market: a late result would cost stake.
async fn owed_spec(desk: &Desk, task: TaskId, offer: &Offer) -> Result<Result<TaskSpec, Refusal>, AgentError> {
    let mut patience = Patience::default();
    loop {
        let refusal = match fetch::spec(desk, offer).await {
            Ok(spec) => return Ok(Ok(spec)),
            Err(refusal) => refusal,
        };
        let returnable_until = execute::Terms::of(desk, task).await?.returnable_until;
        let next = match refusal.may_change {
            true => patience.after_failure(desk.clock.now().await?, returnable_until),
            false => Next::GiveBack,
        };
        let pause = match next {
            Next::Again(pause) => pause,
            Next::GiveBack => {
                let given_back = accept::abandon(desk, task).await?;
                tracing::error!(%task, given_back, reason = refusal.reason, "this node can't do a task that it took");
                return Ok(Err(refusal));
            }
            Next::Stuck(_) if desk.market.task(task).await?.1.nodeId != desk.node.0 => return Ok(Err(refusal)),
            Next::Stuck(pause) => pause,
        };
        tracing::warn!(%task, reason = refusal.reason, ?pause, "the spec of a task that this node took can't be had yet");
        tokio::select! {
            () = desk.sender.token().cancelled() => return Err(AgentError::stopped()),
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Goes on with work from an earlier run, after a look at what the chain says of it.
pub(super) async fn resume(desk: &Desk, work: Work) -> Result<Ended, AgentError> {
    let _share = work.stage.is_busy().then(|| desk.resources.keep(Share::of(&work.spec)));
    if work.round.is_some() {
        return replica::run(desk, work).await;
    }
    let mut pause = FIRST_PAUSE;
    let work = loop {
        match reconcile(desk, work.clone()).await {
            Ok(work) => break work,
            Err(error) => rest(desk, &work, &error, &mut pause).await?,
        }
    };
    desk.store.save(&work).await?;
    if work.stage.is_busy() {
        return worked(desk, work).await;
    }
    let work = offer_late(desk, finish(desk, work).await?).await?;
    Ok(Ended::Worked(Box::new(work)))
}

/// Takes every step that can be taken now.
async fn finish(desk: &Desk, mut work: Work) -> Result<Work, AgentError> {
    let mut pause = FIRST_PAUSE;
    while work.stage.is_busy() {
        match step(desk, work.clone()).await {
            Ok(next) => {
                work = next;
                desk.store.save(&work).await?;
                pause = FIRST_PAUSE;
            }
            Err(error) if error.is_stop() => return Err(error),
            Err(error) => {
                // A step of several writes may have got further than its error says: another salt, another attempt.
                work = desk.store.work(work.task).await?.unwrap_or(work);
                work.note = Some(error.full());
                desk.store.save(&work).await?;
                rest(desk, &work, &error, &mut pause).await?;
                // Time may have made the chain decide.
                work = reconcile(desk, work.clone()).await.unwrap_or(work);
            }
        }
    }
    clean_up(desk, &work);
    Ok(work)
}

/// Offers results whose hash is on the chain already, until a gateway takes them or the task is over.
async fn offer_late(desk: &Desk, work: Work) -> Result<Work, AgentError> {
    if work.stage != Stage::Reviewing || work.delivered {
        return Ok(work);
    }
    let delivered = deliver::deliver_late(desk, &work).await?;
    // Meanwhile the loop may have noted what became of it.
    let work = Work { delivered, ..desk.store.work(work.task).await?.unwrap_or(work) };
    desk.store.save(&work).await?;
    Ok(work)
}

async fn step(desk: &Desk, work: Work) -> Result<Work, AgentError> {
    match work.stage {
        Stage::Committing | Stage::Accepting => accept::accept(desk, work).await,
        Stage::Executing => execute::execute(desk, work).await,
        Stage::Delivering => deliver::deliver(desk, work).await,
        Stage::Submitting => deliver::submit(desk, work).await,
        Stage::Reviewing | Stage::Settled | Stage::Lost | Stage::Abandoned | Stage::Failed => Ok(work),
        Stage::Applying | Stage::Applied | Stage::Sealing | Stage::Sealed | Stage::Revealing | Stage::Revealed => {
            Err(AgentError::new(format!("a task of one node is never {}", work.stage.name())))
        }
    }
}

/// The chain is right, whatever the database says.
pub(super) async fn reconcile(desk: &Desk, work: Work) -> Result<Work, AgentError> {
    let (status, task) = desk.market.task(work.task).await?;
    let ours = task.nodeId == desk.node.0;
    let promised = work.stage >= Stage::Executing;
    Ok(match status {
        TaskStatus::InProgress if ours && !promised => work.at(Stage::Executing),
        TaskStatus::InProgress if ours => {
            let late = execute::results_until(desk, &work).await? < desk.clock.now().await?;
            if late { work.ended(Stage::Failed, "it was not delivered in time") } else { work }
        }
        TaskStatus::Completed | TaskStatus::Disputed if ours && work.stage == Stage::Reviewing => work,
        TaskStatus::Completed | TaskStatus::Disputed if ours => work.at(Stage::Reviewing),
        TaskStatus::Verified | TaskStatus::Resolved if ours => work.at(Stage::Settled),
        TaskStatus::Open if !promised => work,
        _ if promised => match tenure::settled(desk, &work).await? {
            Tenure::Held | Tenure::ComesBack => work,
            Tenure::Ended if accept::was_given_back(desk, &work).await? => {
                let note = work.note.clone().unwrap_or_else(|| "given back".into());
                work.ended(Stage::Abandoned, note)
            }
            Tenure::Ended => work.ended(Stage::Failed, "its time was over, and the market took it back"),
            Tenure::Never => work.ended(Stage::Lost, "a reorganisation took its acceptance back"),
        },
        _ => work.ended(Stage::Lost, "somebody else has it, or its buyer took it back"),
    })
}

/// Rests before another try, longer each time.
pub(super) async fn rest(desk: &Desk, work: &Work, error: &AgentError, pause: &mut Duration) -> Result<(), AgentError> {
    tracing::warn!(task = %work.task, stage = work.stage.name(), error = error.full(), ?pause, "trying again");
    tokio::select! {
        () = desk.sender.token().cancelled() => return Err(AgentError::stopped()),
        () = tokio::time::sleep(*pause) => {}
    }
    *pause = (*pause * 2).min(LONGEST_PAUSE);
    Ok(())
}

fn clean_up(desk: &Desk, work: &Work) {
    match work.stage {
        // Needed again if the chain takes the settlement back, until then nobody's.
        Stage::Reviewing => {}
        _ => desk.data.task(work.task).remove(),
    }
    if work.stage.is_over() {
        let note = work.note.as_deref().unwrap_or_default();
        tracing::info!(task = %work.task, stage = work.stage.name(), note, "the work is over");
    }
    metrics::counter!("aiigo_agent_tasks_total", "stage" => work.stage.name()).increment(1);
}
