//! Statements put together from declared names and bound values; nothing that a user wrote becomes SQL text.

use super::{Row, StoreError, Table, Value};

/// What answers statements: a transaction, whichever the database.
pub(crate) trait Reads {
    /// The rows that a statement finds, as values.
    async fn values(&mut self, sql: Sql) -> Result<Vec<Vec<Value>>, StoreError>;
}

/// A statement and what is bound to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sql {
    pub(super) text: String,
    pub(super) args: Vec<Value>,
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

    /// Appends a number: of a statement that runs once for a block, and has no other values, so that it needs no preparation.
    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.push(&number.to_string())
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

    /// Begins `INSERT INTO table (…)` with all columns.
    pub(crate) fn insert(table: &Table) -> Self {
        let mut sql = Self::new("INSERT INTO ");
        sql.columns_of(table);
        sql
    }

    /// Appends `table (…)` with all columns.
    pub(crate) fn columns_of(&mut self, table: &Table) -> &mut Self {
        self.name(table.name).push(" (").names(table.columns).push(") ")
    }

    /// `INSERT … ON CONFLICT DO UPDATE` of one row.
    pub(crate) fn upsert(table: &Table, values: Vec<Value>) -> Self {
        let mut sql = Self::insert(table);
        sql.push("VALUES ").row(values).or_replace(table);
        sql
    }

    /// Appends bound values in brackets.
    pub(crate) fn row(&mut self, values: Vec<Value>) -> &mut Self {
        self.push("(").list(&values, |sql, _| {
            sql.push("?");
        });
        self.args.extend(values);
        self.push(")")
    }

    /// Appends what makes an `INSERT` overwrite rows that are there.
    pub(crate) fn or_replace(&mut self, table: &Table) -> &mut Self {
        self.push(" ON CONFLICT (").names(table.key_columns()).push(") DO UPDATE SET ");
        self.list(&table.columns[table.key..], |sql, column| {
            sql.name(column).push(" = excluded.").name(column);
        })
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

    /// Runs it; typed rows.
    pub(crate) async fn rows<R: Row>(self, on: &mut impl Reads) -> Result<Vec<R>, StoreError> {
        on.values(self).await?.into_iter().map(decode).collect()
    }
}

/// A statement that makes an index, but for one that is there.
pub(super) fn unless_there(index: &str) -> String {
    index.replacen("CREATE INDEX ", "CREATE INDEX IF NOT EXISTS ", 1)
}

/// A typed row from its values.
pub(crate) fn decode<R: Row>(values: Vec<Value>) -> Result<R, StoreError> {
    R::from_values(values).map_err(|source| StoreError::Damaged { table: R::TABLE.name, source })
}
