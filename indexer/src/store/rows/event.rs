//! Raw events.

use alloy::primitives::{Address, B256};

use crate::store::table::row;

row! {
    /// An event of the suite, as logged. Rows are only ever added, and deleted when their block is retracted.
    Event in "events", key 2 {
        /// Its block.
        block: u64,
        /// Its place among the logs of the block.
        log_index: u64,
        /// The block's time.
        timestamp: u64,
        /// The transaction.
        tx_hash: B256,
        /// Its place in the block.
        tx_index: u64,
        /// Who emitted it.
        address: Address,
        /// The emitter's name.
        contract: Option<String>,
        /// The event's name, if this build knows it.
        kind: Option<String>,
        /// The task it is about.
        task_id: Option<B256>,
        /// The node it is about.
        node_id: Option<u64>,
        /// The topics, 32 bytes each.
        topics: Vec<u8>,
        /// The data.
        data: Vec<u8>,
    }
}
