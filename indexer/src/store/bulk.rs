//! Many rows in few statements: in SQLite by lists of values, in PostgreSQL by `COPY` or by an array
//! for each column. While one statement runs, the next is made.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, Sqlite, sqlite::SqliteArguments};
use tokio::sync::Mutex;

use super::{ColumnError, Kind, StoreError, Table, Value, copy, database::Transaction, postgres, sql::Sql};

/// Rows of one statement in SQLite. Few sizes, so that each table's statements stay prepared; the largest keeps far below
/// 32,766 parameters.
const SIZES: [usize; 3] = [64, 8, 1];

/// Rows of one statement in PostgreSQL, at most: what it holds in memory.
const LARGEST: usize = 2_000;

/// New rows that `COPY` pays for: it takes two answers more than a prepared statement.
const COPIED: usize = 64;

/// What happens to a row whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is an error, which ends the transaction: rows are only ever added.
    Refused,
    /// It is overwritten.
    Replaced,
}

/// Writes rows, each with all columns and no two with the same key. Others can use the transaction between the
/// statements.
pub(crate) async fn write(
    transaction: &Mutex<Transaction<'_>>,
    table: &Table,
    rows: impl Iterator<Item = Vec<Value>>,
    existing: Existing,
) -> Result<(), StoreError> {
    let is_sqlite = matches!(*transaction.lock().await, Transaction::Sqlite(_));
    let mut statements = Statements::new(table, existing, rows, is_sqlite);
    let mut next = statements.next();
    while let Some(statement) = next {
        let execute = async { statement?.execute(&mut *transaction.lock().await).await };
        let executed;
        (executed, next) = futures::join!(execute, async { statements.next() });
        executed?;
    }
    Ok(())
}

/// Makes statements of rows.
struct Statements<'a, I> {
    table: &'a Table,
    existing: Existing,
    rows: I,
    /// Rows that are left of those taken at once.
    taken: std::vec::IntoIter<Vec<Value>>,
    is_sqlite: bool,
    /// SQL of the last statement, and for how many rows.
    text: (usize, Arc<str>),
}

impl<'a, I: Iterator<Item = Vec<Value>>> Statements<'a, I> {
    fn new(table: &'a Table, existing: Existing, rows: I, is_sqlite: bool) -> Self {
        Self { table, existing, rows, taken: Vec::new().into_iter(), is_sqlite, text: (0, Arc::default()) }
    }

    fn sqlite(&mut self) -> Option<Statement> {
        if self.taken.as_slice().is_empty() {
            self.taken = self.rows.by_ref().take(SIZES[0]).collect::<Vec<_>>().into_iter();
        }
        let left = self.taken.len();
        let size = SIZES.into_iter().find(|size| *size <= left)?;
        if self.text.0 != size {
            self.text = (size, values(self.table, size, self.existing).into());
        }
        let query = sqlx::query(AssertSqlSafe(Arc::clone(&self.text.1)));
        Some(Statement::Sqlite(self.taken.by_ref().take(size).flatten().fold(query, |query, value| query.bind(value))))
    }

    fn postgres(&mut self) -> Option<Result<Statement, StoreError>> {
        let rows: Vec<_> = self.rows.by_ref().take(LARGEST).collect();
        if rows.is_empty() {
            return None;
        }
        if self.existing == Existing::Refused && rows.len() >= COPIED {
            let rows = copy::encode(&rows).map_err(|error| sqlx::Error::Encode(error.into()).into());
            return Some(rows.map(|rows| Statement::Copy(copy_in(self.table), rows)));
        }
        Some(columns(self.table, rows).map(|columns| {
            let query = sqlx::query(AssertSqlSafe(unnest(self.table, self.existing)));
            Statement::Postgres(columns.into_iter().fold(query, |query, column| column.bind(query)))
        }))
    }
}

impl<I: Iterator<Item = Vec<Value>>> Iterator for Statements<'_, I> {
    type Item = Result<Statement, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_sqlite { self.sqlite().map(Ok) } else { self.postgres() }
    }
}

/// A statement and what is bound to it.
enum Statement {
    Sqlite(sqlx::query::Query<'static, Sqlite, SqliteArguments>),
    Postgres(PostgresQuery),
    Copy(String, Vec<u8>),
}

type PostgresQuery = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

impl Statement {
    async fn execute(self, transaction: &mut Transaction<'_>) -> Result<(), StoreError> {
        match (self, transaction) {
            (Self::Sqlite(query), Transaction::Sqlite(open)) => query.execute(&mut **open).await.map(drop)?,
            (Self::Postgres(query), Transaction::Postgres(open)) => query.execute(&mut **open).await.map(drop)?,
            (Self::Copy(text, rows), Transaction::Postgres(open)) => {
                let mut copy = open.copy_in_raw(&text).await?;
                copy.send(rows).await?;
                copy.finish().await?;
            }
            _ => unreachable!("statements are made for the transaction's database"),
        }
        Ok(())
    }
}

/// `INSERT … VALUES (…), (…)`.
fn values(table: &Table, rows: usize, existing: Existing) -> String {
    let mut sql = match existing {
        // An error undoes the whole transaction, so SQLite need not keep what would undo the statement alone.
        Existing::Refused => Sql::new("INSERT OR FAIL INTO "),
        Existing::Replaced => Sql::new("INSERT INTO "),
    };
    sql.columns_of(table).push("VALUES ");
    let row = format!("({}?)", "?, ".repeat(table.columns.len() - 1));
    for index in 0..rows {
        sql.push(if index > 0 { ", " } else { "" }).push(&row);
    }
    if existing == Existing::Replaced {
        sql.or_replace(table);
    }
    sql.text
}

/// `COPY … FROM STDIN`.
fn copy_in(table: &Table) -> String {
    let mut sql = Sql::new("COPY ");
    sql.columns_of(table).push("FROM STDIN WITH (FORMAT binary)");
    sql.text
}

/// `INSERT … SELECT … FROM unnest(…)`.
fn unnest(table: &Table, existing: Existing) -> String {
    let mut sql = Sql::insert(table);
    sql.push("SELECT * FROM unnest(").list(table.kinds, |sql, kind| {
        sql.push(match kind {
            Kind::Int => "?::BIGINT[]",
            Kind::Text => "?::TEXT[]",
            Kind::Blob => "?::BYTEA[]",
        });
    });
    sql.push(")");
    if existing == Existing::Replaced {
        sql.or_replace(table);
    }
    postgres::numbered(&sql.text)
}

/// The values of one column of many rows.
enum Column {
    Int(Vec<Option<i64>>),
    Text(Vec<Option<String>>),
    Blob(Vec<Option<Vec<u8>>>),
}

impl Column {
    fn new(kind: Kind, rows: usize) -> Self {
        match kind {
            Kind::Int => Self::Int(Vec::with_capacity(rows)),
            Kind::Text => Self::Text(Vec::with_capacity(rows)),
            Kind::Blob => Self::Blob(Vec::with_capacity(rows)),
        }
    }

    fn push(&mut self, value: Value) -> Result<(), ColumnError> {
        match (self, value) {
            (Self::Int(column), Value::Int(int)) => column.push(Some(int)),
            (Self::Int(column), Value::Null) => column.push(None),
            (Self::Text(column), Value::Text(text)) => column.push(Some(text)),
            (Self::Text(column), Value::Null) => column.push(None),
            (Self::Blob(column), Value::Blob(bytes)) => column.push(Some(bytes)),
            (Self::Blob(column), Value::Null) => column.push(None),
            (_, found) => return Err(ColumnError::new("a value of the column's kind", found)),
        }
        Ok(())
    }

    fn bind(self, query: PostgresQuery) -> PostgresQuery {
        match self {
            Self::Int(column) => query.bind(column),
            Self::Text(column) => query.bind(column),
            Self::Blob(column) => query.bind(column),
        }
    }
}

fn columns(table: &Table, rows: Vec<Vec<Value>>) -> Result<Vec<Column>, StoreError> {
    let mut columns: Vec<Column> = table.kinds.iter().map(|kind| Column::new(*kind, rows.len())).collect();
    for row in rows {
        for (column, value) in columns.iter_mut().zip(row) {
            column.push(value).map_err(|source| StoreError::Damaged { table: table.name, source })?;
        }
    }
    Ok(columns)
}
