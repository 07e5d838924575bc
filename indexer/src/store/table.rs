//! Rows and their tables. A row is declared once; everything that reads, writes or undoes it asks the declaration.

use super::{Cell, ColumnError, Kind, PrimaryKey, Value};

/// A table as the store sees it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Table {
    /// The table's name.
    pub name: &'static str,
    /// All columns, those of the primary key first.
    pub columns: &'static [&'static str],
    /// What each of them holds.
    pub kinds: &'static [Kind],
    /// How many columns the primary key has.
    pub key: usize,
}

impl Table {
    /// The columns of the primary key.
    pub fn key_columns(&self) -> &'static [&'static str] {
        &self.columns[..self.key]
    }

    /// Where a column stands in the table.
    pub fn position(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|name| *name == column)
    }
}

/// A typed row.
pub trait Row: Clone + PartialEq + Send + Sync + Sized + 'static {
    /// Where rows of this type are kept.
    const TABLE: &'static Table;

    /// One column, by its place in the table.
    fn cell(&self, position: usize) -> Cell<'_>;

    /// From the columns, in the table's order.
    ///
    /// # Errors
    /// If a column does not hold what its type says.
    fn from_values(values: Vec<Value>) -> Result<Self, ColumnError>;

    /// The value of one column, by its place in the table.
    fn value(&self, position: usize) -> Value {
        self.cell(position).into()
    }

    /// The columns, in the table's order.
    fn values(&self) -> Vec<Value> {
        (0..Self::TABLE.columns.len()).map(|position| self.value(position)).collect()
    }

    /// The primary key.
    fn key(&self) -> PrimaryKey {
        PrimaryKey::of((0..Self::TABLE.key).map(|position| self.cell(position)))
    }
}

/// The primary key of a row, from the values of its columns.
macro_rules! key {
    ($($part:expr),+ $(,)?) => { $crate::store::PrimaryKey::of([$($crate::store::Column::cell(&$part)),+]) };
}
pub(crate) use key;

/// Declares a row: its table, the columns of its primary key first, and how many these are.
macro_rules! row {
    (
        $(#[$meta:meta])*
        $name:ident in $table:literal, key $key:literal {
            $($(#[$column_meta:meta])* $column:ident: $ty:ty),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $($(#[$column_meta])* pub $column: $ty),*
        }

        impl $crate::store::Row for $name {
            const TABLE: &'static $crate::store::Table = &$crate::store::Table {
                name: $table,
                columns: &[$(stringify!($column)),*],
                kinds: &[$(<$ty as $crate::store::Column>::KIND),*],
                key: $key,
            };

            fn cell(&self, position: usize) -> $crate::store::Cell<'_> {
                const COLUMNS: &[for<'r> fn(&'r $name) -> $crate::store::Cell<'r>] =
                    &[$(|row| $crate::store::Column::cell(&row.$column)),*];
                COLUMNS[position](self)
            }

            fn from_values(values: Vec<$crate::store::Value>) -> Result<Self, $crate::store::ColumnError> {
                let mut values = values.into_iter();
                Ok(Self {
                    $($column: $crate::store::Column::from_value(
                        values.next().unwrap_or($crate::store::Value::Null)
                    )?),*
                })
            }
        }
    };
}
pub(crate) use row;
