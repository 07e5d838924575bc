//! One update of the chain, one transaction.

use aiigo_chain::{LocatedEvent, Update};

use super::Projector;
use crate::store::{ChainPosition, Changes, StoreError, Writer};

/// Writes an update: all of it or, if anything fails, nothing.
///
/// History is written together; each block that can still be reorganised, or came at the head, is sealed on its own, so
/// that a retraction can end at any of them, and subscribers are told of each.
///
/// # Errors
/// If the update doesn't fit the database, or the database fails.
pub async fn apply(writer: &mut Writer, projector: &Projector, update: &Update) -> Result<(), StoreError> {
    match update {
        Update::Retracted { to } => writer.retract(to).await.map(drop),
        Update::Applied { block, from, events, head, finalized, live } => {
            // One block at the head is told even where it is final at once.
            let told_from = if *live && *from == block.number { *from } else { finalized + 1 };
            let chain = ChainPosition { head: head.number, finalized: *finalized, live: *live, told_from };
            writer.arrange_indexes(block.number, chain).await?;
            let mut open = writer.begin(*from).await?;
            let (history, told) = events.split_at(events.partition_point(|event| event.block.number < told_from));
            apply_history(&mut open, projector, history).await?;
            for events in blocks(told) {
                projector.apply(events, &mut open.changes).await?;
                open.seal(&events[0].block).await?;
            }
            open.commit(block, chain).await
        }
    }
}

async fn apply_history(
    open: &mut crate::store::Update<'_>,
    projector: &Projector,
    events: &[LocatedEvent],
) -> Result<(), StoreError> {
    let raw = events.iter().map(|event| projector.raw(event));
    let project = async |db: &mut Changes<'_>| {
        for events in blocks(events) {
            projector.project(events, db).await?;
        }
        Ok(())
    };
    open.history(raw, project).await?;
    open.settle().await
}

/// The events of each block that has any.
fn blocks(events: &[LocatedEvent]) -> impl Iterator<Item = &[LocatedEvent]> {
    events.chunk_by(|one, next| one.block.number == next.block.number)
}
