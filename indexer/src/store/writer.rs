//! The one connection that writes: every update of the chain is one transaction.

use aiigo_chain::BlockRef;

use super::{
    StoreError,
    cache::Cache,
    changes::Changes,
    database::Connection,
    journal,
    state::{self, State},
};

/// The writing half of the store.
pub struct Writer {
    connection: Connection,
    state: State,
    /// What the last transaction left; empty after anything but a commit.
    cache: Cache,
}

/// Where the chain stands, as told with an update.
#[derive(Clone, Copy, Debug)]
pub struct ChainPosition {
    /// Number of the head.
    pub head: u64,
    /// Number of the last final block.
    pub finalized: u64,
    /// Whether the update brings the database to the head.
    pub live: bool,
}

impl Writer {
    pub(crate) fn new(connection: Connection, state: State) -> Self {
        Self { connection, state, cache: Cache::default() }
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
        Ok(Update { changes, state: &mut self.state, cache: &mut self.cache })
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
        let undone = journal::undo_above(&mut transaction, to.number).await?;
        state::forget_above(&mut transaction, to.number).await?;
        state::remember_block(&mut transaction, to).await?;
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
}

impl Update<'_> {
    /// Ends a block that can still be reorganised: what was changed since the last call can be undone under its number.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn seal(&mut self, block: &BlockRef) -> Result<(), StoreError> {
        self.changes.flush(Some(block)).await
    }

    /// Writes what is pending for good: it belongs to final blocks.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn settle(&mut self) -> Result<(), StoreError> {
        self.changes.flush(None).await
    }

    /// Commits; `block` is the last of the update. Everything must have been sealed or settled.
    ///
    /// # Errors
    /// If another writer is at work, or the database fails.
    pub async fn commit(self, block: &BlockRef, chain: ChainPosition) -> Result<(), StoreError> {
        let Self { changes, state, cache } = self;
        let mut new = state.clone();
        new.indexed = Some(block.number);
        new.indexed_hash = Some(block.hash);
        new.indexed_at = Some(block.timestamp);
        new.head = chain.head;
        new.finalized = chain.finalized;
        new.floor = new.floor.max(chain.finalized.min(block.number));
        new.live = chain.live;

        let (mut transaction, known) = changes.into_parts();
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
