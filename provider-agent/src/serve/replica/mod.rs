//! A seat in a replicated task, from the application to the count: a state machine whose every step is written down before
//! the next begins, and before whose every step the chain is asked.
//!
//! ```text
//!   Applying ──▶ Applied ──▶ Executing ──▶ Sealing ──▶ Sealed ──▶ Delivering ──▶ Revealing ──▶ Revealed ──▶ Settled
//!                   │ withdrawn: Abandoned                                                        │ outvoted: Failed
//!                   └ not drawn: Lost                                                             └ no majority: Lost
//! ```
//!
//! What takes no power of the machine, Sealed and Revealed, does not count among the tasks that it runs at a time.

mod apply;
mod claims;
mod news;
mod reveal;
mod seal;
mod seat;

use aiigo_protocol::{ReplicaStatus, TaskId};

pub(super) use self::{
    claims::{Claims, changed},
    news::News,
};
use self::{news::Listener, seat::Seat};
use super::{
    Desk, fetch,
    work::{self, Ended, FIRST_PAUSE},
};
use crate::{
    error::AgentError,
    policy::{Offer, Refusal},
    resources::Share,
    store::{Stage, Work},
};

/// The round that a piece of replicated work is of.
fn round_of(work: &Work) -> u8 {
    work.round.unwrap_or_default()
}

/// Goes for a seat: looks at the task's spec, fetches its files, and only then applies.
pub(super) async fn begin(desk: &Desk, task: TaskId, offer: &Offer) -> Result<Ended, AgentError> {
    let seat = match Seat::now(desk, task).await {
        Ok(seat) => seat,
        Err(error) => return Ok(Ended::Refused(Refusal::not_now(error.full()))),
    };
    if let Err(reason) = apply::is_free(desk, task, &seat).await {
        return Ok(Ended::Refused(Refusal::not_now(reason)));
    }
    let work = match desk.store.work(task).await? {
        Some(lost) if lost.stage == Stage::Lost => lost.again(),
        Some(gone) if gone.stage == Stage::Abandoned && round_of(&gone) < seat.round => gone.again(),
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
    run(desk, work.in_round(seat.round)).await
}

/// Takes up what the chain says is this node's, though nothing here says that it is in hand: the database was lost, or a
/// reorganisation brought it back.
pub(super) async fn recover(desk: &Desk, task: TaskId, offer: &Offer) -> Result<Ended, AgentError> {
    let seat = match Seat::now(desk, task).await {
        Ok(seat) => seat,
        Err(error) => return Ok(Ended::Refused(Refusal::not_now(error.full()))),
    };
    let known = desk.store.work(task).await?.filter(|known| known.round == Some(seat.applied_in));
    let stage = match seat.status {
        ReplicaStatus::Applied => Stage::Applied,
        ReplicaStatus::Drawn if seat.now <= seat.seal_until => Stage::Executing,
        ReplicaStatus::Sealed => match known.as_ref().and_then(|known| seal::own_seal(desk, known)) {
            Some(own) if own == seat.digest => Stage::Sealed,
            _ => {
                tracing::error!(%task, "this node sealed a result whose salt is not in this folder: it can't be revealed, and \
                    the seat times out, with a slash. If the folder was moved, start the agent with the old one by {} \
                    (unix time)", seat.reveal_until);
                return Ok(Ended::Refused(Refusal::never("the salt of its seal is lost")));
            }
        },
        _ => return Ok(Ended::Refused(Refusal::not_now("nothing of it is left to do"))),
    };
    let work = match known {
        Some(known) => known,
        None => match fetch::spec(desk, offer).await {
            Ok(spec) => Work::new(task, spec).in_round(seat.applied_in),
            Err(refusal) => return Ok(Ended::Refused(refusal)),
        },
    };
    tracing::warn!(%task, stage = stage.name(), "taking up what the chain says this node has in a replicated task");
    let work = work.at(stage);
    let _share = work.stage.is_busy().then(|| desk.resources.keep(Share::of(&work.spec)));
    run(desk, work).await
}

/// Takes every step that can be taken, until the work is over or begins, or ceases, to take power of the machine.
pub(super) async fn run(desk: &Desk, mut work: Work) -> Result<Ended, AgentError> {
    let busy = work.stage.is_busy();
    let (mut news, mut pause) = (desk.news.listen(), FIRST_PAUSE);
    desk.store.save(&work).await?;
    while !work.stage.is_over() {
        if work.stage.is_busy() != busy {
            return Ok(Ended::GoesOn(Box::new(work)));
        }
        news.forget();
        match look_and_step(desk, work.clone(), &mut news).await {
            Ok(mut next) => {
                if !next.stage.is_over() {
                    // Whatever held it up is over.
                    next.note = None;
                }
                let back = next.stage < work.stage;
                if next != work {
                    work = next;
                    desk.store.save(&work).await?;
                }
                // A reorganisation, or an endpoint that is behind: that passes.
                match back {
                    true => work::rest(desk, &work, &AgentError::new("the chain took a step back"), &mut pause).await?,
                    false => pause = FIRST_PAUSE,
                }
            }
            Err(error) if error.is_stop() => return Err(error),
            Err(error) => {
                work.note = Some(error.full());
                desk.store.save(&work).await?;
                work::rest(desk, &work, &error, &mut pause).await?;
            }
        }
    }
    clean_up(desk, &work).await;
    Ok(Ended::Worked(Box::new(work)))
}

/// Takes over what the chain says, else takes a step.
async fn look_and_step(desk: &Desk, work: Work, news: &mut Listener) -> Result<Work, AgentError> {
    let seat = Seat::now(desk, work.task).await?;
    let told = seat.reconcile(work.clone(), seal::own_seal(desk, &work));
    if told != work {
        if told.stage == Stage::Lost && apply::was_withdrawn(desk, &work).await? {
            return Ok(told.ended(Stage::Abandoned, "withdrawn, and no further application in this round"));
        }
        if told.stage == Stage::Failed {
            reveal::lament(desk, &seat, &told);
        }
        return Ok(told);
    }
    match work.stage {
        Stage::Applying => apply::apply(desk, &seat, work).await,
        Stage::Applied => apply::await_draw(desk, &seat, work, news).await,
        Stage::Executing => seal::execute(desk, &seat, work).await,
        Stage::Sealing => seal::seal(desk, &seat, work).await,
        Stage::Sealed => seal::await_seals(desk, &seat, work, news).await,
        Stage::Delivering => reveal::bring(desk, &seat, work).await,
        Stage::Revealing => reveal::reveal(desk, &seat, work).await,
        Stage::Revealed => reveal::await_count(desk, &seat, work, news).await,
        other => Err(AgentError::new(format!("a replicated task is never {}", other.name()))),
    }
}

/// An outvoted node's files are evidence until the settlement.
async fn clean_up(desk: &Desk, work: &Work) {
    let is_evidence = work.stage == Stage::Failed
        && match Seat::now(desk, work.task).await {
            Ok(seat) => matches!(seat.status, ReplicaStatus::Outvoted | ReplicaStatus::Appealed),
            Err(_) => true,
        };
    if !is_evidence {
        desk.data.task(work.task).remove();
    }
    let note = work.note.as_deref().unwrap_or_default();
    tracing::info!(task = %work.task, stage = work.stage.name(), note, "the work is over");
    metrics::counter!("aiigo_agent_tasks_total", "stage" => work.stage.name()).increment(1);
}

/// Notes the last word about a seat: a settlement, or a ruling.
pub(super) async fn settled(desk: &Desk, task: TaskId, verdict: ReplicaStatus) -> Result<(), AgentError> {
    let Some(work) = desk.store.work(task).await?.filter(|work| work.stage.is_over()) else { return Ok(()) };
    desk.data.task(task).remove();
    let note = match (work.stage, verdict) {
        (Stage::Settled, ReplicaStatus::Slashed) => "paid, but the court found for an outvoted node: slashed",
        (Stage::Failed, ReplicaStatus::Slashed) => "outvoted, and slashed",
        (Stage::Failed, ReplicaStatus::Vindicated | ReplicaStatus::Cleared) => "outvoted, and the court spared it",
        _ => return Ok(()),
    };
    // The history is told again at every start.
    if work.note.as_deref() != Some(note) {
        tracing::warn!(%task, note, "the last word about a replicated task");
        let stage = work.stage;
        desk.store.save(&work.ended(stage, note)).await?;
    }
    Ok(())
}
