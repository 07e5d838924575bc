//! Writing to PostgreSQL: many rows by `COPY`, or by an array for each column.

use std::{
    ops::Range,
    sync::atomic::{AtomicUsize, Ordering},
};

use futures::future::try_join_all;
use sqlx::{AssertSqlSafe, ConnectOptions as _, Connection as _, PgConnection, postgres::PgConnectOptions};

use super::{Batch, Connection, Database, Durability, Existing, Found, copy};
use crate::store::{
    Cell, ColumnError, Kind, StoreError, Table, postgres,
    sql::{self, Sql},
    value::significant,
};

/// Rows of one statement, at most: what it holds in memory.
const LARGEST: usize = 2_000;

/// New rows that `COPY` pays for: it takes two answers more than a prepared statement.
const COPIED: usize = 64;

/// Connections that make indexes at once, if the server has a place for them: each index is made on one core for the most
/// part.
const BUILDERS: usize = 4;

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// A connection to a server.
pub(in crate::store) struct Postgres {
    connection: PgConnection,
    /// How to get another one.
    options: PgConnectOptions,
    /// Statements without values, which wait for the next one, so that they cost no answer of their own.
    waiting: String,
}

impl Postgres {
    /// Lets a connection write, on a task of its own.
    pub(in crate::store) fn spawn((connection, options): (PgConnection, PgConnectOptions)) -> Connection {
        let (connection, serving) = Connection::serving(Self { connection, options, waiting: String::new() });
        tokio::spawn(serving);
        connection
    }

    fn wait(&mut self, statement: &str) {
        self.waiting.push_str(statement);
        self.waiting.push_str(";\n");
    }

    /// The connection, once what waited was run.
    async fn ready(&mut self) -> Result<&mut PgConnection, StoreError> {
        if !self.waiting.is_empty() {
            let statements = std::mem::take(&mut self.waiting);
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut self.connection).await?;
        }
        Ok(&mut self.connection)
    }

    async fn copy(&mut self, rows: &dyn Batch, range: Range<usize>) -> Result<(), StoreError> {
        let bytes = copy::encode(rows, range).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut copy = self.ready().await?.copy_in_raw(&copy_in(rows.table())).await?;
        copy.send(bytes).await?;
        copy.finish().await?;
        Ok(())
    }
}

impl Database for Postgres {
    const INDEXES_OF: &'static str = postgres::INDEXES_OF;

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.wait(postgres::BEGIN_WRITING);
        Ok(())
    }

    async fn write(&mut self, rows: &dyn Batch, existing: Existing) -> Result<(), StoreError> {
        for first in (0..rows.count()).step_by(LARGEST) {
            let range = first..rows.count().min(first + LARGEST);
            if existing == Existing::Refused && range.len() >= COPIED {
                self.copy(rows, range).await?;
            } else {
                let query = sqlx::query(AssertSqlSafe(unnest(rows.table(), existing)));
                let mut columns = (0..rows.table().columns.len()).map(|column| Column::of(rows, range.clone(), column));
                let query = columns.try_fold(query, |query, column| Ok::<_, StoreError>(column?.bind(query)))?;
                query.execute(self.ready().await?).await?;
            }
        }
        Ok(())
    }

    async fn run(&mut self, sql: Sql) -> Result<(), StoreError> {
        match sql.args.as_slice() {
            [] => self.wait(&sql.text),
            _ => drop(self.change(sql).await?),
        }
        Ok(())
    }

    async fn build(&mut self, indexes: Vec<String>) -> Result<(), StoreError> {
        self.ready().await?;
        let next = AtomicUsize::new(0);
        let build = || async {
            // A server may have no place for another one.
            let Ok(mut connection) = self.options.connect().await else { return Ok(()) };
            while let Some(index) = indexes.get(next.fetch_add(1, Ordering::Relaxed)) {
                let mut transaction = connection.begin().await?;
                // A process that was killed may still be making it, for as long as it takes.
                sqlx::query(postgres::BUILD_ALONE).bind(index).execute(&mut *transaction).await?;
                // The server's log is synced in order: that an index is made is not forgotten without that it was put off.
                let statements = format!("{}; {}", postgres::LAZY, sql::unless_there(index));
                sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut *transaction).await?;
                transaction.commit().await?;
            }
            connection.close().await
        };
        try_join_all((0..BUILDERS).map(|_| build())).await?;
        for index in indexes.iter().skip(next.into_inner()) {
            self.wait(&sql::unless_there(index));
        }
        self.ready().await.map(drop)
    }

    async fn change(&mut self, sql: Sql) -> Result<u64, StoreError> {
        Ok(postgres::query(sql).execute(self.ready().await?).await?.rows_affected())
    }

    async fn wake(&mut self, channel: &'static str) -> Result<(), StoreError> {
        self.wait(&format!("NOTIFY {channel}"));
        Ok(())
    }

    async fn read(&mut self, sql: Sql) -> Result<Found, StoreError> {
        postgres::query(sql).fetch_all(self.ready().await?).await?.iter().map(postgres::values_of).collect()
    }

    async fn commit(&mut self, durability: Durability) -> Result<(), StoreError> {
        if durability == Durability::Lazy {
            self.wait(postgres::LAZY);
        }
        self.wait("COMMIT");
        self.ready().await.map(drop)
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        let waited = std::mem::take(&mut self.waiting);
        if waited.starts_with(postgres::BEGIN_WRITING) {
            return Ok(());
        }
        self.wait("ROLLBACK");
        self.ready().await.map(drop)
    }

    async fn close(self) -> Result<(), StoreError> {
        Ok(self.connection.close().await?)
    }
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
    fn of(rows: &dyn Batch, range: Range<usize>, column: usize) -> Result<Self, StoreError> {
        let table = rows.table();
        let cells = range.map(|row| rows.cell(row, column));
        let column = match table.kinds[column] {
            Kind::Int => values(cells, |cell| if let Cell::Int(int) = cell { Some(int) } else { None }).map(Self::Int),
            Kind::Text => values(cells, |cell| if let Cell::Text(text) = cell { Some(text.to_owned()) } else { None })
                .map(Self::Text),
            Kind::Blob => values(cells, |cell| match cell {
                Cell::Blob(bytes) => Some(bytes.to_vec()),
                Cell::Amount(amount) => Some(significant(&amount).to_vec()),
                _ => None,
            })
            .map(Self::Blob),
        };
        column.map_err(|source| StoreError::Damaged { table: table.name, source })
    }

    fn bind(self, query: Query) -> Query {
        match self {
            Self::Int(column) => query.bind(column),
            Self::Text(column) => query.bind(column),
            Self::Blob(column) => query.bind(column),
        }
    }
}

/// What cells hold, all of a kind or nothing.
fn values<'r, T>(
    cells: impl Iterator<Item = Cell<'r>>,
    of_kind: impl Fn(Cell<'r>) -> Option<T>,
) -> Result<Vec<Option<T>>, ColumnError> {
    let value = |cell| match cell {
        Cell::Null => Ok(None),
        cell => of_kind(cell).map(Some).ok_or_else(|| ColumnError::new("a value of the column's kind", cell.into())),
    };
    cells.map(value).collect()
}
