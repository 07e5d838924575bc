//! One update of the chain, one transaction.

use aiigo_chain::{LocatedEvent, Update};

use super::Projector;
use crate::store::{ChainPosition, Changes, StoreError, Writer};

/// Events that are projected before the database is looked at: some microseconds each.
const AT_A_STRETCH: usize = 16;

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
            for events in told.chunk_by(|one, next| one.block.number == next.block.number) {
                apply_block(&mut open, projector, events).await?;
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
        for (index, event) in events.iter().enumerate() {
            projector.project(event, db).await?;
            if index % AT_A_STRETCH == 0 {
                tokio::task::yield_now().await;
            }
        }
        Ok(())
    };
    open.history(raw, project).await?;
    open.settle().await
}

async fn apply_block(
    open: &mut crate::store::Update<'_>,
    projector: &Projector,
    events: &[LocatedEvent],
) -> Result<(), StoreError> {
    let Some(block) = events.first().map(|event| &event.block) else { return Ok(()) };
    for event in events {
        projector.apply(event, &mut open.changes).await?;
    }
    open.seal(block).await
}
