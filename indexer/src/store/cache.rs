//! Rows in front of the database: as it has them, and as they will be written.
//!
//! They are kept from one transaction to the next. That is sound because only one process writes, and each transaction
//! begins with a check of that; with any error, and with a retraction, all of them are forgotten.

use std::{
    any::{Any, TypeId},
    collections::HashMap,
};

use foldhash::fast::RandomState;

use super::{
    PrimaryKey, Row, StoreError,
    connection::{Existing, Writing},
    feed::Draft,
    journal::Undo,
};

/// Rows of a table after which a new generation begins. Two are kept.
const GENERATION: usize = 10_000;

/// Rows of all tables.
#[derive(Default)]
pub(crate) struct Cache {
    tables: HashMap<TypeId, Box<dyn Rows>>,
    /// Whether the database had no rows when this was made.
    from_empty: bool,
}

/// What a block that can still be reorganised changes.
pub(crate) struct Told<'f> {
    /// Its number.
    pub(crate) block: u64,
    /// What rows were before.
    pub(crate) undo: Vec<Undo>,
    /// What subscribers will hear.
    pub(crate) feed: &'f mut Draft,
}

/// The rows of one table, whatever their type.
pub(crate) trait Rows: Send {
    /// Writes what changed since the last call, and tells it if it is to be told.
    fn write(&mut self, transaction: &Writing, told: Option<&mut Told<'_>>) -> Result<(), StoreError>;
    /// Ends a generation that is large enough. Nothing may have changed since the last [`Rows::write`].
    fn age(&mut self);
    fn as_any(&mut self) -> &mut dyn Any;
}

impl Cache {
    /// Of a database from which nothing was read; of an empty one it is known what it holds.
    pub(crate) fn of_database(is_empty: bool) -> Self {
        Self { tables: HashMap::new(), from_empty: is_empty }
    }

    pub(crate) fn table<R: Row>(&mut self) -> &mut CachedTable<R> {
        let is_whole = self.from_empty;
        let new = || Box::new(CachedTable::<R>::new(is_whole)) as Box<dyn Rows>;
        let table = self.tables.entry(TypeId::of::<R>()).or_insert_with(new);
        #[allow(clippy::expect_used)] // the entry of a type's id is made here, of that type, and nowhere else
        let table = table.as_any().downcast_mut().expect("the table of this type");
        table
    }

    pub(crate) fn tables(&mut self) -> impl Iterator<Item = &mut Box<dyn Rows>> {
        self.tables.values_mut()
    }

    /// Lets go of what was not asked for in a long time.
    pub(crate) fn aged(mut self) -> Self {
        self.tables.values_mut().for_each(|table| table.age());
        self
    }
}

/// A row that is known, or known not to be there.
struct Slot<R> {
    now: Option<R>,
    /// What the database has, if that may be something else.
    before: Option<Option<R>>,
}

/// The rows of one table.
pub(crate) struct CachedTable<R> {
    young: HashMap<PrimaryKey, Slot<R>, RandomState>,
    old: HashMap<PrimaryKey, Slot<R>, RandomState>,
    /// Keys of slots with a `before`, all of them young.
    changed: Vec<PrimaryKey>,
    /// Whether every row of the table is here.
    is_whole: bool,
}

impl<R: Row> CachedTable<R> {
    fn new(is_whole: bool) -> Self {
        Self { young: HashMap::default(), old: HashMap::default(), changed: Vec::new(), is_whole }
    }

    /// A row; the outer `None`: that is not known.
    pub(crate) fn get(&mut self, key: &PrimaryKey) -> Option<Option<&R>> {
        self.rejuvenate(key);
        match self.young.get(key) {
            Some(slot) => Some(slot.now.as_ref()),
            None => self.is_whole.then_some(None),
        }
    }

    /// Whether every row of the table is here.
    pub(crate) const fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Notes what the database has.
    pub(crate) fn learn(&mut self, key: PrimaryKey, row: Option<R>) {
        self.young.insert(key, Slot { now: row, before: None });
    }

    /// Notes what the database has, but for what is known already.
    pub(crate) fn learn_all(&mut self, rows: Vec<R>) {
        for row in rows {
            let key = row.key();
            if self.get(&key).is_none() {
                self.learn(key, Some(row));
            }
        }
    }

    /// A row to be changed. One that is not known is new.
    pub(crate) fn change(&mut self, key: &PrimaryKey) -> &mut Option<R> {
        self.rejuvenate(key);
        let slot = self.young.entry(key.clone()).or_insert(Slot { now: None, before: None });
        if slot.before.is_none() {
            slot.before = Some(slot.now.clone());
            self.changed.push(key.clone());
        }
        &mut slot.now
    }

    /// All rows that are known.
    pub(crate) fn all(&self) -> impl Iterator<Item = &R> {
        self.young.values().chain(self.old.values()).filter_map(|slot| slot.now.as_ref())
    }

    fn rejuvenate(&mut self, key: &PrimaryKey) {
        if !self.old.is_empty()
            && let Some((key, slot)) = self.old.remove_entry(key)
        {
            self.young.insert(key, slot);
        }
    }
}

impl<R: Row> Rows for CachedTable<R> {
    fn write(&mut self, transaction: &Writing, mut told: Option<&mut Told<'_>>) -> Result<(), StoreError> {
        let (mut new, mut changed) = (Vec::new(), Vec::new());
        for key in std::mem::take(&mut self.changed) {
            let Some(slot) = self.young.get_mut(&key) else { continue };
            let (Some(before), Some(now)) = (slot.before.take(), &slot.now) else { continue };
            if before.as_ref() == Some(now) {
                continue;
            }
            if let Some(told) = &mut told {
                told.undo.push(Undo::of(told.block, &key, before.as_ref())?);
                told.feed.add((told.block, false), before.as_ref(), Some(now))?;
            }
            match before {
                None => new.push(now.clone()),
                Some(_) => changed.push(now.clone()),
            }
        }
        transaction.write(new, Existing::Refused);
        transaction.write(changed, Existing::Replaced);
        Ok(())
    }

    fn age(&mut self) {
        if self.young.len() >= GENERATION {
            self.is_whole &= self.old.is_empty();
            self.old = std::mem::take(&mut self.young);
        }
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }
}
