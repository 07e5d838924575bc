//! The one connection that writes: every update of the chain is one transaction.

use aiigo_chain::BlockRef;

use super::{
    StoreError,
    cache::Cache,
    changes::Changes,
    connection::{Asked, Connection, Writing},
    feed::{self, Draft},
    indexes, journal,
    state::{self, Block, State},
};

/// The writing half of the store.
pub struct Writer {
    connection: Connection,
    /// Where the database stands once `committing` is done.
    state: State,
    /// What the last transaction left; empty after anything but a commit.
    cache: Cache,
    /// Whether indexes are still to be built.
    unindexed: bool,
    /// Whether the feed is known to hold nothing.
    untold: bool,
    /// The last transaction, if nobody has waited for it yet.
    committing: Option<Committing>,
}

/// A transaction that was ordered.
struct Committing {
    asked: Asked<()>,
    /// Where the database stands if it fails.
    otherwise: State,
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
        let cache = Cache::of_database(state.indexed.is_none());
        Self { connection, state, cache, unindexed, untold: false, committing: None }
    }

    /// Where the database stands once all that was [ordered](Update::commit) is [written](Self::written).
    pub const fn state(&self) -> &State {
        &self.state
    }

    /// The blocks that can still be reorganised, oldest first, and before them one that can't: what the follower checks
    /// when it starts.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn blocks(&mut self) -> Result<Vec<BlockRef>, StoreError> {
        self.written().await?;
        state::blocks(&mut self.connection).await
    }

    /// Waits until the last transaction is committed.
    ///
    /// # Errors
    /// If another writer is at work, or the database failed. Then it is as it was before that transaction, unless only the
    /// answer was lost.
    pub async fn written(&mut self) -> Result<(), StoreError> {
        let Some(committing) = &mut self.committing else { return Ok(()) };
        let answer = committing.asked.answer().await;
        if let (Some(Committing { otherwise, .. }), Err(_)) = (self.committing.take(), &answer) {
            self.state = otherwise;
            self.cache = Cache::default();
            self.untold = false;
        }
        answer
    }

    /// Whether there is something to [wait for](Self::written).
    pub const fn is_writing(&self) -> bool {
        self.committing.is_some()
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
        self.written().await?;
        let mut transaction = begin(&mut self.connection, &self.state);
        if wanted {
            tracing::info!("a long history: indexes are built at its end");
            indexes::put_off(&mut transaction).await?;
        } else {
            tracing::info!("the history is there: building indexes");
            indexes::build(&mut transaction).await?;
        }
        transaction.commit().answer().await?;
        self.unindexed = wanted;
        Ok(())
    }

    /// Opens the transaction of an update that begins at block `from`.
    ///
    /// # Errors
    /// If blocks are missing before `from`.
    pub fn begin(&mut self, from: u64) -> Result<Update<'_>, StoreError> {
        if let Some(indexed) = self.state.indexed
            && from != indexed + 1
        {
            return Err(StoreError::Gap { from, indexed });
        }
        let Self { connection, state, cache, untold, committing, .. } = self;
        let changes = Changes::new(begin(connection, state), std::mem::take(cache));
        Ok(Update { changes, state, cache, untold, committing, sealed: None })
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
        self.untold = false;
        self.written().await?;
        let mut transaction = begin(&mut self.connection, &self.state);
        let mut feed = Draft::default();
        feed.take_back(&mut transaction, to.number).await?;
        let undone = journal::undo_above(&mut transaction, to.number).await?;
        state::forget_above(&transaction, to.number);
        state::remember_block(&transaction, to);
        feed.write(&transaction, &mut new);
        state::save(&transaction, &new);
        transaction.commit().answer().await?;
        self.state = new;
        Ok(undone)
    }

    /// Closes the connection after folding the write-ahead log into the file.
    ///
    /// # Errors
    /// If the database fails; nothing is lost then.
    pub async fn close(mut self) -> Result<(), StoreError> {
        self.written().await?;
        self.connection.close().await
    }
}

/// Begins a transaction that fails before it reads or writes anything on what another writer left.
fn begin<'c>(connection: &'c mut Connection, state: &State) -> Writing<'c> {
    let transaction = connection.begin();
    state::claim(&transaction, state);
    transaction
}

/// The open transaction of one update.
pub struct Update<'w> {
    /// What projections write to.
    pub changes: Changes<'w>,
    state: &'w mut State,
    cache: &'w mut Cache,
    untold: &'w mut bool,
    committing: &'w mut Option<Committing>,
    /// The last block that was sealed.
    sealed: Option<u64>,
}

impl Update<'_> {
    /// Ends a block that can still be reorganised: what was changed since the last call can be undone under its number.
    ///
    /// # Errors
    /// If a row can't be told as JSON.
    pub fn seal(&mut self, block: &BlockRef) -> Result<(), StoreError> {
        self.changes.flush(Some(block))?;
        self.sealed = Some(block.number);
        self.changes.feed.add((block.number, false), None, Some(&Block::from(*block)))
    }

    /// Writes what is pending for good: it belongs to final blocks.
    ///
    /// # Errors
    /// As [`Update::seal`].
    pub fn settle(&mut self) -> Result<(), StoreError> {
        self.changes.flush(None)
    }

    /// Orders the commit; `block` is the last of the update. Everything must have been sealed or settled. Changes of sealed
    /// blocks are told to subscribers, those of history are not. Whether it was done is what [`Writer::written`] waits for;
    /// here only the transaction before this one is waited for, so that no more than two are ever under way.
    ///
    /// # Errors
    /// If that one failed, or the database can't be read.
    pub async fn commit(mut self, block: &BlockRef, chain: ChainPosition) -> Result<(), StoreError> {
        let is_new = self.state.indexed.is_none_or(|indexed| indexed < block.number);
        let is_told = block.number >= chain.told_from;
        if is_told && is_new && self.sealed != Some(block.number) {
            self.seal(block)?;
        }
        let Self { changes, state, cache, untold, committing, sealed } = self;
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
            feed.write(&transaction, &mut new);
            *untold = false;
        } else if is_new {
            feed::cut(&transaction, &mut new, *untold);
            *untold = true;
        }
        if sealed != Some(block.number) {
            state::remember_block(&transaction, block);
        }
        state::forget_below(&transaction, new.floor);
        journal::prune(&transaction, new.floor);
        state::save(&transaction, &new);
        let asked = transaction.commit();
        if let Some(mut earlier) = committing.take()
            && let Err(error) = earlier.asked.answer().await
        {
            // This one fails too: it began with a state that never was.
            *state = earlier.otherwise;
            *untold = false;
            return Err(error);
        }
        *committing = Some(Committing { asked, otherwise: std::mem::replace(state, new) });
        *cache = known.aged();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::{ContractName, Deployed, Deployment};
    use alloy::primitives::{Address, B256};

    use super::*;
    use crate::store::{DatabaseUrl, prepare};

    async fn writer(url: &DatabaseUrl) -> Writer {
        let contract = |(name, byte): (ContractName, u8)| {
            (name.name().to_owned(), Deployed { address: Address::repeat_byte(byte), implementation: None })
        };
        let contracts = ContractName::ALL.into_iter().zip(1..).map(contract).collect();
        let deployment = Deployment { chain_id: 31_337, block: 1, contracts, parameters: serde_json::Value::Null };
        prepare(url).await.expect("a database").elect(&deployment).await.expect("a writer")
    }

    /// Orders a block of a history, without a wait.
    async fn order(writer: &mut Writer, number: u64) -> Result<(), StoreError> {
        let chain = ChainPosition { head: 9, finalized: 9, live: false, told_from: 10 };
        let hash = |number: u64| B256::left_padding_from(&number.to_be_bytes());
        let block = BlockRef { number, hash: hash(number), parent_hash: hash(number - 1), timestamp: number };
        writer.begin(number)?.commit(&block, chain).await
    }

    #[tokio::test]
    async fn what_was_built_on_a_commit_that_fails_is_undone_and_can_be_done_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("index.db");
        let url = DatabaseUrl::Sqlite(path.clone());
        let mut first = writer(&url).await;
        let other = rusqlite::Connection::open(path).expect("another program");
        other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
        order(&mut first, 1).await.expect("nobody has waited for it yet");
        assert!(first.is_writing());
        let error = order(&mut first, 2).await.expect_err("the one before could not be written");
        assert!(error.passes_by_itself(), "{error}");
        assert_eq!(first.state().indexed, None);

        other.execute_batch("ROLLBACK").expect("no lock");
        for number in [1, 2] {
            order(&mut first, number).await.expect("it is free");
        }
        first.close().await.expect("both are written");
        assert_eq!(writer(&url).await.state().indexed, Some(2));
    }
}
