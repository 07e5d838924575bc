//! The feed: what changed, block by block, in one sequence without gaps, so that whoever was told a part of it can be told
//! the rest. Only blocks that came one by one are in it, and what was taken back; where history was loaded in between, or
//! what was told grew too old, the sequence is cut, and readers begin anew.

use std::collections::HashSet;

use super::{
    Column, Row, StoreError, Table, Value,
    connection::{Existing, Writing},
    journal::{self, Image, from_json, to_json},
    rows::{Case, Event, LogPosition, Node, Task},
    sql::{Reads, Sql},
    state::{self, Block, State},
    table::row,
};

/// The tables whose changes are told.
const TOLD: [&Table; 5] = [Block::TABLE, Case::TABLE, Event::TABLE, Node::TABLE, Task::TABLE];

/// How many changes are kept for whoever comes back.
const KEPT: u64 = 20_000;

/// How many changes are read at once.
const CHUNK: u64 = 256;

/// The channel on which PostgreSQL wakes the readers of other processes.
pub(super) const CHANNEL: &str = "aiigo_indexer_feed";

row! {
    /// A change as it is stored; rows are JSON.
    Stored in "feed", key 1 {
        /// Its place; one more than the last one's.
        sequence: u64,
        /// See [`Change::block`].
        block: u64,
        /// See [`Change::retracted`].
        retracted: bool,
        /// The row's table.
        table_name: String,
        /// See [`Change::before`].
        before: Option<String>,
        /// See [`Change::after`].
        after: Option<String>,
    }
}

/// A change of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its place in the feed.
    pub sequence: u64,
    /// The block that made it; of a row put back, the last block that stands.
    pub block: u64,
    /// Whether it takes back what a block did that is no longer part of the chain.
    pub retracted: bool,
    /// The row's table.
    pub table: &'static Table,
    /// What the row was; none if it is new.
    pub before: Option<Vec<Value>>,
    /// What the row is; none if it is gone.
    pub after: Option<Vec<Value>>,
}

/// A part of the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// The next changes; none if there are none yet.
    Next(Vec<Change>),
    /// Changes are missing; the feed goes on after this place.
    Cut(u64),
}

/// Changes of an update, before they have a place.
#[derive(Default)]
pub(crate) struct Draft(Vec<Stored>);

/// Whether changes of a table are told.
pub(crate) fn tells(table: &Table) -> bool {
    TOLD.iter().any(|told| told.name == table.name)
}

impl Draft {
    /// Adds a change of a row, if its table's changes are told.
    pub(crate) fn add<R: Row>(
        &mut self,
        place: (u64, bool),
        before: Option<&R>,
        after: Option<&R>,
    ) -> Result<(), StoreError> {
        if !tells(R::TABLE) {
            return Ok(());
        }
        let (before, after) = (before.map(Row::values), after.map(Row::values));
        self.add_values(place, R::TABLE, before.as_deref(), after.as_deref())
    }

    fn add_values(
        &mut self,
        (block, retracted): (u64, bool),
        table: &'static Table,
        before: Option<&[Value]>,
        after: Option<&[Value]>,
    ) -> Result<(), StoreError> {
        self.0.push(Stored {
            sequence: 0,
            block,
            retracted,
            table_name: table.name.to_owned(),
            before: before.map(to_json).transpose()?,
            after: after.map(to_json).transpose()?,
        });
        Ok(())
    }

    /// Adds what taking back the blocks above `to` will change: the newest first, and the blocks last.
    pub(crate) async fn take_back(&mut self, transaction: &mut Writing, to: u64) -> Result<(), StoreError> {
        let first = LogPosition::start_of(to + 1).value();
        for event in from(transaction, Event::TABLE, first).await? {
            let position = event.first().and_then(|value| LogPosition::from_value(value.clone()).ok());
            self.add_values((position.map_or(to, LogPosition::block), true), Event::TABLE, Some(&event), None)?;
        }
        // The oldest image of a row is what will be put back.
        let images = journal::images_above(transaction, to).await?;
        let mut told = HashSet::new();
        for Image { table, key, before: put_back } in images.into_iter().rev() {
            if tells(table) && told.insert((table.name, key.clone())) {
                let mut select = Sql::select(table);
                select.push(" WHERE ").key_is(table, &key);
                let now = transaction.values(select).await?.pop();
                self.add_values((to, true), table, now.as_deref(), put_back.as_deref())?;
            }
        }
        for block in from(transaction, Block::TABLE, (to + 1).value()).await? {
            let number = block.first().and_then(|value| u64::from_value(value.clone()).ok());
            self.add_values((number.unwrap_or(to), true), Block::TABLE, Some(&block), None)?;
        }
        Ok(())
    }

    /// Writes the changes behind those that are there, and moves the state on; readers wake when it is committed.
    pub(crate) fn write(self, transaction: &Writing, state: &mut State) {
        let placed = self.0.into_iter().map(|mut stored| {
            state.sequence += 1;
            stored.sequence = state.sequence;
            stored
        });
        transaction.write(placed.collect::<Vec<_>>(), Existing::Refused);
        let mut delete = Sql::new("DELETE FROM feed WHERE sequence <= ");
        delete.number(state.sequence.saturating_sub(KEPT));
        transaction.run(delete);
        transaction.wake(CHANNEL);
    }
}

/// The rows of a table from a key on, the highest first.
async fn from(transaction: &mut Writing, table: &Table, first: Value) -> Result<Vec<Vec<Value>>, StoreError> {
    let (mut select, key) = (Sql::select(table), table.columns[0]);
    select.push(" WHERE ").name(key).push(" >= ").arg(first).push(" ORDER BY ").name(key).push(" DESC");
    transaction.values(select).await
}

/// Tells nobody what happened: whoever reads the feed begins anew, also who began after the history before this one.
pub(crate) fn cut(transaction: &Writing, state: &mut State, is_empty: bool) {
    if !is_empty {
        transaction.run(Sql::new("DELETE FROM feed"));
    }
    state.sequence += 1;
    transaction.wake(CHANNEL);
}

/// What follows a place in the feed.
pub(crate) fn select(after: u64) -> Sql {
    let mut select = Sql::select(Stored::TABLE);
    select.push(" WHERE sequence > ").arg(after.value());
    select.push(" ORDER BY sequence LIMIT ").arg(CHUNK.value());
    select
}

/// The part of the feed that follows a place, as [`select`] found it.
pub(crate) async fn part(after: u64, found: Vec<Stored>, on: &mut impl Reads) -> Result<Part, StoreError> {
    if found.first().is_some_and(|first| first.sequence == after + 1) {
        return found.into_iter().map(Change::try_from).collect::<Result<_, _>>().map(Part::Next);
    }
    let newest = state::load(on).await?.map_or(0, |state| state.sequence);
    Ok(if found.is_empty() && newest == after { Part::Next(Vec::new()) } else { Part::Cut(newest) })
}

impl TryFrom<Stored> for Change {
    type Error = StoreError;

    fn try_from(stored: Stored) -> Result<Self, StoreError> {
        let Stored { sequence, block, retracted, table_name, before, after } = stored;
        let table = TOLD
            .into_iter()
            .find(|table| table.name == table_name)
            .ok_or_else(|| StoreError::DamagedJournal(format!("the feed tells of a table {table_name}")))?;
        let row = |text: Option<String>| text.as_deref().map(from_json).transpose();
        Ok(Self { sequence, block, retracted, table, before: row(before)?, after: row(after)? })
    }
}
