//! A task's history, from the events of the chain itself.

mod event;
mod outcome;

use aiigo_chain::search_back;
use aiigo_protocol::{
    ContractName, Event, TaskId,
    TaskMarketplace::{self, TaskMarketplaceEvents},
};
use alloy::{
    primitives::B256,
    providers::Provider,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};

pub use self::{
    event::{Moment, TaskEvent},
    outcome::{Payment, TaskResult},
};
use crate::{Chain, CliError, chain::Head, error::Context};

/// Blocks that are read again at each look, because a reorg may have changed them.
const REREAD: u64 = 64;

/// What a look at the chain showed.
#[derive(Debug, Default)]
pub struct Change {
    /// What happened since the last look.
    pub added: Vec<TaskEvent>,
    /// What a reorg took back.
    pub undone: Vec<TaskEvent>,
}

/// A task's history, kept up to date by [`Timeline::refresh`].
#[derive(Debug)]
pub struct Timeline {
    chain: Chain,
    id: TaskId,
    events: Vec<TaskEvent>,
    /// The newest block of the last look.
    seen: Option<u64>,
}

impl Timeline {
    /// The history of a task, nothing of it read yet.
    pub fn new(chain: Chain, id: TaskId) -> Self {
        Self { chain, id, events: Vec::new(), seen: None }
    }

    /// The chain that it is on.
    pub fn chain(&self) -> &Chain {
        &self.chain
    }

    /// The task.
    pub fn task_id(&self) -> TaskId {
        self.id
    }

    /// Its events so far, oldest first.
    pub fn events(&self) -> &[TaskEvent] {
        &self.events
    }

    /// Its events as rows.
    pub fn moments(&self) -> Vec<Moment> {
        self.events.iter().map(TaskEvent::moment).collect()
    }

    /// Looks at the chain again.
    ///
    /// # Errors
    /// If the chain does not answer; what was seen before stays.
    pub async fn refresh(&mut self) -> Result<Change, CliError> {
        let head = self.chain.head().await?;
        let from = match self.seen {
            Some(seen) => seen.saturating_sub(REREAD).max(self.first_block()),
            None => self.first_block(),
        };
        let logs = self.read(from, head).await?;
        let mut fresh = Vec::with_capacity(logs.len());
        for log in &logs {
            fresh.extend(self.parse(log).await?);
        }
        let added: Vec<_> =
            fresh.iter().filter(|event| !self.events.iter().any(|old| old.is_same(event))).cloned().collect();
        let undone = self.undone(from, &fresh).await?;
        self.events.retain(|event| !undone.iter().any(|gone| gone.is_same(event)));
        self.events.extend(added.iter().cloned());
        self.events.sort_by_key(|event| (event.block, event.log_index));
        self.seen = Some(head.number);
        Ok(Change { added, undone })
    }

    fn first_block(&self) -> u64 {
        self.events.first().map_or(self.chain.deployment().block, |event| event.block.saturating_sub(REREAD))
    }

    async fn read(&self, from: u64, head: Head) -> Result<Vec<Log>, CliError> {
        let filter =
            Filter::new().address(self.chain.deployment().address(ContractName::TaskMarketplace)).topic1(self.id.0);
        let created = |log: &Log| log.topic0() == Some(&TaskMarketplace::TaskCreated::SIGNATURE_HASH);
        Ok(search_back(self.chain.provider(), &filter, from, head.number, |logs| logs.iter().any(created)).await?)
    }

    /// Events of the reread blocks that are not there any more. An endpoint that lags behind does not show them
    /// either, so only a block that was replaced counts.
    async fn undone(&self, from: u64, fresh: &[TaskEvent]) -> Result<Vec<TaskEvent>, CliError> {
        let mut undone = Vec::new();
        for event in self.events.iter().filter(|event| event.block >= from) {
            if fresh.iter().any(|seen| seen.is_same(event)) {
                continue;
            }
            let block = self.chain.provider().get_block_by_number(event.block.into()).await;
            let block = block.context(|| format!("reading block {}", event.block))?;
            if block.is_some_and(|block| block.header.hash != event.block_hash) {
                undone.push(event.clone());
            }
        }
        Ok(undone)
    }

    async fn parse(&self, log: &Log) -> Result<Option<TaskEvent>, CliError> {
        let (Some(tx_hash), Some(block), Some(block_hash), Some(log_index)) =
            (log.transaction_hash, log.block_number, log.block_hash, log.log_index)
        else {
            return Ok(None); // pending: not on the chain yet
        };
        // `AcceptCommitted` has a node where the others have the task; a newer contract may have more events.
        let Some(Event::TaskMarketplace(event)) = Event::decode(ContractName::TaskMarketplace, log.data()) else {
            return Ok(None);
        };
        if matches!(event, TaskMarketplaceEvents::AcceptCommitted(_)) {
            return Ok(None);
        }
        let timestamp = match log.block_timestamp {
            Some(timestamp) => timestamp,
            None => self.timestamp_of(block_hash).await?,
        };
        Ok(Some(TaskEvent { event, tx_hash, block, block_hash, timestamp, log_index }))
    }

    async fn timestamp_of(&self, block: B256) -> Result<u64, CliError> {
        let found =
            self.chain.provider().get_block_by_hash(block).await.context(|| format!("reading block {block}"))?;
        found.map(|block| block.header.timestamp).ok_or_else(|| CliError::Failed(format!("block {block} is gone")))
    }
}
