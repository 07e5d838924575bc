//! The one connection that writes: every update of the chain is one transaction.

use aiigo_chain::BlockRef;
use tokio::sync::Mutex;

use super::{
    Row as _, StoreError,
    cache::Cache,
    changes::Changes,
    database::Connection,
    feed::{self, Draft},
    indexes, journal,
    rows::Event,
    state::{self, Block, State},
};

/// The writing half of the store.
pub struct Writer {
    connection: Connection,
    state: State,
    /// What the last transaction left; empty after anything but a commit.
    cache: Cache,
    /// Whether indexes are still to be built.
    unindexed: bool,
}

/// Blocks of a history for which indexes are put off.
const LONG: u64 = 256;

/// Where the chain stands, as told with an update.
#[derive(Clone, Copy, Debug)]
pub struct ChainPosition {
    /// Number of the head.
    pub head: u64,
    /// Number of the last final block.
    pub finalized: u64,
    /// Whether the update brings the database to the head.
    pub live: bool,
    /// Number of the first block that is sealed, and told to subscribers: those below are history.
    pub told_from: u64,
}

impl Writer {
    pub(crate) fn new(connection: Connection, state: State, unindexed: bool) -> Self {
        Self { connection, state, cache: Cache::default(), unindexed }
    }

    /// Where the database stands.
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The blocks that can still be reorganised, oldest first, and before them one that can't: what the follower checks
    /// when it starts.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn blocks(&mut self) -> Result<Vec<BlockRef>, StoreError> {
        state::blocks(&mut self.connection.begin().await?).await
    }

    /// Before an update with the last block `to`: puts indexes off if a long history is about to be loaded into an empty
    /// database, and builds them when it is there.
    ///
    /// # Errors
    /// If another writer is at work, or the database fails.
    pub async fn arrange_indexes(&mut self, to: u64, chain: ChainPosition) -> Result<(), StoreError> {
        let is_long = self.state.indexed.is_none() && chain.head.saturating_sub(to) >= LONG;
        let wanted = if self.unindexed { !chain.live } else { is_long };
        if wanted == self.unindexed {
            return Ok(());
        }
        let mut transaction = self.connection.begin().await?;
        state::advance(&mut transaction, &self.state, &self.state).await?;
        if wanted {
            tracing::info!("a long history: indexes are built at its end");
            indexes::put_off(&mut transaction).await?;
        } else {
            tracing::info!("the history is there: building indexes");
            indexes::build(&mut transaction).await?;
        }
        transaction.commit().await?;
        self.unindexed = wanted;
        Ok(())
    }

    /// Opens the transaction of an update that begins at block `from`.
    ///
    /// # Errors
    /// If blocks are missing before `from`, or the database can't be locked.
    pub async fn begin(&mut self, from: u64) -> Result<Update<'_>, StoreError> {
        if let Some(indexed) = self.state.indexed
            && from != indexed + 1
        {
            return Err(StoreError::Gap { from, indexed });
        }
        let transaction = self.connection.begin().await?;
        let changes = Changes::new(transaction, std::mem::take(&mut self.cache));
        Ok(Update { changes, state: &mut self.state, cache: &mut self.cache, sealed: None })
    }

    /// Takes back every block above `to`, in one transaction. How many rows were put back.
    ///
    /// # Errors
    /// If `to` is below what the journal can undo, another writer is at work, or the database fails.
    pub async fn retract(&mut self, to: &BlockRef) -> Result<usize, StoreError> {
        if to.number < self.state.floor {
            return Err(StoreError::TooDeep { to: to.number, floor: self.state.floor });
        }
        let mut new = self.state.clone();
        new.indexed = Some(to.number);
        new.indexed_hash = Some(to.hash);
        new.indexed_at = Some(to.timestamp);
        self.cache = Cache::default();
        let mut transaction = self.connection.begin().await?;
        let mut feed = Draft::default();
        feed.take_back(&mut transaction, to.number).await?;
        let undone = journal::undo_above(&mut transaction, to.number).await?;
        state::forget_above(&mut transaction, to.number).await?;
        state::remember_block(&mut transaction, to).await?;
        let transaction = Mutex::new(transaction);
        feed.write(&transaction, &mut new).await?;
        let mut transaction = transaction.into_inner();
        state::advance(&mut transaction, &self.state, &new).await?;
        transaction.commit().await?;
        self.state = new;
        Ok(undone)
    }

    /// Closes the connection after folding the write-ahead log into the file.
    ///
    /// # Errors
    /// If the database fails; nothing is lost then.
    pub async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await
    }
}

/// The open transaction of one update.
pub struct Update<'w> {
    /// What projections write to.
    pub changes: Changes<'w>,
    state: &'w mut State,
    cache: &'w mut Cache,
    /// The last block that was sealed.
    sealed: Option<u64>,
}

impl Update<'_> {
    /// Adds raw events of final blocks, and meanwhile lets `project` write what they mean.
    ///
    /// # Errors
    /// If the database or `project` fails.
    pub async fn history(
        &mut self,
        events: impl Iterator<Item = Event>,
        project: impl AsyncFnOnce(&mut Changes<'_>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.changes.write_beside(events, project).await
    }

    /// Ends a block that can still be reorganised: what was changed since the last call can be undone under its number.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn seal(&mut self, block: &BlockRef) -> Result<(), StoreError> {
        self.changes.flush(Some(block)).await?;
        self.sealed = Some(block.number);
        self.changes.feed.add((block.number, false), Block::TABLE, None, Some(&Block::from(*block).values()))
    }

    /// Writes what is pending for good: it belongs to final blocks.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn settle(&mut self) -> Result<(), StoreError> {
        self.changes.flush(None).await
    }

    /// Commits; `block` is the last of the update. Everything must have been sealed or settled. Changes of sealed blocks
    /// are told to subscribers, those of history are not.
    ///
    /// # Errors
    /// If another writer is at work, or the database fails.
    pub async fn commit(mut self, block: &BlockRef, chain: ChainPosition) -> Result<(), StoreError> {
        let is_new = self.state.indexed.is_none_or(|indexed| indexed < block.number);
        let is_told = block.number >= chain.told_from;
        if is_told && is_new && self.sealed != Some(block.number) {
            self.seal(block).await?;
        }
        let Self { changes, state, cache, .. } = self;
        let mut new = state.clone();
        new.indexed = Some(block.number);
        new.indexed_hash = Some(block.hash);
        new.indexed_at = Some(block.timestamp);
        new.head = chain.head;
        new.finalized = chain.finalized;
        new.floor = new.floor.max(chain.finalized.min(block.number));
        new.live = chain.live;

        let (transaction, known, feed) = changes.into_parts();
        if is_told {
            feed.write(&transaction, &mut new).await?;
        }
        let mut transaction = transaction.into_inner();
        if !is_told && is_new {
            feed::cut(&mut transaction, &mut new).await?;
        }
        state::remember_block(&mut transaction, block).await?;
        state::forget_below(&mut transaction, new.floor).await?;
        journal::prune(&mut transaction, new.floor).await?;
        state::advance(&mut transaction, state, &new).await?;
        transaction.commit().await?;
        *state = new;
        *cache = known.aged();
        Ok(())
    }
}
