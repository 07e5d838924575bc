//! Many rows in few statements: in SQLite by lists of values, in PostgreSQL by an array for each column.

use sqlx::AssertSqlSafe;

use super::{ColumnError, Kind, StoreError, Table, Value, database::Transaction, postgres, sql::Sql};

/// Rows of one statement in SQLite. Few sizes, so that each table's statements stay prepared; the largest keeps far below
/// 32,766 parameters.
const SIZES: [usize; 3] = [64, 8, 1];

/// Rows of one statement in PostgreSQL, at most: what it holds in memory.
const LARGEST: usize = 10_000;

/// What happens to a row whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// It is an error: rows are only ever added.
    Refused,
    /// It is overwritten.
    Replaced,
}

/// Writes rows, each with all columns and no two with the same key.
pub(crate) async fn write(
    transaction: &mut Transaction<'_>,
    table: &Table,
    mut rows: Vec<Vec<Value>>,
    existing: Existing,
) -> Result<(), StoreError> {
    while !rows.is_empty() {
        let size = match transaction {
            Transaction::Sqlite(_) => SIZES.into_iter().find(|size| *size <= rows.len()).unwrap_or(1),
            Transaction::Postgres(_) => rows.len().min(LARGEST),
        };
        let rest = rows.split_off(size);
        let rows = std::mem::replace(&mut rows, rest);
        match transaction {
            Transaction::Sqlite(_) => values(table, rows, existing).execute(transaction).await.map(drop)?,
            Transaction::Postgres(open) => {
                let statement = sqlx::query(AssertSqlSafe(unnest(table, existing)));
                let columns = columns(table, rows)?.into_iter();
                columns.fold(statement, |statement, column| column.bind(statement)).execute(&mut **open).await?;
            }
        }
    }
    Ok(())
}

/// `INSERT … VALUES (…), (…)`.
fn values(table: &Table, rows: Vec<Vec<Value>>, existing: Existing) -> Sql {
    let mut sql = Sql::insert(table);
    sql.push("VALUES ");
    for (index, row) in rows.into_iter().enumerate() {
        sql.push(if index > 0 { ", " } else { "" }).row(row);
    }
    if existing == Existing::Replaced {
        sql.or_replace(table);
    }
    sql
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

type Statement = sqlx::query::Query<'static, sqlx::Postgres, sqlx::postgres::PgArguments>;

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

    fn bind(self, statement: Statement) -> Statement {
        match self {
            Self::Int(column) => statement.bind(column),
            Self::Text(column) => statement.bind(column),
            Self::Blob(column) => statement.bind(column),
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
