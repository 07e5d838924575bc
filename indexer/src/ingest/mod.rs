//! From the chain to the database: the follower's updates become transactions, those of a history several together. The next
//! ones are read while some are written.

mod apply;
pub(crate) mod projections;

use std::time::Instant;

use aiigo_chain::{FollowError, Follower, Update};
use aiigo_telemetry::Health;
use tokio::sync::mpsc;
use tokio_util::{sync::CancellationToken, task::AbortOnDropHandle};

pub use apply::apply;
pub use projections::Projector;

use crate::{
    feed::Feed,
    store::{StoreError, Writer},
};

/// Updates that wait to be written, at most, beside those that the follower has at hand.
const READ_AHEAD: usize = 4;

/// Why indexing stopped.
#[derive(Debug, thiserror::Error)]
pub enum IngestError {
    /// The chain can't be followed.
    #[error("cannot follow the chain: {0}")]
    Follow(#[from] FollowError),
    /// The database can't be written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Follows the chain into the database until asked to stop. Whatever was committed stays, and the next start goes on
/// from there.
///
/// # Errors
/// If the chain or the database fails in a way that waiting doesn't mend.
pub async fn run(
    follower: Follower,
    projector: &Projector,
    writer: &mut Writer,
    health: &Health,
    feed: &Feed,
    token: &CancellationToken,
) -> Result<(), IngestError> {
    let (sender, mut updates) = mpsc::channel(READ_AHEAD);
    let reading = AbortOnDropHandle::new(tokio::spawn(read(follower, sender)));
    loop {
        let update = tokio::select! {
            () = token.cancelled() => return Ok(()),
            tended = writer.tend() => {
                tended?;
                continue;
            }
            update = updates.recv() => update,
        };
        let Some(update) = update else {
            return match reading.await {
                Ok(ended) => Ok(ended?),
                Err(error) => std::panic::resume_unwind(error.into_panic()),
            };
        };
        let started = Instant::now();
        apply::order(writer, projector, &update).await?;
        // Of a history the next part is worked out meanwhile; a new block is waited for.
        if !matches!(update, Update::Applied { live: false, .. }) {
            writer.written().await?;
            feed.grown();
        }
        report(&update, writer, health, started);
    }
}

/// Follows the chain until nobody takes the updates any more. What was read and not written is read again by the next
/// start: only the database tells how far it is.
async fn read(mut follower: Follower, updates: mpsc::Sender<Update>) -> Result<(), FollowError> {
    loop {
        let update = follower.next().await?;
        if updates.send(update).await.is_err() {
            return Ok(());
        }
    }
}

fn report(update: &Update, writer: &Writer, health: &Health, started: Instant) {
    metrics::histogram!("aiigo_indexer_update_seconds").record(started.elapsed().as_secs_f64());
    match update {
        Update::Applied { block, from, events, head, live, .. } => {
            metrics::counter!("aiigo_indexer_events_total").increment(events.len() as u64);
            tracing::debug!(from, to = block.number, head = head.number, events = events.len(), "indexed");
            if *live && !health.is_ready() {
                tracing::info!(block = block.number, "caught up with the chain");
            }
            health.set_ready(*live);
        }
        Update::Retracted { to } => {
            metrics::counter!("aiigo_indexer_reorgs_total").increment(1);
            tracing::warn!(to = to.number, hash = %to.hash, "the chain was reorganised: took back the blocks above");
        }
    }
    let state = writer.committed();
    for (name, value) in [
        ("aiigo_indexer_indexed_block", state.indexed.unwrap_or_default()),
        ("aiigo_indexer_head_block", state.head),
        ("aiigo_indexer_finalized_block", state.finalized),
    ] {
        metrics::gauge!(name).set(value as f64);
    }
}
