//! The one way in which projections write: a transaction with a typed cache in front of it. A row is read once and
//! written once however many events of a batch touch it, and what it was before goes to the undo journal.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
};

use aiigo_chain::BlockRef;

use super::{Row, StoreError, Table, Value, database::Transaction, feed::Draft, journal, rows::Event, sql::Sql, state};

/// An open write transaction. Dropping it undoes everything.
pub struct Changes<'w> {
    transaction: Transaction<'w>,
    tables: HashMap<TypeId, Box<dyn Pending>>,
    events: Vec<Event>,
    pub(super) feed: Draft,
}

/// A changed row, whatever its type.
pub(crate) struct Change {
    pub(crate) table: &'static Table,
    pub(crate) key: Vec<Value>,
    pub(crate) before: Option<Vec<Value>>,
    after: Vec<Value>,
}

/// The cached rows of one table.
trait Pending: Send {
    fn take_changes(&mut self) -> Vec<Change>;
    fn as_any(&mut self) -> &mut dyn Any;
}

/// A row as the database has it and as it will be written. Projections never delete.
struct Slot<R> {
    before: Option<R>,
    now: Option<R>,
}

struct Cached<R>(HashMap<Vec<Value>, Slot<R>>);

impl<R: Row> Pending for Cached<R> {
    fn take_changes(&mut self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (key, slot) in &mut self.0 {
            let Some(now) = &slot.now else { continue };
            if slot.before.as_ref() == Some(now) {
                continue;
            }
            let before = slot.before.replace(now.clone()).map(|row| row.values());
            changes.push(Change { table: R::TABLE, key: key.clone(), before, after: now.values() });
        }
        changes
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}

impl<'w> Changes<'w> {
    pub(crate) fn new(transaction: Transaction<'w>) -> Self {
        Self { transaction, tables: HashMap::new(), events: Vec::new(), feed: Draft::default() }
    }

    /// A row, if there is one.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn find<R: Row>(&mut self, key: &[Value]) -> Result<Option<R>, StoreError> {
        if let Some(slot) = self.cached::<R>().get(key) {
            return Ok(slot.now.clone());
        }
        let mut select = Sql::select(R::TABLE);
        select.push(" WHERE ").key_is(R::TABLE, key);
        let row = select.rows::<R>(&mut self.transaction).await?.pop();
        self.cached::<R>().insert(key.to_vec(), Slot { before: row.clone(), now: row.clone() });
        Ok(row)
    }

    /// A row that an earlier event must have made.
    ///
    /// # Errors
    /// If there is none, or the database can't be read.
    pub async fn get<R: Row>(&mut self, key: &[Value]) -> Result<R, StoreError> {
        self.find(key).await?.ok_or_else(|| StoreError::Missing { table: R::TABLE.name, key: key.to_vec() })
    }

    /// Writes a row, new or not.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn put<R: Row>(&mut self, row: R) -> Result<(), StoreError> {
        let key = row.key();
        self.find::<R>(&key).await?;
        if let Some(slot) = self.cached::<R>().get_mut(&key) {
            slot.now = Some(row);
        }
        Ok(())
    }

    /// Changes a row that an earlier event must have made; how it is now.
    ///
    /// # Errors
    /// If there is none, or the database can't be read.
    pub async fn update<R: Row>(&mut self, key: &[Value], change: impl FnOnce(&mut R)) -> Result<R, StoreError> {
        let mut row = self.get::<R>(key).await?;
        change(&mut row);
        self.put(row.clone()).await?;
        Ok(row)
    }

    /// Changes a row, making it first if there is none; how it is now.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn upsert<R: Row>(&mut self, empty: R, change: impl FnOnce(&mut R)) -> Result<R, StoreError> {
        let mut row = self.find::<R>(&empty.key()).await?.unwrap_or(empty);
        change(&mut row);
        self.put(row.clone()).await?;
        Ok(row)
    }

    /// Every row of a table. For the rare event that touches them all.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn all<R: Row>(&mut self) -> Result<Vec<R>, StoreError> {
        let stored = Sql::select(R::TABLE).rows::<R>(&mut self.transaction).await?;
        let cached = self.cached::<R>();
        for row in stored {
            cached.entry(row.key()).or_insert_with(|| Slot { before: Some(row.clone()), now: Some(row) });
        }
        Ok(cached.values().filter_map(|slot| slot.now.clone()).collect())
    }

    /// Adds a raw event.
    pub fn log(&mut self, event: Event) {
        self.events.push(event);
    }

    /// Writes what is pending. With a block, what the rows were before goes to the journal under it.
    pub(crate) async fn flush(&mut self, journal_as: Option<&BlockRef>) -> Result<(), StoreError> {
        let changes: Vec<Change> = self.tables.values_mut().flat_map(|table| table.take_changes()).collect();
        for change in changes {
            if let Some(block) = journal_as {
                journal::record(&mut self.transaction, block.number, &change).await?;
                self.feed.add((block.number, false), change.table, change.before.as_deref(), Some(&change.after))?;
            }
            Sql::upsert(change.table, change.after).execute(&mut self.transaction).await?;
        }
        for event in std::mem::take(&mut self.events) {
            if let Some(block) = journal_as {
                self.feed.add((block.number, false), Event::TABLE, None, Some(&event.values()))?;
            }
            let mut insert = Sql::new("INSERT INTO ");
            insert.name(Event::TABLE.name).push(" (").names(Event::TABLE.columns).push(") VALUES (");
            insert.list(&event.values(), |sql, value| {
                sql.arg(value.clone());
            });
            insert.push(")");
            insert.execute(&mut self.transaction).await?;
        }
        if let Some(block) = journal_as {
            state::remember_block(&mut self.transaction, block).await?;
        }
        Ok(())
    }

    pub(crate) fn into_parts(self) -> (Transaction<'w>, Draft) {
        (self.transaction, self.feed)
    }

    fn cached<R: Row>(&mut self) -> &mut HashMap<Vec<Value>, Slot<R>> {
        let table = self.tables.entry(TypeId::of::<R>()).or_insert_with(|| Box::new(Cached::<R>(HashMap::new())));
        #[allow(clippy::expect_used)] // the entry of a type's id is made here, of that type, and nowhere else
        let cached = table.as_any().downcast_mut::<Cached<R>>().expect("the table of this type");
        &mut cached.0
    }
}
