//! What a follower tells.

use aiigo_protocol::Event;
use alloy::primitives::{Address, B256, LogData};

use crate::BlockRef;

/// An event and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocatedEvent {
    /// The block it is in. Of history, which is final, the parent's hash is not asked for: it is zero.
    pub block: BlockRef,
    /// The transaction that emitted it.
    pub tx_hash: B256,
    /// The transaction's position in the block.
    pub tx_index: u64,
    /// The log's position in the block.
    pub log_index: u64,
    /// The contract.
    pub address: Address,
    /// What it says; `None` if this build does not know the event.
    pub event: Option<Event>,
    /// The log as it was emitted.
    pub raw: LogData,
}

/// A change of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::large_enum_variant)] // the small one is the rare one
pub enum Update {
    /// Blocks were added: of the history a whole range, later one by one, also when they are empty. A follower that
    /// begins at the head says so once without a new block: `from` is then `block.number + 1`.
    Applied {
        /// The last one.
        block: BlockRef,
        /// The number of the first one.
        from: u64,
        /// Their events, in the order of the chain.
        events: Vec<LocatedEvent>,
        /// The chain's head when this was read.
        head: BlockRef,
        /// The number of the last block that can't be replaced any more; never falls.
        finalized: u64,
        /// Whether the follower has caught up with the head, and keeps up: `block` is the head, or little below it after it
        /// had been.
        live: bool,
    },
    /// Blocks were replaced by others: everything above `to` never happened.
    Retracted {
        /// The last block that stands.
        to: BlockRef,
    },
}
