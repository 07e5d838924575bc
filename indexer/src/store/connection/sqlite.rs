//! Writing to SQLite: row by row, through statements that stay prepared.

use std::{path::Path, thread};

use rusqlite::{
    CachedStatement, OpenFlags, ToSql,
    types::{FromSql, FromSqlError, FromSqlResult, ToSqlOutput, ValueRef},
};

use super::{Batch, Connection, Database, Durability, Existing, Found};
use crate::store::{
    Cell, StoreError, Table, Value,
    sql::{self, Sql},
    sqlite,
    value::significant,
};

/// Statements that stay prepared.
const STATEMENTS: usize = 256;

/// A connection to a file.
pub(in crate::store) struct Sqlite(rusqlite::Connection);

impl Sqlite {
    /// Opens a file that is there to write to it, on a thread of its own.
    pub(in crate::store) fn spawn(path: &Path) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let file = rusqlite::Connection::open_with_flags(path, flags)?;
        file.set_prepared_statement_cache_capacity(STATEMENTS);
        file.busy_timeout(sqlite::PATIENCE)?;
        file.execute_batch(sqlite::WRITING)?;
        let (connection, serving) = Connection::serving(Self(file));
        let runtime = tokio::runtime::Handle::current();
        thread::Builder::new()
            .name("sqlite-writer".to_owned())
            .spawn(move || runtime.block_on(serving))
            .map_err(StoreError::Thread)?;
        Ok(connection)
    }

    fn prepared(&self, text: &str) -> Result<CachedStatement<'_>, StoreError> {
        Ok(self.0.prepare_cached(text)?)
    }

    fn bound(&self, sql: &Sql) -> Result<CachedStatement<'_>, StoreError> {
        let mut statement = self.prepared(&sql.text)?;
        for (index, value) in sql.args.iter().enumerate() {
            statement.raw_bind_parameter(index + 1, Cell::from(value))?;
        }
        Ok(statement)
    }
}

impl Database for Sqlite {
    const INDEXES_OF: &'static str = sqlite::INDEXES_OF;

    async fn begin(&mut self) -> Result<(), StoreError> {
        Ok(self.0.execute_batch("BEGIN IMMEDIATE")?)
    }

    async fn write(&mut self, rows: &dyn Batch, existing: Existing) -> Result<(), StoreError> {
        let columns = rows.table().columns.len();
        let mut statement = self.prepared(&insert(rows.table(), existing))?;
        for row in 0..rows.count() {
            for column in 0..columns {
                statement.raw_bind_parameter(column + 1, rows.cell(row, column))?;
            }
            statement.raw_execute()?;
        }
        Ok(())
    }

    async fn run(&mut self, sql: Sql) -> Result<(), StoreError> {
        match sql.args.as_slice() {
            // Its numbers are part of its text: it will not be needed again.
            [] => self.0.execute_batch(&sql.text)?,
            _ => {
                self.bound(&sql)?.raw_execute()?;
            }
        }
        Ok(())
    }

    async fn build(&mut self, indexes: Vec<String>) -> Result<(), StoreError> {
        indexes.iter().try_for_each(|index| Ok(self.0.execute_batch(&sql::unless_there(index))?))
    }

    async fn change(&mut self, sql: Sql) -> Result<u64, StoreError> {
        Ok(self.bound(&sql)?.raw_execute()? as u64)
    }

    async fn wake(&mut self, _: &'static str) -> Result<(), StoreError> {
        // A file is written by one process, and that one is its own reader.
        Ok(())
    }

    async fn read(&mut self, sql: Sql) -> Result<Found, StoreError> {
        let mut statement = self.bound(&sql)?;
        let columns = statement.column_count();
        let found = statement.raw_query().mapped(|row| (0..columns).map(|column| row.get(column)).collect());
        Ok(found.collect::<Result<_, _>>()?)
    }

    async fn commit(&mut self, _: Durability) -> Result<(), StoreError> {
        // There is no server, and the write-ahead log is synced when it is folded into the file.
        Ok(self.0.execute_batch("COMMIT")?)
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        Ok(self.0.execute_batch("ROLLBACK")?)
    }

    async fn close(self) -> Result<(), StoreError> {
        // As the last one it would do that by itself, but others read.
        self.0.execute_batch("PRAGMA wal_checkpoint(PASSIVE)")?;
        Ok(self.0.close().map_err(|(_, error)| error)?)
    }
}

fn insert(table: &Table, existing: Existing) -> String {
    // An error undoes the whole transaction, so SQLite need not keep what would undo the statement alone.
    let mut sql = Sql::new("INSERT OR FAIL INTO ");
    sql.columns_of(table).push("VALUES (").list(table.columns, |sql, _| {
        sql.push("?");
    });
    sql.push(")");
    if existing == Existing::Replaced {
        sql.or_replace(table);
    }
    sql.text
}

impl ToSql for Cell<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
            Self::Amount(amount) => ValueRef::Blob(significant(amount)),
        }))
    }
}

impl FromSql for Value {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value {
            ValueRef::Null => Ok(Self::Null),
            ValueRef::Integer(int) => Ok(Self::Int(int)),
            ValueRef::Text(_) => value.as_str().map(|text| Self::Text(text.to_owned())),
            ValueRef::Blob(bytes) => Ok(Self::Blob(bytes.to_vec())),
            // No column holds them.
            ValueRef::Real(_) => Err(FromSqlError::InvalidType),
        }
    }
}
