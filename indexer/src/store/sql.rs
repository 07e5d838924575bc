//! Statements put together from declared names and bound values; nothing that a user wrote becomes SQL text.

use sqlx::{
    AssertSqlSafe, Column as _, Encode, Row as _, Sqlite, SqliteConnection, Type, TypeInfo, ValueRef,
    encode::IsNull,
    error::BoxDynError,
    sqlite::{SqliteArguments, SqliteArgumentsBuffer, SqliteRow, SqliteTypeInfo},
};

use super::{Row, StoreError, Table, Value};

impl Type<Sqlite> for Value {
    fn type_info() -> SqliteTypeInfo {
        <Vec<u8> as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Value {
    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) => Encode::<Sqlite>::encode_by_ref(int, buffer),
            Self::Text(text) => Encode::<Sqlite>::encode_by_ref(text, buffer),
            Self::Blob(bytes) => Encode::<Sqlite>::encode_by_ref(bytes, buffer),
        }
    }
}

/// A statement and what is bound to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    text: String,
    args: Vec<Value>,
}

impl Sql {
    pub(crate) fn new(text: &str) -> Self {
        Self { text: text.to_owned(), args: Vec::new() }
    }

    /// Appends SQL that is part of this program.
    pub(crate) fn push(&mut self, text: &str) -> &mut Self {
        self.text.push_str(text);
        self
    }

    /// Appends the name of a table or column.
    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        self.push("\"").push(name).push("\"")
    }

    /// Appends names, with commas.
    pub(crate) fn names(&mut self, names: &[&str]) -> &mut Self {
        self.list(names, |sql, name| {
            sql.name(name);
        })
    }

    /// Appends a bound value.
    pub(crate) fn arg(&mut self, value: Value) -> &mut Self {
        self.args.push(value);
        self.push("?")
    }

    /// Appends items, with commas.
    pub(crate) fn list<T>(&mut self, items: &[T], mut each: impl FnMut(&mut Self, &T)) -> &mut Self {
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                self.push(", ");
            }
            each(self, item);
        }
        self
    }

    /// Appends another statement with its values.
    pub(crate) fn append(&mut self, other: Self) -> &mut Self {
        self.text.push_str(&other.text);
        self.args.extend(other.args);
        self
    }

    /// Begins `SELECT … FROM table` with all columns.
    pub(crate) fn select(table: &Table) -> Self {
        let mut sql = Self::new("SELECT ");
        sql.names(table.columns).push(" FROM ").name(table.name);
        sql
    }

    /// `INSERT … ON CONFLICT DO UPDATE` of one row.
    pub(crate) fn upsert(table: &Table, values: Vec<Value>) -> Self {
        let mut sql = Self::new("INSERT INTO ");
        sql.name(table.name).push(" (").names(table.columns).push(") VALUES (");
        sql.list(&values, |sql, value| {
            sql.arg(value.clone());
        });
        sql.push(") ON CONFLICT (").names(table.key_columns()).push(") DO UPDATE SET ");
        sql.list(&table.columns[table.key..], |sql, column| {
            sql.name(column).push(" = excluded.").name(column);
        });
        sql
    }

    /// Appends `key = values`.
    pub(crate) fn key_is(&mut self, table: &Table, key: &[Value]) -> &mut Self {
        for (index, (column, value)) in table.key_columns().iter().zip(key).enumerate() {
            if index > 0 {
                self.push(" AND ");
            }
            self.name(column).push(" = ").arg(value.clone());
        }
        self
    }

    fn into_query(self) -> sqlx::query::Query<'static, Sqlite, SqliteArguments> {
        self.args.into_iter().fold(sqlx::query(AssertSqlSafe(self.text)), |query, arg| query.bind(arg))
    }

    /// Runs it; how many rows it changed.
    pub(crate) async fn execute(self, connection: &mut SqliteConnection) -> Result<u64, StoreError> {
        Ok(self.into_query().execute(connection).await?.rows_affected())
    }

    /// Runs it; the rows as values.
    pub(crate) async fn values(self, connection: &mut SqliteConnection) -> Result<Vec<Vec<Value>>, StoreError> {
        let rows = self.into_query().fetch_all(connection).await?;
        rows.iter().map(values_of).collect()
    }

    /// Runs it; typed rows.
    pub(crate) async fn rows<R: Row>(self, connection: &mut SqliteConnection) -> Result<Vec<R>, StoreError> {
        self.values(connection).await?.into_iter().map(decode).collect()
    }
}

/// A typed row from its values.
pub(crate) fn decode<R: Row>(values: Vec<Value>) -> Result<R, StoreError> {
    R::from_values(values).map_err(|source| StoreError::Damaged { table: R::TABLE.name, source })
}

fn values_of(row: &SqliteRow) -> Result<Vec<Value>, StoreError> {
    row.columns().iter().map(|column| value_at(row, column.ordinal())).collect()
}

fn value_at(row: &SqliteRow, index: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info().name().to_owned();
    Ok(match kind.as_str() {
        "INTEGER" | "BOOLEAN" => Value::Int(row.try_get_unchecked(index)?),
        "TEXT" => Value::Text(row.try_get_unchecked(index)?),
        _ => Value::Blob(row.try_get_unchecked(index)?),
    })
}
