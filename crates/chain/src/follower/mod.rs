//! One reorg-aware stream of the suite's events: history, live, retractions.
//!
//! What is final is read by ranges. What is not is read block by block, by hash, and kept in a journal. When the chain
//! shows another block at a height of the journal, it is followed down by its parents' hashes to a block of the journal,
//! and everything above that is retracted. An endpoint that lags, restarts or does not know a block yet is waited for: to
//! know less is not a reorg.

mod error;
mod fetch;
mod journal;
mod range;
mod update;

use std::{
    collections::VecDeque,
    sync::Arc,
    time::{Duration, Instant},
};

use aiigo_protocol::Deployment;
use alloy::{providers::DynProvider, transports::TransportError};
use futures::future::join_all;

pub use self::{
    error::FollowError,
    update::{LocatedEvent, Update},
};
use self::{
    fetch::{Fetch, Range},
    journal::Journal,
    range::RangeSize,
};
use crate::BlockRef;

/// Ranges of the history asked for at once.
const CONCURRENT_RANGES: u64 = 4;
/// Blocks below the head at which a follower that had caught up still keeps up: several may come between two looks.
const KEEPS_UP: u64 = 2;
/// The longest pause after failures.
const LONGEST_PAUSE: Duration = Duration::from_secs(8);

/// How a chain is followed.
#[derive(Clone, Debug)]
pub struct FollowerConfig {
    /// Pause between two looks at the head.
    pub poll_interval: Duration,
    /// The most blocks asked for in one range of the history; fewer when an endpoint refuses, or they are full of events.
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
    /// The deployment's first block.
    start: u64,
    journal: Journal,
    /// Whether the journal was found on the chain since the start.
    validated: bool,
    head: Option<(BlockRef, Instant)>,
    finalized: u64,
    range: RangeSize,
    /// Read, not yet told.
    ready: VecDeque<Update>,
    live: bool,
    /// Whether it was said that the endpoint is behind.
    lag_told: bool,
    failures: u32,
}

/// What a look at the chain came to.
enum Step {
    /// There is something to tell.
    Ready,
    /// Nothing new: look again after the poll interval.
    Wait,
    /// The endpoint knows less than it did, or than another: look again after the poll interval.
    Behind,
    /// Look again at once.
    Again,
}

enum Stop {
    Fatal(FollowError),
    Transport(TransportError),
}

impl From<TransportError> for Stop {
    fn from(error: TransportError) -> Self {
        Self::Transport(error)
    }
}

impl Follower {
    /// Starts where `journal` ends: the blocks that the caller has applied, oldest first, as far down as it can retract
    /// them. They are compared with the chain before anything else. Empty: from the deployment's first block.
    pub fn new(
        provider: DynProvider,
        deployment: Arc<Deployment>,
        config: FollowerConfig,
        journal: Vec<BlockRef>,
    ) -> Self {
        Self {
            start: deployment.block,
            range: RangeSize::new(config.max_range),
            fetch: Fetch::new(provider, deployment),
            config,
            journal: Journal::new(journal),
            validated: false,
            head: None,
            finalized: 0,
            ready: VecDeque::new(),
            live: false,
            lag_told: false,
            failures: 0,
        }
    }

    /// Waits for the next change. Transport failures are waited out. Dropping the future loses nothing.
    ///
    /// # Errors
    /// Only what waiting can't mend: the chain was replaced below everything that is known of it.
    pub async fn next(&mut self) -> Result<Update, FollowError> {
        loop {
            if let Some(update) = self.ready.pop_front() {
                return Ok(update);
            }
            let step = match self.step().await {
                Ok(step) => step,
                Err(Stop::Fatal(error)) => return Err(error),
                Err(Stop::Transport(error)) => {
                    self.pause_after(&error).await;
                    continue;
                }
            };
            self.failures = 0;
            match step {
                Step::Ready => self.lag_told = false,
                Step::Again => {}
                Step::Wait => tokio::time::sleep(self.config.poll_interval).await,
                Step::Behind => {
                    if !self.lag_told {
                        let tip = self.journal.tip().map(|tip| tip.number);
                        tracing::warn!(
                            ?tip,
                            "the RPC endpoint is behind what it or another showed before: waiting for it"
                        );
                        self.lag_told = true;
                    }
                    tokio::time::sleep(self.config.poll_interval).await;
                }
            }
        }
    }

    async fn pause_after(&mut self, error: &TransportError) {
        let pause = (self.config.poll_interval * 2_u32.saturating_pow(self.failures)).min(LONGEST_PAUSE);
        self.failures = self.failures.saturating_add(1);
        metrics::counter!("aiigo_follower_failures_total").increment(1);
        tracing::warn!(%error, tip = ?self.journal.tip().map(|tip| tip.number), ?pause, "cannot read the chain, trying again");
        tokio::time::sleep(pause).await;
    }

    async fn step(&mut self) -> Result<Step, Stop> {
        let head = self.look().await?;
        let Some(tip) = self.journal.tip() else { return self.begin().await };
        if !self.validated {
            match self.fetch.block(tip.number).await? {
                Some(block) if block.hash == tip.hash => self.validated = true,
                Some(block) => return self.reorganise(block).await,
                // Below the tip the head can still show a reorg; else more must come.
                None if head.number < tip.number => {}
                None => return Ok(Step::Behind),
            }
        }
        match self.journal.at(head.number) {
            Some(known) if known.hash != head.hash => self.reorganise(head).await,
            _ if head.number < tip.number => Ok(Step::Behind),
            Some(_) if self.live => Ok(Step::Wait),
            Some(_) => {
                self.push(tip, tip.number + 1, Vec::new(), head);
                Ok(Step::Ready)
            }
            None if tip.number < self.finalized && self.range.get() > 1 && !self.keeps_up(tip, head) => {
                self.history(tip, head).await
            }
            None => self.block(tip, head).await,
        }
    }

    /// Whether the head is so near that blocks are told one by one, final or not.
    fn keeps_up(&self, tip: BlockRef, head: BlockRef) -> bool {
        self.live && head.number <= tip.number + KEEPS_UP
    }

    /// The chain's head; asked for again when it was reached, or is old.
    async fn look(&mut self) -> Result<BlockRef, Stop> {
        if let Some((head, at)) = self.head
            && self.validated
            && at.elapsed() < self.config.poll_interval
            && self.journal.tip().is_some_and(|tip| tip.number < head.number)
        {
            return Ok(head);
        }
        let head = self.fetch.head().await?;
        if self.head.is_none_or(|(known, _)| known.hash != head.hash) {
            let finalized = self.fetch.finalized(head.number, self.config.finality_depth).await?;
            self.finalized = self.finalized.max(finalized);
            set_gauge("aiigo_follower_head", head.number);
            set_gauge("aiigo_follower_finalized", self.finalized);
        }
        self.head = Some((head, Instant::now()));
        Ok(head)
    }

    /// The block below the deployment is the first of the journal, so that even its first block can be retracted.
    async fn begin(&mut self) -> Result<Step, Stop> {
        let Some(below) = self.fetch.block(self.start.saturating_sub(1)).await? else { return Ok(Step::Behind) };
        if self.start == 0 {
            let events = self.fetch.events_of(below).await?;
            let (Some(events), Some((head, _))) = (events, self.head) else { return Ok(Step::Behind) };
            self.apply(below, 0, events, head);
        } else {
            self.journal.push(below);
        }
        self.validated = true;
        Ok(Step::Again)
    }

    /// `seen` is canonical, and at most one above the journal's tip, but does not fit. Follows it down.
    async fn reorganise(&mut self, seen: BlockRef) -> Result<Step, Stop> {
        let mut low = seen;
        let ancestor = loop {
            let known = low.number.checked_sub(1).and_then(|below| self.journal.at(below));
            match known {
                Some(known) if known.hash == low.parent_hash => break known,
                Some(_) => match self.fetch.block_of(low.parent_hash).await? {
                    Some(parent) if parent.number + 1 == low.number => low = parent,
                    // Not linked, as far as the endpoint knows: no proof.
                    _ => return Ok(Step::Behind),
                },
                None => {
                    let oldest = self.journal.oldest().map_or(self.start, |block| block.number);
                    return Err(Stop::Fatal(FollowError::TooDeep { oldest }));
                }
            }
        };
        let depth = self.journal.tip().map_or(0, |tip| tip.number - ancestor.number);
        if depth > 0 {
            tracing::warn!(to = ancestor.number, depth, "the chain was reorganised");
            metrics::counter!("aiigo_follower_reorgs_total").increment(1);
            self.journal.cut_above(ancestor.number);
            self.ready.push_back(Update::Retracted { to: ancestor });
        }
        self.validated = true;
        self.head = None;
        Ok(if depth > 0 { Step::Ready } else { Step::Again })
    }

    /// Ranges of final blocks above `tip`.
    async fn history(&mut self, tip: BlockRef, head: BlockRef) -> Result<Step, Stop> {
        let Some(first) = self.fetch.block(tip.number + 1).await? else { return Ok(Step::Behind) };
        if first.parent_hash != tip.hash {
            return self.reorganise(first).await;
        }
        let size = self.range.get();
        let starts = (0..CONCURRENT_RANGES).map(|range| first.number + range * size);
        let ranges: Vec<_> = starts
            .take_while(|from| *from <= self.finalized)
            .map(|from| (from, (from + size - 1).min(self.finalized)))
            .collect();
        let answers = join_all(ranges.iter().map(|(from, to)| self.fetch.range(*from, *to))).await;
        // Those before the first failure are good; the others are asked for again.
        for ((from, _), answer) in ranges.into_iter().zip(answers) {
            match answer {
                Ok(Range::Events(events, last)) => {
                    self.range.accepted(last.number + 1 - from, events.len());
                    self.apply(last, from, events, head);
                }
                Ok(Range::Refused) => {
                    self.range.refused();
                    return Ok(Step::Again);
                }
                Ok(Range::Unknown) => return Ok(Step::Behind),
                Err(error) => {
                    // It may be the size of the answer that fails.
                    self.range.refused();
                    return Err(error.into());
                }
            }
        }
        Ok(Step::Ready)
    }

    /// The block above `tip`, which may still be replaced.
    async fn block(&mut self, tip: BlockRef, head: BlockRef) -> Result<Step, Stop> {
        let next = if head.parent_hash == tip.hash { Some(head) } else { self.fetch.block(tip.number + 1).await? };
        let Some(block) = next else { return Ok(Step::Behind) };
        if block.parent_hash != tip.hash {
            return self.reorganise(block).await;
        }
        let Some(events) = self.fetch.events_of(block).await? else {
            self.head = None;
            return Ok(Step::Behind);
        };
        self.range.accepted(1, events.len());
        self.apply(block, block.number, events, head);
        Ok(Step::Ready)
    }

    fn apply(&mut self, block: BlockRef, from: u64, events: Vec<LocatedEvent>, head: BlockRef) {
        self.journal.push(block);
        self.journal.forget_below(self.finalized);
        set_gauge("aiigo_follower_block", block.number);
        metrics::counter!("aiigo_follower_events_total").increment(events.len() as u64);
        self.push(block, from, events, head);
    }

    fn push(&mut self, block: BlockRef, from: u64, events: Vec<LocatedEvent>, head: BlockRef) {
        let lag = head.number.saturating_sub(block.number);
        self.live = lag == 0 || (self.live && lag <= KEEPS_UP);
        let (finalized, live) = (self.finalized, self.live);
        self.ready.push_back(Update::Applied { block, from, events, head, finalized, live });
    }
}

#[allow(clippy::cast_precision_loss)] // block numbers are far below 2^52
fn set_gauge(name: &'static str, number: u64) {
    metrics::gauge!(name).set(number as f64);
}
