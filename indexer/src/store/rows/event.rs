//! Raw events.

use std::borrow::Cow;

use alloy::primitives::{Address, B256, Bytes};

use crate::store::{Cell, Column, ColumnError, Kind, Value, table::row};

row! {
    /// An event of the suite, as logged. Rows are only ever added, and deleted when their block is retracted.
    Event in "events", key 1 {
        /// Its block, and its place among the logs of the block.
        position: LogPosition,
        /// The block's time.
        timestamp: u64,
        /// The transaction.
        tx_hash: B256,
        /// Its place in the block.
        tx_index: u64,
        /// Who emitted it.
        address: Address,
        /// The emitter's name.
        contract: Option<Cow<'static, str>>,
        /// The event's name, if this build knows it.
        kind: Option<Cow<'static, str>>,
        /// The task it is about.
        task_id: Option<B256>,
        /// The node it is about.
        node_id: Option<u64>,
        /// The topics, 32 bytes each.
        topics: Vec<u8>,
        /// The data.
        data: Bytes,
    }
}

/// Where a log stands in the chain, in one number that is compared as the chain goes on: the index among the logs of the
/// block in the lowest 24 bits, and the block's number above them. A log costs 375 gas at least, so that a block with more
/// logs would have six thousand million gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogPosition(u64);

impl LogPosition {
    const INDEX_BITS: u32 = 24;
    const LAST_BLOCK: u64 = (1 << (i64::BITS - 1 - Self::INDEX_BITS)) - 1;

    /// The place of a log; none if the numbers are none that a chain can have.
    pub const fn new(block: u64, log_index: u64) -> Option<Self> {
        if block > Self::LAST_BLOCK || log_index >> Self::INDEX_BITS != 0 {
            return None;
        }
        Some(Self(block << Self::INDEX_BITS | log_index))
    }

    /// Below every log of a block, and above those of the blocks before it. Of no block that can be: above every log.
    pub const fn start_of(block: u64) -> Self {
        if block > Self::LAST_BLOCK { Self(i64::MAX as u64) } else { Self(block << Self::INDEX_BITS) }
    }

    /// The block's number.
    pub const fn block(self) -> u64 {
        self.0 >> Self::INDEX_BITS
    }

    /// The index among the logs of the block.
    pub const fn log_index(self) -> u64 {
        self.0 & ((1 << Self::INDEX_BITS) - 1)
    }
}

impl From<LogPosition> for u64 {
    fn from(position: LogPosition) -> Self {
        position.0
    }
}

impl Column for LogPosition {
    const KIND: Kind = u64::KIND;

    fn cell(&self) -> Cell<'_> {
        self.0.cell()
    }

    fn from_value(value: Value) -> Result<Self, ColumnError> {
        u64::from_value(value).map(Self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_go_on_as_the_chain_does() {
        let at = |block, index| LogPosition::new(block, index).expect("a place");
        let places = [at(0, 0), at(0, 1), at(0, (1 << 24) - 1), at(1, 0), at(1, 7), at(LogPosition::LAST_BLOCK, 3)];
        assert!(places.is_sorted_by(|one, next| one < next));
        for place in places {
            assert_eq!(at(place.block(), place.log_index()), place);
            assert!(LogPosition::start_of(place.block()) <= place && place < LogPosition::start_of(place.block() + 1));
            assert!(matches!(place.value(), Value::Int(number) if number >= 0), "{place:?}");
        }
        assert_eq!((LogPosition::new(1, 1 << 24), LogPosition::new(LogPosition::LAST_BLOCK + 1, 0)), (None, None));
    }
}
