//! The undo journal: for every block that can still be reorganised, what each row was before the block first touched it.

use super::{
    Column, PrimaryKey, Row, StoreError, Table, Value,
    connection::Writing,
    rows::{JOURNALLED, LogPosition},
    sql::{Reads as _, Sql},
    table::row,
};

row! {
    /// What a row was before a block touched it.
    Undo in "undo", key 3 {
        /// The block.
        block: u64,
        /// The row's table.
        table_name: String,
        /// Its primary key, JSON.
        key: String,
        /// All its values, JSON; none if it was not there.
        before: Option<String>,
    }
}

impl Undo {
    /// What a row was before `block` changed it.
    pub(super) fn of<R: Row>(block: u64, key: &PrimaryKey, before: Option<&R>) -> Result<Self, StoreError> {
        let before = before.map(|row| to_json(&row.values())).transpose()?;
        Ok(Self { block, table_name: R::TABLE.name.to_owned(), key: to_json(&key.values())?, before })
    }
}

/// What a row was before a block.
pub(super) struct Image {
    pub(super) table: &'static Table,
    pub(super) key: Vec<Value>,
    /// None: it was not there.
    pub(super) before: Option<Vec<Value>>,
}

/// What rows were before the blocks above `to`, newest block first.
pub(super) async fn images_above(transaction: &mut Writing, to: u64) -> Result<Vec<Image>, StoreError> {
    let mut select = Sql::new("SELECT table_name, key, before FROM undo WHERE block > ");
    select.arg(to.value()).push(" ORDER BY block DESC");
    let images = transaction.values(select).await?.into_iter().map(|image| {
        let [Value::Text(name), Value::Text(key), before] = image.as_slice() else {
            return Err(StoreError::DamagedJournal(format!("unexpected columns {image:?}")));
        };
        let table = JOURNALLED
            .iter()
            .find(|table| table.name == name)
            .ok_or_else(|| StoreError::DamagedJournal(format!("no table {name}")))?;
        let before = match before {
            Value::Text(values) => Some(from_json(values)?),
            _ => None,
        };
        Ok(Image { table, key: from_json(key)?, before })
    });
    images.collect()
}

/// Puts every row back to what it was before the blocks above `to`, newest block first, and forgets these blocks.
/// How many rows were put back.
pub(crate) async fn undo_above(transaction: &mut Writing, to: u64) -> Result<usize, StoreError> {
    let images = images_above(transaction, to).await?;
    let count = images.len();
    for image in images {
        restore(transaction, image);
    }
    let first = LogPosition::start_of(to + 1);
    let mut delete = Sql::new("DELETE FROM undo WHERE block > ");
    delete.number(to).push("; DELETE FROM events WHERE position >= ").number(first.into());
    transaction.run(delete);
    Ok(count)
}

/// Forgets what can no longer be undone.
pub(crate) fn prune(transaction: &Writing, floor: u64) {
    let mut delete = Sql::new("DELETE FROM undo WHERE block <= ");
    delete.number(floor);
    transaction.run(delete);
}

fn restore(transaction: &Writing, image: Image) {
    let Image { table, key, before } = image;
    transaction.run(match before {
        Some(values) => Sql::upsert(table, values),
        None => {
            let mut delete = Sql::new("DELETE FROM ");
            delete.name(table.name).push(" WHERE ").key_is(table, &key);
            delete
        }
    });
}

pub(super) fn to_json(values: &[Value]) -> Result<String, StoreError> {
    serde_json::to_string(values).map_err(|error| StoreError::DamagedJournal(error.to_string()))
}

pub(super) fn from_json(text: &str) -> Result<Vec<Value>, StoreError> {
    serde_json::from_str(text).map_err(|error| StoreError::DamagedJournal(error.to_string()))
}
