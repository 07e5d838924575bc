//! One update of the chain, one transaction.

use aiigo_chain::{LocatedEvent, Update};

use super::Projector;
use crate::store::{ChainPosition, StoreError, Writer};

/// Writes an update: all of it or, if anything fails, nothing.
///
/// Final blocks are written together; each block that can still be reorganised is sealed on its own, so that a
/// retraction can end at any of them.
///
/// # Errors
/// If the update doesn't fit the database, or the database fails.
pub async fn apply(writer: &mut Writer, projector: &Projector, update: &Update) -> Result<(), StoreError> {
    match update {
        Update::Retracted { to } => writer.retract(to).await.map(drop),
        Update::Applied { block, from, events, head, finalized, live } => {
            let mut open = writer.begin(*from).await?;
            for events in events.chunk_by(|one, next| one.block.number == next.block.number) {
                apply_block(&mut open, projector, events, *finalized).await?;
            }
            open.settle().await?;
            let chain = ChainPosition { head: head.number, finalized: *finalized, live: *live };
            open.commit(block, chain).await
        }
    }
}

async fn apply_block(
    open: &mut crate::store::Update<'_>,
    projector: &Projector,
    events: &[LocatedEvent],
    finalized: u64,
) -> Result<(), StoreError> {
    let Some(block) = events.first().map(|event| &event.block) else { return Ok(()) };
    let reversible = block.number > finalized;
    if reversible {
        // What final blocks before it left pending must not be undone with it.
        open.settle().await?;
    }
    for event in events {
        projector.apply(event, &mut open.changes).await?;
    }
    if reversible { open.seal(block).await } else { Ok(()) }
}
