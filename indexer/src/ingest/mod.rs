//! From the chain to the database: the follower's updates become transactions, one each.

mod apply;
pub(crate) mod projections;

use std::time::Instant;

use aiigo_chain::{FollowError, Follower, Update};
use aiigo_telemetry::Health;
use tokio_util::sync::CancellationToken;

pub use apply::apply;
pub use projections::Projector;

use crate::{
    feed::Feed,
    store::{StoreError, Writer},
};

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
    mut follower: Follower,
    projector: &Projector,
    writer: &mut Writer,
    health: &Health,
    feed: &Feed,
    token: &CancellationToken,
) -> Result<(), IngestError> {
    loop {
        let update = tokio::select! {
            () = token.cancelled() => return Ok(()),
            update = follower.next() => update?,
        };
        let started = Instant::now();
        apply(writer, projector, &update).await?;
        feed.grown();
        report(&update, writer, health, started);
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
    let state = writer.state();
    for (name, value) in [
        ("aiigo_indexer_indexed_block", state.indexed.unwrap_or_default()),
        ("aiigo_indexer_head_block", state.head),
        ("aiigo_indexer_finalized_block", state.finalized),
    ] {
        metrics::gauge!(name).set(value as f64);
    }
}
