//! Writing to PostgreSQL: many rows by `COPY`, or by an array for each column.

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use super::{Connection, Database, Existing, Rows, copy};
use crate::store::{ColumnError, Kind, StoreError, Table, Value, postgres, sql::Sql};

/// Rows of one statement, at most: what it holds in memory.
const LARGEST: usize = 2_000;

/// New rows that `COPY` pays for: it takes two answers more than a prepared statement.
const COPIED: usize = 64;

type Query = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

/// A connection to a server.
pub(in crate::store) struct Postgres(PgConnection);

impl Postgres {
    /// Lets a connection write, on a task of its own.
    pub(in crate::store) fn spawn(connection: PgConnection) -> Connection {
        let (connection, serving) = Connection::serving(Self(connection));
        tokio::spawn(serving);
        connection
    }

    async fn batch(&mut self, sql: &'static str) -> Result<(), StoreError> {
        Ok(sqlx::raw_sql(sql).execute(&mut self.0).await.map(drop)?)
    }

    async fn copy(&mut self, table: &Table, rows: &[Vec<Value>]) -> Result<(), StoreError> {
        let rows = copy::encode(rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut copy = self.0.copy_in_raw(&copy_in(table)).await?;
        copy.send(rows).await?;
        copy.finish().await?;
        Ok(())
    }
}

impl Database for Postgres {
    const INDEXES_OF: &'static str = postgres::INDEXES_OF;

    async fn begin(&mut self) -> Result<(), StoreError> {
        self.batch(postgres::BEGIN_WRITING).await
    }

    async fn write(&mut self, table: &'static Table, rows: Rows, existing: Existing) -> Result<(), StoreError> {
        let mut rows = rows.into_iter();
        loop {
            let part: Rows = rows.by_ref().take(LARGEST).collect();
            match part.len() {
                0 => return Ok(()),
                COPIED.. if existing == Existing::Refused => self.copy(table, &part).await?,
                _ => {
                    let query = sqlx::query(AssertSqlSafe(unnest(table, existing)));
                    let columns = columns(table, part)?.into_iter();
                    columns.fold(query, |query, column| column.bind(query)).execute(&mut self.0).await?;
                }
            }
        }
    }

    async fn run(&mut self, sql: Sql) -> Result<u64, StoreError> {
        Ok(postgres::query(sql).execute(&mut self.0).await?.rows_affected())
    }

    async fn wake(&mut self, channel: &'static str) -> Result<(), StoreError> {
        Ok(sqlx::query("SELECT pg_notify($1, '')").bind(channel).execute(&mut self.0).await.map(drop)?)
    }

    async fn read(&mut self, sql: Sql) -> Result<Rows, StoreError> {
        postgres::query(sql).fetch_all(&mut self.0).await?.iter().map(postgres::values_of).collect()
    }

    async fn commit(&mut self) -> Result<(), StoreError> {
        self.batch("COMMIT").await
    }

    async fn rollback(&mut self) -> Result<(), StoreError> {
        self.batch("ROLLBACK").await
    }

    async fn close(self) -> Result<(), StoreError> {
        Ok(self.0.close().await?)
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

    fn bind(self, query: Query) -> Query {
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
