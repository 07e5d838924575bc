//! A task's history, from the events of the chain itself.

use aiigo_chain::search_back;
use aiigo_protocol::{
    ContractName, Event, TaskId,
    TaskMarketplace::{self, TaskMarketplaceEvents},
};
use alloy::{
    primitives::{B256, U256},
    providers::Provider,
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use serde::Serialize;

use crate::{Chain, CliError, chain::Head, error::Context, format};

/// Blocks that are read again at each look, because a reorg may have changed them.
const REREAD: u64 = 64;

/// Something that happened to a task.
#[derive(Clone, Debug)]
pub struct TaskEvent {
    /// What happened.
    pub event: TaskMarketplaceEvents,
    /// The transaction that did it.
    pub tx_hash: B256,
    /// Block number.
    pub block: u64,
    /// Block hash.
    pub block_hash: B256,
    /// The block's time, unix seconds.
    pub timestamp: u64,
    /// Position of the event in the block.
    pub log_index: u64,
}

/// One row of the timeline in the JSON documents.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Moment {
    /// What happened, in the indexer's words.
    pub kind: &'static str,
    /// The transaction.
    pub tx_hash: B256,
    /// Block number.
    pub block: u64,
    /// Unix seconds.
    pub timestamp: u64,
    /// The node concerned.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node_id: Option<u64>,
}

impl TaskEvent {
    /// The event as a row of the timeline.
    pub fn moment(&self) -> Moment {
        Moment {
            kind: self.kind(),
            tx_hash: self.tx_hash,
            block: self.block,
            timestamp: self.timestamp,
            node_id: self.node_id(),
        }
    }

    fn kind(&self) -> &'static str {
        use TaskMarketplaceEvents as E;
        match &self.event {
            E::TaskCreated(_) => "Created",
            E::TaskAccepted(_) => "Accepted",
            E::ResultSubmitted(_) => "ResultSubmitted",
            E::TaskVerified(_) => "Verified",
            E::TaskTimedOut(_) => "TimedOut",
            E::TaskAbandoned(_) => "Abandoned",
            E::TaskReopened(_) => "Reopened",
            E::TaskCancelled(_) => "Cancelled",
            E::TaskExpired(_) => "Expired",
            E::TaskDisputed(_) => "Disputed",
            E::TaskResolved(_) => "Resolved",
            _ => "Other",
        }
    }

    fn node_id(&self) -> Option<u64> {
        use TaskMarketplaceEvents as E;
        match &self.event {
            E::TaskAccepted(e) => Some(e.nodeId),
            E::ResultSubmitted(e) => Some(e.nodeId),
            E::TaskVerified(e) => Some(e.nodeId),
            E::TaskTimedOut(e) => Some(e.nodeId),
            E::TaskAbandoned(e) => Some(e.nodeId),
            E::TaskDisputed(e) => Some(e.nodeId),
            E::TaskResolved(e) => Some(e.nodeId),
            _ => None,
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        (self.block_hash, self.log_index) == (other.block_hash, other.log_index)
    }
}

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

    /// How it was created.
    pub fn created(&self) -> Option<&TaskMarketplace::TaskCreated> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskCreated(created) => Some(created),
            _ => None,
        })
    }

    /// Its result.
    pub fn result(&self) -> Option<&TaskMarketplace::ResultSubmitted> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::ResultSubmitted(result) => Some(result),
            _ => None,
        })
    }

    /// How it was paid.
    pub fn verified(&self) -> Option<&TaskMarketplace::TaskVerified> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskVerified(verified) => Some(verified),
            _ => None,
        })
    }

    /// The escrow that went back to the buyer without a result, smallest units of the payment token.
    pub fn refunded(&self) -> Option<U256> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskCancelled(cancelled) => Some(&cancelled.refund),
            TaskMarketplaceEvents::TaskExpired(expired) => Some(&expired.refund),
            _ => None,
        })
        .copied()
    }

    /// The deposit for time-outs, less what they took: it returns to the buyer with the end of the task. Smallest units of
    /// the payment token.
    pub fn unspent_tips(&self) -> U256 {
        let spent = self.events.iter().filter_map(|event| match &event.event {
            TaskMarketplaceEvents::TaskTimedOut(late) => Some(late.tip),
            _ => None,
        });
        let deposit = self.created().map_or(U256::ZERO, |created| created.tipDeposit);
        deposit.saturating_sub(spent.sum())
    }

    /// Until when the node that has it should deliver, unix seconds.
    pub fn deadline(&self) -> Option<u64> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskAccepted(accepted) => Some(accepted),
            _ => None,
        })
        .map(|accepted| accepted.deadline.to())
    }

    fn latest<'a, T>(&'a self, pick: impl Fn(&'a TaskMarketplaceEvents) -> Option<&'a T>) -> Option<&'a T> {
        self.events.iter().rev().find_map(|event| pick(&event.event))
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

/// An event in one line.
pub(crate) fn describe(event: &TaskEvent) -> String {
    use TaskMarketplaceEvents as E;
    match &event.event {
        E::TaskCreated(e) => {
            let escrow = format::payment(e.request.paymentToken, e.escrow.to());
            format!("created, {escrow} in escrow, open until {}", format::date(e.acceptBy.to()))
        }
        E::TaskAccepted(e) => {
            format!("node {} accepted, to deliver by {}", e.nodeId, format::date(e.deadline.to()))
        }
        E::ResultSubmitted(e) => format!("node {} delivered, result {}", e.nodeId, e.resultHash),
        E::TaskVerified(e) => format!("approved, node {} paid", e.nodeId),
        E::TaskTimedOut(e) => format!("node {} was late and slashed", e.nodeId),
        E::TaskAbandoned(e) => format!("node {} gave the task back", e.nodeId),
        E::TaskReopened(e) => format!("open again until {}", format::date(e.acceptBy.to())),
        E::TaskCancelled(_) => "cancelled, escrow refunded".into(),
        E::TaskExpired(_) => "expired, escrow refunded".into(),
        E::TaskDisputed(e) => format!("disputed, case {}", e.caseId),
        E::TaskResolved(e) if e.ruled => format!("ruled: {}% to node {}", f64::from(e.share) / 100.0, e.nodeId),
        E::TaskResolved(_) => "no jury ruled: split evenly".into(),
        _ => "an event that this program does not know".into(),
    }
}
