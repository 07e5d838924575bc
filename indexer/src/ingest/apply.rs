//! One update of the chain, one transaction.

use aiigo_chain::{LocatedEvent, Update};

use super::Projector;
use crate::store::{ChainPosition, StoreError, Writer};

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
            let mut open = writer.begin(*from).await?;
            for events in events.chunk_by(|one, next| one.block.number == next.block.number) {
                apply_block(&mut open, projector, events, chain).await?;
            }
            open.settle().await?;
            open.commit(block, chain).await
        }
    }
}

async fn apply_block(
    open: &mut crate::store::Update<'_>,
    projector: &Projector,
    events: &[LocatedEvent],
    chain: ChainPosition,
) -> Result<(), StoreError> {
    let Some(block) = events.first().map(|event| &event.block) else { return Ok(()) };
    let told = block.number >= chain.told_from;
    if told {
        // What was pending of the history before it must not be undone or told with it.
        open.settle().await?;
    }
    for event in events {
        projector.apply(event, &mut open.changes).await?;
    }
    if told { open.seal(block).await } else { Ok(()) }
}
