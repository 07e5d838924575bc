//! What a column holds, and how the protocol's types become columns.
//!
//! Numbers that fit a signed 64-bit column are stored as integers. Amounts of up to 256 bits are blobs: one byte with
//! the count of significant bytes, then these, big-endian. Comparing such blobs byte by byte compares the numbers, in
//! SQLite as in PostgreSQL, and a typical amount takes ten bytes.

use std::borrow::Cow;

use aiigo_protocol::{NodeStatus, ResourceType, TaskStatus};
use alloy::primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

/// The content of a column.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Value {
    /// Nothing.
    #[serde(rename = "n")]
    Null,
    /// A number, a flag or a variant of an enum.
    #[serde(rename = "i")]
    Int(i64),
    /// Text.
    #[serde(rename = "t")]
    Text(String),
    /// A hash, an address, an amount or raw data.
    #[serde(rename = "b", with = "alloy::hex::serde")]
    Blob(Vec<u8>),
}

/// A column that does not hold what its type says: the database was changed by something else.
#[derive(Debug, thiserror::Error)]
#[error("expected {expected}, found {found:?}")]
pub struct ColumnError {
    expected: &'static str,
    found: Value,
}

/// What a column holds, unless it holds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// [`Value::Int`].
    Int,
    /// [`Value::Text`].
    Text,
    /// [`Value::Blob`].
    Blob,
}

/// The content of a column where it stands: what a [`Value`] is a copy of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell<'r> {
    /// As [`Value::Null`].
    Null,
    /// As [`Value::Int`].
    Int(i64),
    /// As [`Value::Text`].
    Text(&'r str),
    /// As [`Value::Blob`].
    Blob(&'r [u8]),
    /// As [`Value::Blob`]; the first byte tells how many follow.
    Amount([u8; 33]),
}

/// The part of [`Cell::Amount`] that counts.
pub(super) fn significant(amount: &[u8; 33]) -> &[u8] {
    &amount[..=usize::from(amount[0])]
}

impl From<Cell<'_>> for Value {
    fn from(cell: Cell<'_>) -> Self {
        match cell {
            Cell::Null => Self::Null,
            Cell::Int(int) => Self::Int(int),
            Cell::Text(text) => Self::Text(text.to_owned()),
            Cell::Blob(bytes) => Self::Blob(bytes.to_vec()),
            Cell::Amount(amount) => Self::Blob(significant(&amount).to_vec()),
        }
    }
}

impl<'v> From<&'v Value> for Cell<'v> {
    fn from(value: &'v Value) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Int(int) => Self::Int(*int),
            Value::Text(text) => Self::Text(text),
            Value::Blob(bytes) => Self::Blob(bytes),
        }
    }
}

/// A type that can be stored in one column.
pub trait Column: Sized {
    /// What such a column holds.
    const KIND: Kind;

    /// As a column, without a copy.
    fn cell(&self) -> Cell<'_>;

    /// As a column.
    fn value(&self) -> Value {
        self.cell().into()
    }

    /// From a column.
    ///
    /// # Errors
    /// If the column holds something else.
    fn from_value(value: Value) -> Result<Self, ColumnError>;
}

macro_rules! unsigned_columns {
    ($($int:ty),*) => {$(
        impl Column for $int {
            const KIND: Kind = Kind::Int;

            fn cell(&self) -> Cell<'_> {
                // Ids, block numbers, seconds: far below 2^63, and the cast is undone on the way back in any case.
                Cell::Int(*self as i64)
            }

            fn from_value(value: Value) -> Result<Self, ColumnError> {
                match value {
                    Value::Int(int) => Ok(int as $int),
                    found => Err(ColumnError { expected: stringify!($int), found }),
                }
            }
        }
    )*};
}

unsigned_columns!(u8, u16, u32, u64);

impl Column for bool {
    const KIND: Kind = Kind::Int;

    fn cell(&self) -> Cell<'_> {
        Cell::Int(i64::from(*self))
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        match value {
            Value::Int(int @ (0 | 1)) => Ok(int == 1),
            found => Err(ColumnError { expected: "0 or 1", found }),
        }
    }
}

impl Column for String {
    const KIND: Kind = Kind::Text;

    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        match value {
            Value::Text(text) => Ok(text),
            found => Err(ColumnError { expected: "text", found }),
        }
    }
}

/// Names that this program knows need no copy.
impl Column for Cow<'static, str> {
    const KIND: Kind = Kind::Text;

    fn cell(&self) -> Cell<'_> {
        Cell::Text(self)
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        String::from_value(value).map(Self::Owned)
    }
}

impl Column for Bytes {
    const KIND: Kind = Kind::Blob;

    fn cell(&self) -> Cell<'_> {
        Cell::Blob(self)
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        Vec::from_value(value).map(Self::from)
    }
}

impl Column for Vec<u8> {
    const KIND: Kind = Kind::Blob;

    fn cell(&self) -> Cell<'_> {
        Cell::Blob(self)
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        match value {
            Value::Blob(bytes) => Ok(bytes),
            found => Err(ColumnError { expected: "a blob", found }),
        }
    }
}

macro_rules! fixed_bytes_columns {
    ($($ty:ident: $len:literal),*) => {$(
        impl Column for $ty {
            const KIND: Kind = Kind::Blob;

            fn cell(&self) -> Cell<'_> {
                Cell::Blob(self.as_slice())
            }

            fn from_value(value: Value) -> Result<Self, ColumnError> {
                match value {
                    Value::Blob(bytes) if bytes.len() == $len => Ok($ty::from_slice(&bytes)),
                    found => Err(ColumnError { expected: concat!("a blob of ", $len, " bytes"), found }),
                }
            }
        }
    )*};
}

fixed_bytes_columns!(Address: 20, B256: 32);

impl Column for U256 {
    const KIND: Kind = Kind::Blob;

    fn cell(&self) -> Cell<'_> {
        let significant = self.byte_len();
        let mut amount = [0; 33];
        amount[0] = significant as u8; // at most 32
        amount[1..=significant].copy_from_slice(&self.to_be_bytes::<32>()[32 - significant..]);
        Cell::Amount(amount)
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        match value {
            Value::Blob(bytes) if (1..=33).contains(&bytes.len()) && usize::from(bytes[0]) == bytes.len() - 1 => {
                Ok(U256::from_be_slice(&bytes[1..]))
            }
            found => Err(ColumnError { expected: "an amount", found }),
        }
    }
}

impl<T: Column> Column for Option<T> {
    const KIND: Kind = T::KIND;

    fn cell(&self) -> Cell<'_> {
        self.as_ref().map_or(Cell::Null, Column::cell)
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        match value {
            Value::Null => Ok(None),
            value => T::from_value(value).map(Some),
        }
    }
}

/// Stores enums of `u8` by their number.
macro_rules! enum_columns {
    ($($ty:ty),* $(,)?) => {$(
        impl $crate::store::Column for $ty {
            const KIND: $crate::store::Kind = $crate::store::Kind::Int;

            fn cell(&self) -> $crate::store::Cell<'_> {
                $crate::store::Cell::Int(i64::from(u8::from(*self)))
            }

            fn from_value(value: $crate::store::Value) -> Result<Self, $crate::store::ColumnError> {
                let number = <u8 as $crate::store::Column>::from_value(value)?;
                Self::try_from(number).map_err(|_| {
                    $crate::store::ColumnError::new(stringify!($ty), $crate::store::Value::Int(number.into()))
                })
            }
        }
    )*};
}
pub(crate) use enum_columns;

enum_columns!(NodeStatus, ResourceType, TaskStatus);

impl ColumnError {
    pub(crate) const fn new(expected: &'static str, found: Value) -> Self {
        Self { expected, found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn amounts_come_back_and_sort_like_numbers(a in any::<[u64; 4]>(), b in any::<[u64; 4]>(), shift in 0_usize..256) {
            let (a, b) = (U256::from_limbs(a) >> shift, U256::from_limbs(b) >> (255 - shift));
            prop_assert_eq!(U256::from_value(a.value()).expect("round trip"), a);
            prop_assert_eq!(a.value().cmp(&b.value()), a.cmp(&b));
        }

        #[test]
        fn every_unsigned_number_comes_back(number in any::<u64>()) {
            prop_assert_eq!(u64::from_value(number.value()).expect("round trip"), number);
        }
    }

    #[test]
    fn a_wrong_column_says_what_was_expected() {
        let error = Address::from_value(Value::Int(3)).expect_err("no address").to_string();
        assert_eq!(error, "expected a blob of 20 bytes, found Int(3)");
    }
}
