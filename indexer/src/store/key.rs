//! Primary keys in one piece: compared, hashed and copied as a whole, most of them without an allocation.

use std::fmt;

use smallvec::SmallVec;

use super::{Cell, Value, value::significant};

/// The values of a row's primary key.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct PrimaryKey(SmallVec<[u8; INLINE]>);

/// Bytes that need no allocation: a hash and two numbers, which few keys are longer than.
const INLINE: usize = 56;

/// What comes next.
mod tag {
    pub(super) const NULL: u8 = 0;
    /// 8 bytes.
    pub(super) const INT: u8 = 1;
    /// 4 bytes of length, and as many bytes.
    pub(super) const TEXT: u8 = 2;
    /// As text.
    pub(super) const BLOB: u8 = 3;
}

impl PrimaryKey {
    /// Of the columns of the primary key, in the table's order.
    pub fn of<'r>(columns: impl IntoIterator<Item = Cell<'r>>) -> Self {
        let mut key = Self::default();
        for cell in columns {
            key.push(cell);
        }
        key
    }

    fn push(&mut self, cell: Cell<'_>) {
        match cell {
            Cell::Null => self.0.push(tag::NULL),
            Cell::Int(int) => {
                self.0.push(tag::INT);
                self.0.extend_from_slice(&int.to_le_bytes());
            }
            Cell::Text(text) => self.push_bytes(tag::TEXT, text.as_bytes()),
            Cell::Blob(bytes) => self.push_bytes(tag::BLOB, bytes),
            Cell::Amount(amount) => self.push_bytes(tag::BLOB, significant(&amount)),
        }
    }

    #[allow(clippy::cast_possible_truncation)] // no column holds 4 GiB
    fn push_bytes(&mut self, tag: u8, bytes: &[u8]) {
        self.0.push(tag);
        self.0.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
        self.0.extend_from_slice(bytes);
    }

    /// The columns, in the table's order.
    pub fn values(&self) -> Vec<Value> {
        let mut rest = self.0.as_slice();
        std::iter::from_fn(|| take(&mut rest)).collect()
    }
}

/// The next column of what [`PrimaryKey::of`] wrote; none at its end.
fn take(rest: &mut &[u8]) -> Option<Value> {
    let (tag, behind) = rest.split_first()?;
    *rest = behind;
    match *tag {
        tag::NULL => Some(Value::Null),
        tag::INT => {
            let (int, behind) = rest.split_first_chunk()?;
            *rest = behind;
            Some(Value::Int(i64::from_le_bytes(*int)))
        }
        tag => {
            let (length, behind) = rest.split_first_chunk()?;
            let (bytes, behind) = behind.split_at_checked(u32::from_le_bytes(*length) as usize)?;
            *rest = behind;
            Some(match tag {
                tag::TEXT => Value::Text(String::from_utf8_lossy(bytes).into_owned()),
                _ => Value::Blob(bytes.to_vec()),
            })
        }
    }
}

impl fmt::Debug for PrimaryKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.values().fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;
    use proptest::prelude::*;

    use super::*;
    use crate::store::key;

    fn value() -> impl Strategy<Value = Value> {
        prop_oneof![
            Just(Value::Null),
            any::<i64>().prop_map(Value::Int),
            any::<String>().prop_map(Value::Text),
            any::<Vec<u8>>().prop_map(Value::Blob),
        ]
    }

    proptest! {
        #[test]
        fn the_values_come_back_and_tell_keys_apart(
            one in proptest::collection::vec(value(), 0..4),
            other in proptest::collection::vec(value(), 0..4),
        ) {
            let of = |values: &[Value]| PrimaryKey::of(values.iter().map(Cell::from));
            prop_assert_eq!(of(&one).values(), one.clone());
            prop_assert_eq!(of(&one) == of(&other), one == other);
        }
    }

    #[test]
    fn a_hash_and_two_numbers_need_no_allocation() {
        assert!(!key![B256::ZERO, 1_u64, 2_u64].0.spilled());
    }
}
