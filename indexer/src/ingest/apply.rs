//! What an update of the chain means for the database.

use aiigo_chain::{BlockRef, LocatedEvent, Update};

use super::Projector;
use crate::store::{ChainPosition, StoreError, Writer};

/// Writes an update: all of it or, if anything fails, nothing, nor of those before it that are not written yet.
///
/// History is written together; each block that can still be reorganised, or came at the head, is sealed on its own, so
/// that a retraction can end at any of them, and subscribers are told of each.
///
/// # Errors
/// If the update doesn't fit the database, or the database fails.
pub async fn apply(writer: &mut Writer, projector: &Projector, update: &Update) -> Result<(), StoreError> {
    order(writer, projector, update).await?;
    writer.written().await
}

/// The same without a wait until it is written: that may fail at any later call.
///
/// # Errors
/// If the update doesn't fit the database, the one before it could not be written, or the database fails.
pub(super) async fn order(writer: &mut Writer, projector: &Projector, update: &Update) -> Result<(), StoreError> {
    let ordered = match update {
        Update::Retracted { to } => writer.retract(to).await.map(drop),
        Update::Applied { block, from, events, head, finalized, live } => {
            // One block at the head is told even where it is final at once.
            let told_from = if *live && *from == block.number { *from } else { finalized + 1 };
            let chain = ChainPosition { head: head.number, finalized: *finalized, live: *live, told_from };
            append(writer, projector, (*from, block), events, chain).await
        }
    };
    if ordered.is_err() {
        // If the transaction before failed, that is the cause.
        writer.written().await?;
    }
    ordered
}

async fn append(
    writer: &mut Writer,
    projector: &Projector,
    (from, to): (u64, &BlockRef),
    events: &[LocatedEvent],
    chain: ChainPosition,
) -> Result<(), StoreError> {
    writer.arrange_indexes(to.number, chain).await?;
    let mut open = writer.begin(from)?;
    let (history, told) = events.split_at(events.partition_point(|event| event.block.number < chain.told_from));
    for events in blocks(history) {
        projector.apply(events, open.changes()).await?;
        // A history is long, and others have work too.
        tokio::task::yield_now().await;
    }
    if chain.told_from <= to.number {
        open.settle()?;
    }
    for events in blocks(told) {
        projector.apply(events, open.changes()).await?;
        tokio::task::yield_now().await;
        open.seal(&events[0].block)?;
    }
    open.commit(to, chain).await
}

/// The events of each block that has any.
fn blocks(events: &[LocatedEvent]) -> impl Iterator<Item = &[LocatedEvent]> {
    events.chunk_by(|one, next| one.block.number == next.block.number)
}
