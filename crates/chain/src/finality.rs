//! What can't be reorganised any more.

use alloy::{
    eips::BlockNumberOrTag,
    providers::{DynProvider, Provider},
    transports::{RpcError, TransportError},
};

/// The number of the last final block below `head`, as the chain tells it, else `depth` blocks down.
pub(crate) async fn finalized(provider: &DynProvider, head: u64, depth: u64) -> Result<u64, TransportError> {
    let by_depth = head.saturating_sub(depth);
    match provider.get_block_by_number(BlockNumberOrTag::Finalized).await {
        // Chains without finality name the genesis block, nothing, or refuse the tag.
        Ok(Some(block)) if block.header.number > 0 => Ok(block.header.number.min(head)),
        Ok(_) | Err(RpcError::ErrorResp(_) | RpcError::NullResp) => Ok(by_depth),
        Err(error) => Err(error),
    }
}
