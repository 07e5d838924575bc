//! The one way in which projections write: a transaction with a typed cache in front of it. A row is read once and
//! written once however many events of a batch touch it, all rows of a table together, and what they were before goes to
//! the undo journal.

use aiigo_chain::BlockRef;

use super::{
    PrimaryKey, Row, StoreError,
    cache::{Cache, CachedTable, Told},
    connection::{Existing, Writing},
    feed::Draft,
    rows::Event,
    sql::Sql,
    state,
};

/// An open write transaction. Dropping it undoes everything.
pub struct Changes {
    transaction: Writing,
    cache: Cache,
    events: Vec<Event>,
    pub(super) feed: Draft,
}

impl Changes {
    pub(crate) fn new(transaction: Writing, cache: Cache) -> Self {
        Self { transaction, cache, events: Vec::new(), feed: Draft::default() }
    }

    /// A row, if there is one.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn find<R: Row>(&mut self, key: &PrimaryKey) -> Result<Option<R>, StoreError> {
        let table = self.known::<R>(key).await?;
        Ok(table.get(key).flatten().cloned())
    }

    /// A row that an earlier event must have made.
    ///
    /// # Errors
    /// If there is none, or the database can't be read.
    pub async fn get<R: Row>(&mut self, key: &PrimaryKey) -> Result<R, StoreError> {
        self.find(key).await?.ok_or_else(|| missing::<R>(key))
    }

    /// Writes a row that no earlier event can have made.
    pub fn insert<R: Row>(&mut self, row: R) {
        let key = row.key();
        *self.cache.table::<R>().change(&key) = Some(row);
    }

    /// Writes a row, new or not.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn put<R: Row>(&mut self, row: R) -> Result<(), StoreError> {
        let key = row.key();
        *self.known::<R>(&key).await?.change(&key) = Some(row);
        Ok(())
    }

    /// Changes a row that an earlier event must have made; how it is now.
    ///
    /// # Errors
    /// If there is none, or the database can't be read.
    pub async fn update<R: Row>(&mut self, key: &PrimaryKey, change: impl FnOnce(&mut R)) -> Result<&R, StoreError> {
        let row = self.known::<R>(key).await?.change(key).as_mut().ok_or_else(|| missing::<R>(key))?;
        change(row);
        Ok(row)
    }

    /// Changes a row, making it first if there is none; how it is now.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn upsert<R: Row>(&mut self, empty: R, change: impl FnOnce(&mut R)) -> Result<&R, StoreError> {
        let key = empty.key();
        let row = self.known::<R>(&key).await?.change(&key).get_or_insert(empty);
        change(row);
        Ok(row)
    }

    /// Every row of a table. For the rare event that touches them all.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn all<R: Row>(&mut self) -> Result<Vec<R>, StoreError> {
        if !self.cache.table::<R>().is_whole() {
            let stored = Sql::select(R::TABLE).rows::<R>(&mut self.transaction).await?;
            self.cache.table::<R>().learn_all(stored);
        }
        Ok(self.cache.table::<R>().all().cloned().collect())
    }

    /// Adds a raw event.
    pub fn log(&mut self, event: Event) {
        self.events.push(event);
    }

    /// How many raw events are pending.
    pub(crate) const fn pending_events(&self) -> usize {
        self.events.len()
    }

    /// Writes the raw events that are pending: no later one changes them.
    pub(crate) fn flush_events(&mut self) {
        self.transaction.write(std::mem::take(&mut self.events), Existing::Refused);
    }

    /// Writes what is pending. With a block, what the rows were before goes to the journal under it.
    pub(crate) fn flush(&mut self, journal_as: Option<&BlockRef>) -> Result<(), StoreError> {
        let Self { transaction, cache, events, feed } = self;
        let events = std::mem::take(events);
        let mut told = journal_as.map(|block| Told { block: block.number, undo: Vec::new(), feed });
        for rows in cache.tables() {
            rows.write(transaction, told.as_mut())?;
        }
        if let (Some(told), Some(block)) = (told, journal_as) {
            for event in &events {
                told.feed.add((told.block, false), None, Some(event))?;
            }
            // A block is written once, so its first image of a row is its only one.
            transaction.write(told.undo, Existing::Refused);
            state::remember_block(transaction, block);
        }
        transaction.write(events, Existing::Refused);
        Ok(())
    }

    pub(crate) fn into_parts(self) -> (Writing, Cache, Draft) {
        (self.transaction, self.cache, self.feed)
    }

    /// The table with a row in it that the database was asked for, if need be.
    async fn known<R: Row>(&mut self, key: &PrimaryKey) -> Result<&mut CachedTable<R>, StoreError> {
        let known = self.cache.table::<R>().get(key).is_some();
        if !known {
            let mut select = Sql::select(R::TABLE);
            select.push(" WHERE ").key_is(R::TABLE, &key.values());
            let row = select.rows::<R>(&mut self.transaction).await?.pop();
            self.cache.table::<R>().learn(key.clone(), row);
        }
        Ok(self.cache.table::<R>())
    }
}

fn missing<R: Row>(key: &PrimaryKey) -> StoreError {
    StoreError::Missing { table: R::TABLE.name, key: key.clone() }
}
