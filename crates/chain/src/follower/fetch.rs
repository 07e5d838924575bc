//! The questions that a follower asks. What belongs together is asked in one batch, so that one endpoint answers all of
//! it: logs alone would be empty, and not an error, from an endpoint that has not come that far.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use aiigo_protocol::{Deployment, Event};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256},
    providers::{DynProvider, Provider},
    rpc::{
        client::BatchRequest,
        types::{Block, Filter, Log},
    },
    transports::{RpcError, TransportError, TransportErrorKind},
};
use futures::{StreamExt, TryStreamExt, stream};

use super::update::LocatedEvent;
use crate::{BlockRef, finality};

/// Headers asked for in one batch.
const HEADERS_IN_A_BATCH: usize = 50;
/// Such batches on their way at once.
const CONCURRENT_BATCHES: usize = 4;

#[derive(Debug)]
pub(super) struct Fetch {
    provider: DynProvider,
    deployment: Arc<Deployment>,
    addresses: Vec<Address>,
}

/// Logs of final blocks.
pub(super) enum Range {
    /// All of them, with the last block.
    Events(Vec<LocatedEvent>, BlockRef),
    /// The endpoint does not know the last block yet.
    Unknown,
    /// The endpoint wants to be asked for less.
    Refused,
}

impl Fetch {
    pub(super) fn new(provider: DynProvider, deployment: Arc<Deployment>) -> Self {
        let addresses = deployment.addresses();
        Self { provider, deployment, addresses }
    }

    pub(super) async fn head(&self) -> Result<BlockRef, TransportError> {
        let head = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await?;
        head.as_ref().map(BlockRef::from).ok_or_else(|| malformed("the endpoint names no latest block"))
    }

    pub(super) async fn finalized(&self, head: u64, depth: u64) -> Result<u64, TransportError> {
        finality::finalized(&self.provider, head, depth).await
    }

    /// The block at a height; `None` if the endpoint does not know it (yet).
    pub(super) async fn block(&self, number: u64) -> Result<Option<BlockRef>, TransportError> {
        let block = self.provider.get_block_by_number(number.into()).await?;
        Ok(block.as_ref().map(BlockRef::from))
    }

    /// A block by its hash, canonical or not; `None` if the endpoint does not know it (any more).
    pub(super) async fn block_of(&self, hash: B256) -> Result<Option<BlockRef>, TransportError> {
        let block = self.provider.get_block_by_hash(hash).await?;
        Ok(block.as_ref().map(BlockRef::from))
    }

    /// The events of one block, asked for by its hash; `None` if the endpoint does not know the block (any more).
    pub(super) async fn events_of(&self, block: BlockRef) -> Result<Option<Vec<LocatedEvent>>, TransportError> {
        let filter = Filter::new().address(self.addresses.clone()).at_block_hash(block.hash);
        let mut batch = BatchRequest::new(self.provider.client());
        let known = batch.add_call::<_, Option<Block>>("eth_getBlockByHash", &(block.hash, false))?;
        let logs = batch.add_call::<_, Vec<Log>>("eth_getLogs", &(filter,))?;
        batch.send().await?;
        if known.await?.is_none() {
            return Ok(None);
        }
        let logs = match logs.await {
            Ok(logs) => logs,
            Err(RpcError::ErrorResp(error)) => {
                tracing::debug!(block = block.number, %error, "no logs for a block yet");
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        self.locate(logs, |_, _| Some(block)).map(Some)
    }

    /// The events of the final blocks `from..=to`.
    pub(super) async fn range(&self, from: u64, to: u64) -> Result<Range, TransportError> {
        let filter = Filter::new().address(self.addresses.clone()).from_block(from).to_block(to);
        let mut batch = BatchRequest::new(self.provider.client());
        let last = batch.add_call::<_, Option<Block>>("eth_getBlockByNumber", &(BlockNumberOrTag::from(to), false))?;
        let logs = batch.add_call::<_, Vec<Log>>("eth_getLogs", &(filter,))?;
        batch.send().await?;
        let Some(last) = last.await? else { return Ok(Range::Unknown) };
        let logs = match logs.await {
            Ok(logs) => logs,
            Err(RpcError::ErrorResp(error)) => {
                tracing::debug!(from, to, %error, "no logs for a range");
                return Ok(Range::Refused);
            }
            Err(error) => return Err(error),
        };
        if logs.iter().any(|log| log.block_number.is_none_or(|number| !(from..=to).contains(&number))) {
            return Err(malformed("the endpoint gave logs of other blocks than it was asked for"));
        }
        let untimed = logs.iter().filter(|log| log.block_timestamp.is_none());
        let times = self.times(untimed.filter_map(|log| log.block_number).collect()).await?;
        let events = self.locate(logs, |log, number| {
            let (hash, timestamp) = match (log.block_hash?, log.block_timestamp) {
                (hash, Some(timestamp)) => (hash, timestamp),
                // Logs and headers of two views of the chain: neither is to be believed.
                (hash, None) => times.get(&number).filter(|(known, _)| *known == hash).copied()?,
            };
            Some(BlockRef { number, hash, parent_hash: B256::ZERO, timestamp })
        })?;
        Ok(Range::Events(events, BlockRef::from(&last)))
    }

    /// Hash and time of blocks, for endpoints that don't tell the time in logs.
    async fn times(&self, numbers: BTreeSet<u64>) -> Result<BTreeMap<u64, (B256, u64)>, TransportError> {
        let numbers: Vec<u64> = numbers.into_iter().collect();
        let batches = stream::iter(numbers.chunks(HEADERS_IN_A_BATCH).map(<[u64]>::to_vec)).map(|numbers| async {
            let mut batch = BatchRequest::new(self.provider.client());
            let asked = numbers.into_iter().map(|number| {
                let params = (BlockNumberOrTag::from(number), false);
                batch.add_call::<_, Option<Block>>("eth_getBlockByNumber", &params)
            });
            let asked = asked.collect::<Result<Vec<_>, _>>()?;
            batch.send().await?;
            futures::future::try_join_all(asked).await
        });
        let blocks: Vec<Vec<Option<Block>>> = batches.buffered(CONCURRENT_BATCHES).try_collect().await?;
        let headers = blocks.into_iter().flatten().flatten().map(|block| block.header);
        Ok(headers.map(|header| (header.number, (header.hash, header.timestamp))).collect())
    }

    /// Decodes logs and puts them in order. `block` says where a log stands, if that can be believed.
    fn locate(
        &self,
        logs: Vec<Log>,
        block: impl Fn(&Log, u64) -> Option<BlockRef>,
    ) -> Result<Vec<LocatedEvent>, TransportError> {
        let located = logs.into_iter().map(|log| {
            let at = block(&log, log.block_number?)?;
            if log.block_hash != Some(at.hash) || log.removed {
                return None;
            }
            let address = log.address();
            let event = self.deployment.contract_at(address).and_then(|contract| Event::decode(contract, log.data()));
            Some(LocatedEvent {
                block: at,
                tx_hash: log.transaction_hash?,
                tx_index: log.transaction_index?,
                log_index: log.log_index?,
                address,
                event,
                raw: log.inner.data,
            })
        });
        let mut events: Vec<_> =
            located.collect::<Option<_>>().ok_or_else(|| malformed("the endpoint's logs and blocks do not match"))?;
        let position = |event: &LocatedEvent| (event.block.number, event.log_index);
        events.sort_by_key(position);
        if events.windows(2).any(|pair| position(&pair[0]) == position(&pair[1])) {
            return Err(malformed("the endpoint gave a log twice"));
        }
        Ok(events)
    }
}

fn malformed(text: &str) -> TransportError {
    TransportErrorKind::custom_str(text)
}
