//! A block as a link of the chain.

use alloy::{consensus::BlockHeader, network::BlockResponse, primitives::B256, rpc::types::Block};
use serde::{Deserialize, Serialize};

/// A block and its parent: enough to see if two views of the chain agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BlockRef {
    /// Height.
    pub number: u64,
    /// The block's hash.
    pub hash: B256,
    /// The hash of the block below.
    pub parent_hash: B256,
    /// Unix seconds.
    pub timestamp: u64,
}

impl From<&Block> for BlockRef {
    fn from(block: &Block) -> Self {
        let header = block.header();
        Self {
            number: header.number(),
            hash: header.hash,
            parent_hash: header.parent_hash(),
            timestamp: header.timestamp(),
        }
    }
}
