//! The loop that looks at the chain and moves every intent one step at a time.

use std::{
    collections::{HashMap, HashSet},
    time::{Duration, Instant},
};

use alloy::{
    consensus::BlockHeader,
    eips::BlockNumberOrTag,
    primitives::{B256, TxHash},
    providers::Provider,
    transports::{RpcError, TransportError},
};

use super::{
    Inner, OutboxError, Priority,
    fees::{Fees, affordable},
    now,
    state::{Attempt, Draft, Entry, State},
};
use crate::{finality, rpc::is_already_known};

/// Pause before an intent that could not be sent is tried again, in looks at what is under way.
const RETRY: u32 = 2;
/// The longest time between two looks for what can be forgotten.
const TIDY: Duration = Duration::from_secs(3600);
/// The longest pause while the chain does not answer.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What ends a step.
pub(super) enum Fault {
    /// The chain's endpoint failed: the next round may succeed.
    Chain(TransportError),
    /// The outbox can't go on.
    Outbox(OutboxError),
}

impl From<TransportError> for Fault {
    fn from(error: TransportError) -> Self {
        Self::Chain(error)
    }
}

impl From<OutboxError> for Fault {
    fn from(error: OutboxError) -> Self {
        Self::Outbox(error)
    }
}

/// The chain, as one round sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct View {
    pub(super) number: u64,
    pub(super) hash: B256,
    pub(super) parent: B256,
    pub(super) base_fee: Option<u128>,
    /// The number of the last block that can't be reorganised.
    pub(super) finalized: u64,
    /// Transactions of the account on the chain, which is the next nonce.
    pub(super) nonce: u64,
    /// Unix seconds.
    pub(super) now: u64,
}

/// Drives one outbox. What it keeps in memory only spares questions: a restart loses nothing.
pub(super) struct Driver<'o> {
    pub(super) inner: &'o Inner,
    /// When a transaction of an intent was last broadcast.
    broadcasts: HashMap<i64, Instant>,
    /// Until when an intent that could not be sent is left alone.
    resting: HashMap<i64, Instant>,
    /// Until when an intent is left out about which there was no good answer, and how often that was.
    avoided: HashMap<i64, (Instant, u32)>,
    /// Whether nobody took a transaction in this round: who waits for the next one waits long enough.
    mute: bool,
    /// The gas limit of an intent when it was tried last, and the head then.
    pub(super) gas_limits: HashMap<i64, (B256, u64)>,
    /// The last head that agreed with everything that is in blocks.
    pub(super) watched: B256,
    /// Whether the head of this round does.
    pub(super) agrees: bool,
    /// What came into a block since, as an endpoint that may have been behind told.
    pub(super) fresh: HashSet<i64>,
    /// What the chain asks for per gas as of a head.
    market: Option<(B256, Fees)>,
    /// The finalized block as of a head.
    finalized: Option<(B256, u64)>,
    /// Since when, and which head, a nonce of somebody else's is missing below ours.
    pub(super) gap: Option<(u64, Instant, u64)>,
    /// The lowest nonce that none of ours has.
    pub(super) free_nonce: u64,
    /// What is signed in this round for what was queued.
    pub(super) signed: Vec<i64>,
    /// When is looked again for what can be forgotten.
    tidy_at: Option<Instant>,
    /// How many wait for a block.
    pub(super) in_flight: usize,
    /// Whether a record changed in this round.
    moved: bool,
    /// Whether an intent of this round waits for money.
    pub(super) short_of_funds: bool,
}

impl<'o> Driver<'o> {
    pub(super) fn new(inner: &'o Inner) -> Self {
        Self {
            inner,
            broadcasts: HashMap::new(),
            resting: HashMap::new(),
            avoided: HashMap::new(),
            mute: false,
            gas_limits: HashMap::new(),
            watched: B256::ZERO,
            agrees: true,
            fresh: HashSet::new(),
            market: None,
            finalized: None,
            gap: None,
            free_nonce: 0,
            signed: Vec::new(),
            tidy_at: None,
            in_flight: 0,
            moved: false,
            short_of_funds: false,
        }
    }

    /// Works until the database fails.
    pub(super) async fn run(mut self) -> Result<(), OutboxError> {
        let mut failures = 0_u32;
        loop {
            let pause = match self.round().await {
                Ok(pause) => {
                    failures = 0;
                    pause
                }
                Err(Fault::Outbox(error)) => return Err(error),
                Err(Fault::Chain(error)) => {
                    // Something was done before it failed: a bad line, and no silence.
                    failures = if self.moved { 0 } else { failures };
                    let pause = self.backoff(failures);
                    failures = failures.saturating_add(1);
                    tracing::warn!(%error, ?pause, "the outbox cannot ask the chain, trying again");
                    pause
                }
            };
            tokio::select! {
                () = self.inner.submitted.notified() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One step for every intent that is under way. How long to wait until the next round, unless there is something new.
    async fn round(&mut self) -> Result<Duration, Fault> {
        self.inner.store.check().await?;
        self.tidy().await?;
        let entries = self.inner.store.active().await?;
        #[allow(clippy::cast_precision_loss)] // a handful
        metrics::gauge!("aiigo_outbox_unfinished").set(entries.len() as f64);
        if entries.is_empty() {
            return Ok(self.tidy_interval());
        }
        (self.moved, self.short_of_funds, self.agrees, self.mute) = (false, false, true, false);
        let view = self.look().await?;
        self.free_nonce = self.inner.store.free_nonce().await?.max(view.nonce);
        self.signed.clear();
        self.in_flight = entries.iter().filter(|entry| entry.state.open_nonce().is_some()).count();
        let (queued, sent): (Vec<_>, Vec<_>) = entries.iter().partition(|entry| matches!(entry.state, State::Queued));
        for entry in sent {
            if self.is_avoided(entry) {
                // Nobody looked whether its block is still there.
                self.agrees &= !matches!(entry.state, State::Included { .. });
                continue;
            }
            let done = self.step(entry, &view).await;
            self.weigh(entry, done).await?;
        }
        self.queued(&queued, &entries, &view).await?;
        self.close_gap(&entries, &view).await?;
        self.watched = if self.agrees { view.hash } else { B256::ZERO };
        metrics::gauge!("aiigo_outbox_short_of_funds").set(f64::from(u8::from(self.short_of_funds)));
        let only_watching = entries.iter().all(|entry| matches!(entry.state, State::Included { .. }));
        Ok(match (self.moved, only_watching) {
            (true, _) => Duration::ZERO,
            (false, true) => self.inner.poll_interval() * 5,
            (false, false) => self.inner.poll_interval(),
        })
    }

    fn tidy_interval(&self) -> Duration {
        let config = &self.inner.config;
        (config.remember / 100).min(TIDY).max(self.inner.poll_interval())
    }

    /// If a step failed, and it is the line, the round ends. If the line answers to something else, the other intents are
    /// not concerned, and this one is left alone for a while.
    pub(super) async fn weigh(&mut self, entry: &Entry, done: Result<(), Fault>) -> Result<(), Fault> {
        let problem = match done {
            Ok(()) => {
                if self.avoided.remove(&entry.id).is_some() {
                    // What this step noted itself it notes again.
                    self.inner.store.set_problem(entry, None).await?;
                }
                return Ok(());
            }
            Err(Fault::Outbox(error)) => return Err(error.into()),
            Err(Fault::Chain(RpcError::ErrorResp(error))) => {
                return self.hold(entry, &format!("the RPC endpoint refuses: {}", error.message)).await;
            }
            Err(Fault::Chain(error @ RpcError::Transport(_))) => {
                if let Err(dead @ RpcError::Transport(_)) = self.inner.provider.get_block_number().await {
                    return Err(dead.into());
                }
                format!("no answer to a question about it: {error}")
            }
            // The whole text would be long.
            Err(Fault::Chain(RpcError::DeserError { err, .. })) => format!("an answer about it makes no sense: {err}"),
            Err(Fault::Chain(error)) => format!("an answer about it makes no sense: {error}"),
        };
        let failures = self.avoided.get(&entry.id).map_or(0, |(_, failures)| failures.saturating_add(1));
        self.avoided.insert(entry.id, (Instant::now() + self.backoff(failures), failures));
        self.note(entry, &problem).await
    }

    /// Whether questions about it failed lately, while others were answered.
    pub(super) fn is_avoided(&self, entry: &Entry) -> bool {
        self.avoided.get(&entry.id).is_some_and(|(until, _)| Instant::now() < *until)
    }

    fn backoff(&self, failures: u32) -> Duration {
        self.inner.poll_interval().saturating_mul(2_u32.saturating_pow(failures)).min(LONGEST_PAUSE)
    }

    /// Forgets what has been over for long.
    async fn tidy(&mut self) -> Result<(), OutboxError> {
        let now_at = Instant::now();
        if self.tidy_at.is_some_and(|at| now_at < at) {
            return Ok(());
        }
        self.tidy_at = Some(now_at + self.tidy_interval());
        let forgotten = self.inner.store.forget(now().saturating_sub(self.inner.config.remember.as_secs())).await?;
        if forgotten > 0 {
            tracing::debug!(forgotten, "forgot what has been over for long");
        }
        Ok(())
    }

    /// One step for what has been signed.
    async fn step(&mut self, entry: &Entry, view: &View) -> Result<(), Fault> {
        match &entry.state {
            State::Pending { nonce } | State::Cancelling { nonce } => self.pending(entry, *nonce, view).await,
            State::Included { nonce, block, block_hash, outcome } => {
                self.included(entry, *nonce, (*block, *block_hash), outcome, view).await
            }
            State::Queued | State::Done { .. } => Ok(()),
        }
    }

    async fn look(&mut self) -> Result<View, Fault> {
        let provider = &self.inner.provider;
        let head = provider.get_block_by_number(BlockNumberOrTag::Latest).await?.ok_or(RpcError::NullResp)?;
        let (number, hash) = (head.header.number(), head.header.hash);
        let finalized = match self.finalized {
            Some((at, finalized)) if at == hash => finalized,
            _ => finality::finalized(provider, number, self.inner.config.finality_depth).await?,
        };
        self.finalized = Some((hash, finalized));
        let nonce = provider.get_transaction_count(self.inner.signer.address()).await?;
        let base_fee = head.header.base_fee_per_gas().map(u128::from);
        Ok(View { number, hash, parent: head.header.parent_hash(), base_fee, finalized, nonce, now: now() })
    }

    /// What the chain asks for per gas.
    pub(super) async fn market(&mut self, view: &View) -> Result<Fees, Fault> {
        let fees = match self.market {
            Some((at, fees)) if at == view.hash => fees,
            _ => Fees::market(&self.inner.provider).await?,
        };
        self.market = Some((view.hash, fees));
        Ok(fees)
    }

    /// What an intent should offer per gas, limits aside.
    pub(super) async fn offer(&mut self, entry: &Entry, view: &View) -> Result<Fees, Fault> {
        let market = self.market(view).await?;
        Ok(match entry.intent.priority {
            Priority::Normal => market,
            Priority::Urgent => market.urgent(),
        })
    }

    /// The most that a transaction of an intent with this gas limit may offer per gas, wei.
    pub(super) fn cap(&self, entry: &Entry, gas_limit: u64) -> Option<u128> {
        let affordable = entry.intent.max_cost.map(|cost| affordable(cost, gas_limit));
        [entry.intent.max_fee_per_gas, self.inner.config.max_fee_per_gas, affordable].into_iter().flatten().min()
    }

    /// Moves a record to another state, and tells who waits for it.
    pub(super) async fn move_to(&mut self, entry: &Entry, state: State) -> Result<(), Fault> {
        self.inner.store.set(entry, &state).await?;
        self.moved_to(entry, &state);
        Ok(())
    }

    /// The record is in another state.
    pub(super) fn moved_to(&mut self, entry: &Entry, state: &State) {
        if matches!(state, State::Done { .. }) {
            self.broadcasts.remove(&entry.id);
            self.gas_limits.remove(&entry.id);
            self.avoided.remove(&entry.id);
        }
        self.resting.remove(&entry.id);
        self.tell();
    }

    /// Signs, records, and only then broadcasts.
    pub(super) async fn sign_and_send(&mut self, entry: &Entry, draft: Draft<'_>, view: &View) -> Result<(), Fault> {
        let attempt = match draft.sign(&self.inner.signer, view.now, view.number).await {
            Ok(attempt) => attempt,
            // A device that is not there, or whose owner said no.
            Err(error) => return self.hold(entry, &format!("cannot sign: {error}")).await,
        };
        self.inner.store.record(entry, &attempt).await?;
        if entry.state.open_nonce().is_none() {
            self.in_flight += 1;
            self.signed.push(entry.id);
        }
        self.free_nonce = self.free_nonce.max(attempt.nonce + 1);
        tracing::info!(
            what = entry.intent.label, tx = %attempt.tx_hash, nonce = attempt.nonce, kind = ?attempt.kind,
            max_fee_per_gas = attempt.fees.max, "sending a transaction"
        );
        self.tell();
        self.broadcast(entry, &attempt).await?;
        Ok(())
    }

    /// Broadcasts a recorded transaction if that is some time ago, or was in another life.
    pub(super) async fn broadcast_again(&mut self, entry: &Entry, attempt: &Attempt) -> Result<(), Fault> {
        let rested = |at: &Instant| at.elapsed() >= self.inner.config.rebroadcast_after;
        if self.broadcasts.get(&entry.id).is_none_or(rested) {
            self.broadcast(entry, attempt).await?;
        }
        Ok(())
    }

    async fn broadcast(&mut self, entry: &Entry, attempt: &Attempt) -> Result<(), Fault> {
        if self.mute {
            // In the next round.
            self.broadcasts.remove(&entry.id);
            return Ok(());
        }
        let raw = (attempt.raw.clone(),);
        let sent = self.inner.provider.client().request::<_, TxHash>("eth_sendRawTransaction", raw).await;
        self.broadcasts.insert(entry.id, Instant::now());
        match sent {
            Ok(_) => {}
            // It decides nothing, but a person should see it: the account may lack money, or the fee be too low.
            Err(RpcError::ErrorResp(error)) if !is_already_known(&error.message) => {
                let problem =
                    format!("the RPC endpoint does not take transaction {}: {}", attempt.tx_hash, error.message);
                self.note(entry, &problem).await?;
            }
            Err(error) => {
                self.mute = matches!(error, RpcError::Transport(_));
                tracing::debug!(tx = %attempt.tx_hash, %error, "no good answer to a broadcast");
            }
        }
        Ok(())
    }

    /// Notes why an intent does not move on, and leaves it alone for a while.
    pub(super) async fn hold(&mut self, entry: &Entry, problem: &str) -> Result<(), Fault> {
        self.resting.insert(entry.id, Instant::now() + self.inner.poll_interval() * RETRY);
        self.note(entry, problem).await
    }

    pub(super) fn is_resting(&self, entry: &Entry) -> bool {
        self.resting.get(&entry.id).is_some_and(|until| Instant::now() < *until)
    }

    pub(super) async fn note(&self, entry: &Entry, problem: &str) -> Result<(), Fault> {
        if entry.problem.as_deref() != Some(problem) {
            tracing::warn!(what = entry.intent.label, "{problem}");
            self.inner.store.set_problem(entry, Some(problem)).await?;
        }
        Ok(())
    }

    fn tell(&mut self) {
        self.moved = true;
        self.inner.changed.send_modify(|changes| *changes = changes.wrapping_add(1));
    }
}
