//! A seat's second word: the files for the buyer, the result for everybody, and what the count makes of it.

use std::time::Duration;

use aiigo_chain::Outcome;
use aiigo_protocol::{ReplicaStatus, units::format_amount};

use super::{apply::market_call, news::Listener, round_of, seat::Seat};
use crate::{
    error::AgentError,
    serve::{Desk, deliver},
    store::{Stage, Work},
};

/// Seconds of the hour for revealing that are kept from a buyer whose gateways take nothing; at most half of what is left.
const REVEAL_RESERVE: u64 = 1_800;
/// Seconds after the time to reveal for which results that no gateway took are offered again. The gateways of
/// `aiigo store serve` take them as long.
const LATE: u64 = 24 * 3600;

/// Brings the results to the buyer, now that no other seat can use them; whatever comes of that, the reveal follows.
pub(super) async fn bring(desk: &Desk, seat: &Seat, work: Work) -> Result<Work, AgentError> {
    let left = seat.reveal_until.saturating_sub(seat.now);
    let patience = Duration::from_secs(left - REVEAL_RESERVE.min(left / 2));
    match deliver::bring(desk, work.clone(), patience).await {
        Ok(work) => Ok(work.at(Stage::Revealing)),
        Err(error) if error.is_stop() => Err(error),
        Err(error) => {
            tracing::error!(task = %work.task, error = error.full(), "the results are lost; revealing their hash alone");
            Ok(Work { delivered: true, ..work.at(Stage::Revealing) })
        }
    }
}

/// Shows the result. Missing the time for it costs a slash, so it goes before everything else that waits.
pub(super) async fn reveal(desk: &Desk, seat: &Seat, work: Work) -> Result<Work, AgentError> {
    let Some(hash) = work.result_hash else {
        return Err(AgentError::new(format!("task {} has no result to be revealed", work.task)));
    };
    let uri = work.result_uri.clone().unwrap_or_default();
    let call = desk.market.tasks().revealReplica(work.task.0, desk.node.0, hash, uri, work.salt).calldata().clone();
    let key = format!("reveal:{}:{}", work.task, round_of(&work));
    let label = format!("reveal the result of task {}", work.task);
    match desk.sender.until_landed(&key, &label, market_call(desk, call), Some(seat.reveal_until)).await? {
        Outcome::Landed { .. } => {
            tracing::info!(task = %work.task, "the result is revealed; the count decides");
            Ok(work.at(Stage::Revealed))
        }
        Outcome::Reverted { error, .. } => Err(AgentError::refused(label, &error)),
        Outcome::Expired => Err(AgentError::new(format!("{label}: not included in time"))),
    }
}

/// Waits for the count and for what it pays, and goes on offering results that no gateway took.
pub(super) async fn await_count(desk: &Desk, seat: &Seat, work: Work, news: &mut Listener) -> Result<Work, AgentError> {
    if !work.delivered {
        if seat.now > seat.reveal_until.saturating_add(LATE) {
            tracing::error!(task = %work.task, "no gateway of the buyer took the results; given up");
            return Ok(Work { delivered: true, ..work });
        }
        return tokio::select! {
            brought = deliver::deliver_late(desk, &work) => brought.map(|delivered| Work { delivered, ..work.clone() }),
            waited = news.wait(desk, None) => waited.map(|()| work.clone()),
        };
    }
    // An event brings the sum.
    let paid = desk.store.work(work.task).await?.and_then(|known| known.paid);
    match (seat.status, paid) {
        (ReplicaStatus::Agreed, Some(paid)) => {
            tracing::info!(task = %work.task, paid = format_amount(paid), "settled: of the majority");
            metrics::counter!("aiigo_agent_settled_total").increment(1);
            Ok(Work { paid: Some(paid), ..work.ended(Stage::Settled, "paid") })
        }
        _ => news.wait(desk, None).await.map(|()| work),
    }
}

/// Tells the provider of a lost count, and what can be done.
pub(super) fn lament(desk: &Desk, seat: &Seat, work: &Work) {
    if seat.status != ReplicaStatus::Outvoted {
        return;
    }
    let (task, node) = (work.task, desk.node);
    tracing::error!(
        %task,
        result = ?work.result_hash,
        until = seat.settle_after,
        files = %desk.data.task(task).path().display(),
        "outvoted: most seats have another result, and the settlement will slash this node, unless its owner or operator \
         appeals by then (unix time): approve the court's case fee in AIIGO to DisputeCourt and call `appealReplica({task}, \
         {node}, EVIDENCE_URI)` of TaskMarketplace. The files of the run are kept as evidence"
    );
}
