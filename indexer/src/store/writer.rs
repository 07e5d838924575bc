//! The one connection that writes: every update of the chain is written whole or not at all.

use aiigo_chain::BlockRef;

use super::{
    StoreError,
    cache::Cache,
    changes::Changes,
    connection::{Asked, Connection, Durability, Writing},
    feed::{self, Draft},
    indexes, journal,
    state::{self, State},
    update::{Open, Update},
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
    /// A part of a history to which the next one can be added.
    open: Option<Open>,
    /// The last transaction that was ordered, if nobody has waited for it yet.
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
        Self { connection, state, cache, unindexed, untold: false, open: None, committing: None }
    }

    /// Where the database stands once all updates are [written](Self::written).
    pub fn state(&self) -> &State {
        self.open.as_ref().map_or(&self.state, |open| &open.state)
    }

    /// Where the database is known to stand.
    pub fn committed(&self) -> &State {
        self.committing.as_ref().map_or(&self.state, |committing| &committing.otherwise)
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

    /// Waits until all updates are committed.
    ///
    /// # Errors
    /// If another writer is at work, or the database failed. Then it is as it was before an earlier transaction, unless
    /// only the answer was lost.
    pub async fn written(&mut self) -> Result<(), StoreError> {
        self.finish().await?;
        self.answered().await
    }

    /// Goes on with what is under way: waits for the last transaction, or until one has been open for long enough. Never
    /// ends if there is nothing. Dropping the future loses nothing.
    ///
    /// # Errors
    /// As [`Writer::written`].
    pub async fn tend(&mut self) -> Result<(), StoreError> {
        match (&self.committing, &self.open) {
            (Some(_), _) => self.answered().await,
            (None, Some(open)) => {
                tokio::time::sleep_until(open.due()).await;
                self.finish().await
            }
            (None, None) => std::future::pending().await,
        }
    }

    /// Orders the commit of what is open.
    async fn finish(&mut self) -> Result<(), StoreError> {
        match self.open.take() {
            Some(open) => self.order(open).await,
            None => Ok(()),
        }
    }

    /// Waits for the last transaction that was ordered.
    async fn answered(&mut self) -> Result<(), StoreError> {
        let Some(committing) = &mut self.committing else { return Ok(()) };
        let answer = committing.asked.answer().await;
        if let (Some(Committing { otherwise, .. }), Err(_)) = (self.committing.take(), &answer) {
            // What is open began with a state that never was.
            self.open = None;
            self.state = otherwise;
            self.cache = Cache::default();
            self.untold = false;
        }
        answer
    }

    /// Orders a commit. Only the transaction before it is waited for, so that no more than two are ever under way.
    ///
    /// # Errors
    /// If that one failed, or a row can't be told as JSON.
    pub(super) async fn order(&mut self, open: Open) -> Result<(), StoreError> {
        let Open { mut changes, mut state, unsealed, has_history, is_told, .. } = open;
        changes.flush(None)?;
        let (transaction, known, feed) = changes.into_parts();
        if has_history {
            feed::cut(&transaction, &mut state, self.untold);
        }
        if is_told {
            feed.write(&transaction, &mut state);
        }
        self.untold = !is_told && (has_history || self.untold);
        if let Some(block) = unsealed {
            state::remember_block(&transaction, &block);
        }
        state::forget_below(&transaction, state.floor);
        journal::prune(&transaction, state.floor);
        state::save(&transaction, &state);
        // What a crash undoes of a history is read again. What was told stays, and what is before it.
        let asked = transaction.commit(if is_told { Durability::Synced } else { Durability::Lazy });
        self.answered().await?;
        self.committing = Some(Committing { asked, otherwise: std::mem::replace(&mut self.state, state) });
        self.cache = known.aged();
        Ok(())
    }

    /// Before an update with the last block `to`: puts indexes off if a long history is about to be loaded into an empty
    /// database, and builds them when it is there.
    ///
    /// # Errors
    /// If another writer is at work, or the database fails.
    pub async fn arrange_indexes(&mut self, to: u64, chain: ChainPosition) -> Result<(), StoreError> {
        let is_long = self.state().indexed.is_none() && chain.head.saturating_sub(to) >= LONG;
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
        transaction.commit(Durability::Synced).answer().await?;
        self.unindexed = wanted;
        Ok(())
    }

    /// Begins an update whose first block is `from`.
    ///
    /// # Errors
    /// If blocks are missing before `from`.
    pub fn begin(&mut self, from: u64) -> Result<Update<'_>, StoreError> {
        if let Some(indexed) = self.state().indexed
            && from != indexed + 1
        {
            return Err(StoreError::Gap { from, indexed });
        }
        let open = self.open.take().unwrap_or_else(|| {
            let transaction = begin(&mut self.connection, &self.state);
            Open::new(Changes::new(transaction, std::mem::take(&mut self.cache)), self.state.clone())
        });
        Ok(Update::new(self, open))
    }

    /// Keeps a transaction open for the next update.
    pub(super) fn keep(&mut self, open: Open) {
        self.open = Some(open);
    }

    /// Takes back every block above `to`, in one transaction. How many rows were put back.
    ///
    /// # Errors
    /// If `to` is below what the journal can undo, another writer is at work, or the database fails.
    pub async fn retract(&mut self, to: &BlockRef) -> Result<usize, StoreError> {
        self.written().await?;
        if to.number < self.state.floor {
            return Err(StoreError::TooDeep { to: to.number, floor: self.state.floor });
        }
        let mut new = self.state.clone();
        new.indexed = Some(to.number);
        new.indexed_hash = Some(to.hash);
        new.indexed_at = Some(to.timestamp);
        self.cache = Cache::default();
        self.untold = false;
        let mut transaction = begin(&mut self.connection, &self.state);
        let mut feed = Draft::default();
        feed.take_back(&mut transaction, to.number).await?;
        let undone = journal::undo_above(&mut transaction, to.number).await?;
        state::forget_above(&transaction, to.number);
        state::remember_block(&transaction, to);
        feed.write(&transaction, &mut new);
        state::save(&transaction, &new);
        transaction.commit(Durability::Synced).answer().await?;
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
fn begin(connection: &mut Connection, state: &State) -> Writing {
    let transaction = connection.begin();
    state::claim(&transaction, state);
    transaction
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

    /// Adds a block of a history.
    async fn add(writer: &mut Writer, number: u64) -> Result<(), StoreError> {
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
        add(&mut first, 1).await.expect("nobody has waited for it yet");
        first.finish().await.expect("nobody has waited for it yet");
        add(&mut first, 2).await.expect("the next transaction");
        let error = first.finish().await.expect_err("the one before could not be written");
        assert!(error.passes_by_itself(), "{error}");
        assert_eq!(first.state().indexed, None);

        other.execute_batch("ROLLBACK").expect("no lock");
        for number in [1, 2] {
            add(&mut first, number).await.expect("it is free");
        }
        first.close().await.expect("both are written");
        assert_eq!(writer(&url).await.state().indexed, Some(2));
    }

    #[tokio::test]
    async fn parts_of_a_history_share_a_transaction_until_it_is_due_and_fail_together() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("index.db");
        let mut writer = writer(&DatabaseUrl::Sqlite(path.clone())).await;
        let other = rusqlite::Connection::open(path).expect("another program");
        let indexed =
            || -> Option<i64> { other.query_one("SELECT indexed FROM state", [], |row| row.get(0)).expect("a row") };

        add(&mut writer, 1).await.expect("the first part");
        add(&mut writer, 2).await.expect("the second part");
        assert_eq!((writer.state().indexed, indexed()), (Some(2), None));
        while indexed().is_none() {
            writer.tend().await.expect("a sound database");
        }
        assert_eq!(indexed(), Some(2));

        add(&mut writer, 3).await.expect("the third part");
        drop(writer.begin(4).expect("the fourth part, which can't be worked out"));
        assert_eq!(writer.state().indexed, Some(2));
        assert!(matches!(writer.begin(4), Err(StoreError::Gap { from: 4, indexed: 2 })));
        add(&mut writer, 3).await.expect("the third part again");
        writer.close().await.expect("a sound database");
        assert_eq!(indexed(), Some(3));
    }
}
