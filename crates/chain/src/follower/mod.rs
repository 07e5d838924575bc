//! One reorg-aware stream of the suite's events: history, live, retractions.
//!
//! What is final is read by ranges. What is not is read block by block, by hash, and kept in a journal: when the chain
//! shows another block at a height of the journal, everything above the last common block is retracted. An endpoint that
//! lags, restarts or does not know a block yet is waited for; only a *different* block, linked to a known one, is a
//! reorg.

mod error;
mod fetch;
mod update;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use aiigo_protocol::Deployment;
use alloy::providers::DynProvider;

use self::{error::FetchError, fetch::Fetch};
pub use self::{
    error::FollowError,
    update::{LocatedEvent, Update},
};
use crate::BlockRef;

/// How a chain is followed.
#[derive(Clone, Debug)]
pub struct FollowerConfig {
    /// Pause between two looks at the head.
    pub poll_interval: Duration,
    /// The most blocks asked for in one range of the history; shrinks when an endpoint refuses, and grows back.
    pub max_range: u64,
    /// Blocks below the head that can still be replaced, for a chain that names no finalized block.
    pub finality_depth: u64,
}

impl Default for FollowerConfig {
    fn default() -> Self {
        Self { poll_interval: Duration::from_millis(500), max_range: 10_000, finality_depth: 64 }
    }
}

/// Follows the contracts of a deployment.
#[derive(Debug)]
pub struct Follower {
    fetch: Fetch,
    config: FollowerConfig,
    /// What was applied and could be retracted, oldest first; the oldest may be final: the anchor.
    journal: VecDeque<BlockRef>,
    /// The next block to apply.
    next: u64,
    /// Blocks asked for in one range.
    range: u64,
    failures: u32,
}

/// What a look at the chain came to.
enum Step {
    Update(Update),
    /// Nothing new: look again after the poll interval.
    Wait,
    /// The view changed under our hands: look again at once.
    Again,
}

impl Follower {
    /// Starts where `journal` ends: the blocks that the caller has applied, oldest first, as far down as they could still
    /// be retracted. They are compared with the chain before anything else. Empty: from the deployment's first block.
    pub fn new(
        provider: DynProvider,
        deployment: Arc<Deployment>,
        config: FollowerConfig,
        journal: Vec<BlockRef>,
    ) -> Self {
        let next = journal.last().map_or(deployment.block, |block| block.number + 1);
        Self {
            range: config.max_range.max(1),
            fetch: Fetch::new(provider, deployment),
            config,
            journal: journal.into(),
            next,
            failures: 0,
        }
    }

    /// Waits for the next change. Transport failures are waited out. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Only what waiting can't mend: the chain was replaced below everything that is known of it.
    pub async fn next(&mut self) -> Result<Update, FollowError> {
        loop {
            match self.step().await {
                Ok(Step::Update(update)) => {
                    self.failures = 0;
                    return Ok(update);
                }
                Ok(Step::Again) => self.failures = 0,
                Ok(Step::Wait) => {
                    self.failures = 0;
                    tokio::time::sleep(self.config.poll_interval).await;
                }
                Err(FetchError::Fatal(error)) => return Err(error),
                Err(FetchError::Transport(error)) => {
                    let pause = Duration::from_millis(250 << self.failures.min(5));
                    self.failures = self.failures.saturating_add(1);
                    metrics::counter!("aiigo_follower_failures_total").increment(1);
                    tracing::warn!(%error, next = self.next, ?pause, "cannot read the chain, trying again");
                    tokio::time::sleep(pause).await;
                }
            }
        }
    }

    async fn step(&mut self) -> Result<Step, FetchError> {
        let head = self.fetch.head().await?;
        if let Some(step) = self.compare(head).await? {
            return Ok(step);
        }
        if self.next > head.number {
            return Ok(Step::Wait);
        }
        let finalized = self.fetch.finalized(head, self.config.finality_depth).await?;
        if self.next <= finalized { self.history(head, finalized).await } else { self.block(head, finalized).await }
    }

    /// Compares the journal with the chain. `None`: they agree.
    async fn compare(&mut self, head: BlockRef) -> Result<Option<Step>, FetchError> {
        let Some(tip) = self.journal.back().copied() else { return Ok(None) };
        // The highest block of the journal that this view of the chain can speak of.
        let seen = tip.number.min(head.number);
        let Some(known) = self.journal.iter().rev().find(|block| block.number <= seen).copied() else {
            // The head is below the whole journal: an endpoint that starts from nothing.
            return Ok(Some(Step::Wait));
        };
        match self.fetch.block(known.number).await? {
            None => Ok(Some(Step::Wait)),
            Some(block) if block.hash == known.hash => {
                // The same chain, seen less far: an endpoint that lags.
                Ok((head.number < tip.number).then_some(Step::Wait))
            }
            Some(_) => self.retract().await.map(Some),
        }
    }

    /// Finds the last block that journal and chain share.
    async fn retract(&mut self) -> Result<Step, FetchError> {
        for (position, known) in self.journal.iter().copied().enumerate().rev() {
            match self.fetch.block(known.number).await? {
                Some(block) if block.hash == known.hash => {
                    let linked = self.fetch.block(known.number + 1).await?;
                    if !linked.is_some_and(|block| block.parent_hash == known.hash) {
                        // Two endpoints that disagree, or a chain in motion: no proof of a reorg.
                        return Ok(Step::Wait);
                    }
                    let depth = self.next - 1 - known.number;
                    tracing::warn!(to = known.number, depth, "the chain was reorganised");
                    metrics::counter!("aiigo_follower_reorgs_total").increment(1);
                    self.journal.truncate(position + 1);
                    self.next = known.number + 1;
                    return Ok(Step::Update(Update::Retracted { to: known }));
                }
                Some(_) => {}
                None => return Ok(Step::Wait),
            }
        }
        let oldest = self.journal.front().map_or(0, |block| block.number);
        Err(FetchError::Fatal(FollowError::TooDeep { oldest }))
    }

    /// A range of final blocks.
    async fn history(&mut self, head: BlockRef, finalized: u64) -> Result<Step, FetchError> {
        let (from, to) = (self.next, finalized.min(self.next.saturating_add(self.range - 1)));
        let events = match self.fetch.range(from, to).await? {
            Some(events) => events,
            None if to > from => {
                self.range = ((to - from + 1) / 2).max(1);
                tracing::debug!(range = self.range, "the endpoint refused a range, asking for less");
                return Ok(Step::Again);
            }
            None => return Err(FetchError::refused(from)),
        };
        let Some(block) = self.fetch.block(to).await? else { return Ok(Step::Wait) };
        self.range = self.range.saturating_mul(2).clamp(1, self.config.max_range.max(1));
        // All of it is final: one anchor is enough.
        self.journal.clear();
        self.advance(block, finalized);
        Ok(Step::Update(Update::Applied { block, from, events, head, finalized, live: to == head.number }))
    }

    /// One block that may still be replaced.
    async fn block(&mut self, head: BlockRef, finalized: u64) -> Result<Step, FetchError> {
        let Some(block) = self.fetch.block(self.next).await? else { return Ok(Step::Wait) };
        if self.journal.back().is_some_and(|tip| tip.hash != block.parent_hash) {
            return Ok(Step::Again);
        }
        let Some(events) = self.fetch.events_of(block).await? else { return Ok(Step::Wait) };
        let from = self.next;
        self.advance(block, finalized);
        Ok(Step::Update(Update::Applied { block, from, events, head, finalized, live: block.number == head.number }))
    }

    fn advance(&mut self, block: BlockRef, finalized: u64) {
        self.journal.push_back(block);
        self.next = block.number + 1;
        while self.journal.get(1).is_some_and(|second| second.number <= finalized) {
            self.journal.pop_front();
        }
        metrics::gauge!("aiigo_follower_block").set(block.number as f64);
    }
}
