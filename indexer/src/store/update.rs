//! Updates of the chain. Those of a history share a transaction, so that a row is written once however many of them change
//! it; at the head each has its own.

use std::time::Duration;

use aiigo_chain::BlockRef;
use tokio::time::Instant;

use super::{
    StoreError,
    changes::Changes,
    state::{Block, State},
    writer::{ChainPosition, Writer},
};

/// Events of a transaction of a history: what is lost and read again if the program is killed, and what readers wait for.
const EVENTS: usize = 20_000;
/// How long a transaction of a history may wait for more.
const LONGEST: Duration = Duration::from_secs(1);

/// An open transaction.
pub(super) struct Open {
    pub(super) changes: Changes,
    /// Where the database stands once it is committed.
    pub(super) state: State,
    /// The last block that was not sealed.
    pub(super) unsealed: Option<BlockRef>,
    /// Whether there are new blocks in it that subscribers are not told of.
    pub(super) has_history: bool,
    /// Whether there are blocks in it that subscribers are told of.
    pub(super) is_told: bool,
    events: usize,
    since: Instant,
}

impl Open {
    pub(super) fn new(changes: Changes, state: State) -> Self {
        let since = Instant::now();
        Self { changes, state, unsealed: None, has_history: false, is_told: false, events: 0, since }
    }

    /// When it has waited long enough for more.
    pub(super) fn due(&self) -> Instant {
        self.since + LONGEST
    }

    fn is_full(&self) -> bool {
        self.events >= EVENTS || self.due() <= Instant::now()
    }
}

/// One update, in an open transaction; dropping it undoes the transaction.
pub struct Update<'w> {
    writer: &'w mut Writer,
    open: Open,
    /// The last block that was sealed.
    sealed: Option<u64>,
}

impl<'w> Update<'w> {
    pub(super) const fn new(writer: &'w mut Writer, open: Open) -> Self {
        Self { writer, open, sealed: None }
    }

    /// What projections write to.
    pub const fn changes(&mut self) -> &mut Changes {
        &mut self.open.changes
    }

    /// Ends a block that can still be reorganised: what was changed since the last call can be undone under its number.
    ///
    /// # Errors
    /// If a row can't be told as JSON.
    pub fn seal(&mut self, block: &BlockRef) -> Result<(), StoreError> {
        self.open.changes.flush(Some(block))?;
        self.sealed = Some(block.number);
        self.open.changes.feed.add((block.number, false), None, Some(&Block::from(*block)))
    }

    /// Writes what is pending for good: it belongs to final blocks.
    ///
    /// # Errors
    /// As [`Update::seal`].
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.open.changes.flush(None)
    }

    /// Ends the update; `block` is its last. What came before a sealed block must have been settled. Changes of sealed
    /// blocks are told to subscribers, those of history are not. A history's transaction stays open for the next update
    /// for a while; any other one is ordered. That all is done is what [`Writer::written`] waits for.
    ///
    /// # Errors
    /// If the transaction before this one failed, or a row can't be told as JSON.
    pub async fn commit(mut self, block: &BlockRef, chain: ChainPosition) -> Result<(), StoreError> {
        let is_new = self.open.state.indexed.is_none_or(|indexed| indexed < block.number);
        let is_told = block.number >= chain.told_from;
        if is_told && is_new && self.sealed != Some(block.number) {
            self.seal(block)?;
        }
        let Self { writer, mut open, sealed } = self;
        if sealed != Some(block.number) {
            open.unsealed = Some(*block);
        }
        open.has_history |= is_new && !is_told;
        open.is_told |= is_told;
        let state = &mut open.state;
        state.indexed = Some(block.number);
        state.indexed_hash = Some(block.hash);
        state.indexed_at = Some(block.timestamp);
        state.head = chain.head;
        state.finalized = chain.finalized;
        state.floor = state.floor.max(chain.finalized.min(block.number));
        state.live = chain.live;
        open.events += open.changes.pending_events();
        if is_told || chain.live || open.is_full() {
            return writer.order(open).await;
        }
        open.changes.flush_events();
        writer.keep(open);
        Ok(())
    }
}
