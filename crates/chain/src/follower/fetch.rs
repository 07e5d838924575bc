//! The questions that a follower asks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aiigo_protocol::{Deployment, Event};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::Address,
    providers::{DynProvider, Provider},
    rpc::types::{Filter, Log},
    transports::{RpcError, TransportErrorKind},
};
use futures::{StreamExt, TryStreamExt, stream};

use super::{error::FetchError, update::LocatedEvent};
use crate::BlockRef;

/// Headers asked for at once.
const CONCURRENT_HEADERS: usize = 16;

#[derive(Debug)]
pub(super) struct Fetch {
    provider: DynProvider,
    deployment: Arc<Deployment>,
    addresses: Vec<Address>,
}

impl Fetch {
    pub(super) fn new(provider: DynProvider, deployment: Arc<Deployment>) -> Self {
        let addresses = deployment.addresses();
        Self { provider, deployment, addresses }
    }

    pub(super) async fn head(&self) -> Result<BlockRef, FetchError> {
        let head = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        let head = head.ok_or_else(|| TransportErrorKind::custom_str("the endpoint names no latest block"))?;
        Ok(BlockRef::from(&head))
    }

    /// The last block that can't be replaced, as the chain says it, else by depth.
    pub(super) async fn finalized(&self, head: BlockRef, depth: u64) -> Result<u64, FetchError> {
        let by_depth = head.number.saturating_sub(depth);
        match self.provider.get_block_by_number(BlockNumberOrTag::Finalized).await {
            Ok(Some(block)) => Ok(block.header.number.min(head.number)),
            // Chains without finality refuse the tag, or answer nothing.
            Ok(None) | Err(RpcError::ErrorResp(_)) => Ok(by_depth),
            Err(error) => Err(error.into()),
        }
    }

    /// The block at a height; `None` if the endpoint does not know it (yet).
    pub(super) async fn block(&self, number: u64) -> Result<Option<BlockRef>, FetchError> {
        let block = self.provider.get_block_by_number(number.into()).await?;
        Ok(block.as_ref().map(BlockRef::from))
    }

    /// The events of one block, asked for by its hash; `None` if the endpoint does not know the block (any more).
    pub(super) async fn events_of(&self, block: BlockRef) -> Result<Option<Vec<LocatedEvent>>, FetchError> {
        let filter = Filter::new().address(self.addresses.clone()).at_block_hash(block.hash);
        match self.provider.get_logs(&filter).await {
            Ok(logs) => Ok(logs.into_iter().map(|log| self.locate(log, block)).collect()),
            Err(RpcError::ErrorResp(error)) => {
                tracing::debug!(block = block.number, %error, "no logs for a block yet");
                Ok(None)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// The events of final blocks; `None` if the endpoint refuses so many.
    pub(super) async fn range(&self, from: u64, to: u64) -> Result<Option<Vec<LocatedEvent>>, FetchError> {
        let filter = Filter::new().address(self.addresses.clone()).from_block(from).to_block(to);
        let logs = match self.provider.get_logs(&filter).await {
            Ok(logs) => logs,
            Err(RpcError::ErrorResp(error)) => {
                tracing::debug!(from, to, %error, "no logs for a range");
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        };
        let numbers: BTreeSet<u64> = logs.iter().filter_map(|log| log.block_number).collect();
        let headers: BTreeMap<u64, BlockRef> = stream::iter(numbers)
            .map(|number| async move { self.block(number).await.map(|block| block.map(|block| (number, block))) })
            .buffered(CONCURRENT_HEADERS)
            .try_filter_map(|header| async move { Ok(header) })
            .try_collect()
            .await?;
        let located: Option<Vec<_>> = logs
            .into_iter()
            .map(|log| {
                let block = *headers.get(&log.block_number?)?;
                self.locate(log, block)
            })
            .collect();
        match located {
            Some(events) => Ok(Some(events)),
            // Logs and headers from two views of the chain: neither is to be believed.
            None => Err(TransportErrorKind::custom_str("the endpoint's logs and headers do not match").into()),
        }
    }

    /// `None` if the log is not of that block.
    fn locate(&self, log: Log, block: BlockRef) -> Option<LocatedEvent> {
        if log.block_hash != Some(block.hash) || log.removed {
            return None;
        }
        let address = log.address();
        let event = self.deployment.contract_at(address).and_then(|contract| Event::decode(contract, log.data()));
        Some(LocatedEvent {
            block,
            tx_hash: log.transaction_hash?,
            tx_index: log.transaction_index?,
            log_index: log.log_index?,
            address,
            event,
            raw: log.inner.data,
        })
    }
}
