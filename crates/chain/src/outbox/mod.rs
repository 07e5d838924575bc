//! The transaction outbox: what is to be on the chain is on the disk before it is sent.
//!
//! One account, one sequence of nonces. [`state`] draws the states of an intent; each has one step, in a file of its
//! own, which looks at the chain and moves the record. A transaction is recorded with its hash before it is broadcast,
//! so that a crash at any point leaves either nothing sent or everything known. What an endpoint says to a broadcast
//! decides nothing: receipts and nonces do. A new nonce is taken for an intent only when it is proven that none of its
//! transactions can land any more.

mod database;
mod driver;
mod error;
mod fees;
mod included;
mod intent;
mod lock;
mod nonce;
mod pending;
mod proof;
mod queued;
mod simulate;
mod spending;
mod state;
mod store;

use std::{
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, ChainId},
    providers::{DynProvider, Provider},
};
use tokio::sync::{Mutex, Notify, watch};
use tokio_util::sync::CancellationToken;

pub use self::{
    database::OutboxDatabase,
    error::OutboxError,
    intent::{Intent, Outcome, Priority, Unfinished},
    simulate::refusal,
    spending::Spending,
};
use self::{
    driver::Driver,
    store::{Account, Store},
};
use crate::Key;

/// How an outbox sends.
#[derive(Clone, Debug)]
pub struct OutboxConfig {
    /// Pause between two looks at what is under way. `None`: 0.1 s for a node on this machine, else 1 s.
    pub poll_interval: Option<Duration>,
    /// A transaction that waits for a block is broadcast again so often, in case the nodes forgot it.
    pub rebroadcast_after: Duration,
    /// A transaction that no block took in this time and in `replace_after_blocks` is replaced by one that pays more.
    pub replace_after: Duration,
    /// See `replace_after`.
    pub replace_after_blocks: u64,
    /// Gas limit above the simulated use, percent: the state may change until the block.
    pub gas_margin: u64,
    /// Gas above the simulated use at least, as far as the balance goes; not for intents with a limit of their cost, who
    /// would have to offer less for it. A new epoch may begin before the block, and storage that nobody used before costs
    /// 22,100 a slot (EIP-2929): this is thirteen. A juror who leaves writes nine, and what goes with them.
    pub gas_room: u64,
    /// The most that is ever offered per gas, wei.
    pub max_fee_per_gas: Option<u128>,
    /// Transactions that may wait for a block at a time; nodes drop long queues of one account (geth: 16 and more).
    pub max_in_flight: usize,
    /// Blocks below the head that can still be reorganised, for a chain that names no finalized block.
    pub finality_depth: u64,
    /// How long an idempotency key is remembered after its intent is over and final. Who submits it later sends it again.
    pub remember: Duration,
    /// How long opening waits for another process to leave the outbox.
    pub lock_patience: Duration,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            poll_interval: None,
            rebroadcast_after: Duration::from_secs(5),
            replace_after: Duration::from_secs(15),
            replace_after_blocks: 3,
            gas_margin: 30,
            gas_room: 300_000,
            max_fee_per_gas: None,
            max_in_flight: 16,
            finality_depth: 64,
            remember: Duration::from_secs(30 * 24 * 3600),
            lock_patience: Duration::from_secs(10),
        }
    }
}

/// The outbox of one account on one chain; clones share it.
#[derive(Clone, Debug)]
pub struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    provider: DynProvider,
    signer: Key,
    chain_id: ChainId,
    config: OutboxConfig,
    /// Changes with every change of a record.
    changed: watch::Sender<u64>,
    /// Something is new in the outbox.
    submitted: Notify,
    /// Held by the driver.
    driving: Mutex<()>,
}

impl Outbox {
    /// Opens the outbox in a SQLite file or a PostgreSQL database. It is this process' alone until the last clone is
    /// dropped.
    ///
    /// # Errors
    /// If the database can't be used, another process uses it, it is of another account or chain, or the chain does not
    /// answer.
    pub async fn open(
        database: impl Into<OutboxDatabase>,
        provider: DynProvider,
        signer: impl Into<Key>,
        config: OutboxConfig,
    ) -> Result<Self, OutboxError> {
        let (database, signer) = (database.into(), signer.into());
        let chain_id = provider.get_chain_id().await.map_err(OutboxError::Chain)?;
        let first = provider.get_block_by_number(BlockNumberOrTag::Earliest).await.map_err(OutboxError::Chain)?;
        let genesis = first.map_or(B256::ZERO, |block| block.header.hash);
        let account = Account { chain_id, genesis, address: signer.address() };
        let (store, found) = Store::open(&database, account, config.lock_patience).await?;
        if (found.chain_id, found.address) != (chain_id, account.address) {
            let address = account.address;
            let (found_chain, found) = (found.chain_id, found.address);
            return Err(OutboxError::OtherAccount { database, found, found_chain, address, chain: chain_id });
        }
        if found.genesis != genesis {
            return Err(OutboxError::OtherChain { database, chain: chain_id });
        }
        let inner = Inner {
            store,
            provider,
            signer,
            chain_id,
            config,
            changed: watch::Sender::new(0),
            submitted: Notify::new(),
            driving: Mutex::new(()),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The account that sends.
    pub fn address(&self) -> Address {
        self.inner.signer.address()
    }

    /// Records an intent, which the driver then sends. A second one of the same key changes nothing, for as long as the
    /// key is [remembered](OutboxConfig::remember).
    ///
    /// # Errors
    /// If the database fails.
    pub async fn submit(&self, intent: Intent) -> Result<(), OutboxError> {
        if self.inner.store.insert(&intent, now()).await? {
            self.inner.submitted.notify_one();
        }
        Ok(())
    }

    /// Gives an intent up that has become pointless: it is never sent, or its nonce is used up by a transaction that does
    /// nothing. What is in a block already stays there. [`wait`](Self::wait) tells what became of it.
    ///
    /// # Errors
    /// If nobody submitted it, or the database fails.
    pub async fn cancel(&self, key: &str) -> Result<(), OutboxError> {
        if !self.inner.store.expire(key).await? {
            return Err(OutboxError::UnknownKey(key.to_owned()));
        }
        self.inner.submitted.notify_one();
        Ok(())
    }

    /// What became of an intent; `None` while it is under way. One that a reorganisation took back is under way again.
    ///
    /// # Errors
    /// If nobody submitted it, or the database fails.
    pub async fn outcome(&self, key: &str) -> Result<Option<Outcome>, OutboxError> {
        match self.inner.store.find(key).await? {
            Some(entry) => Ok(entry.state.outcome()),
            None => Err(OutboxError::UnknownKey(key.to_owned())),
        }
    }

    /// The key for the next attempt at something that may be due more than once: the first of `base#1`, `base#2`, … that
    /// is under way and in no block; else the one after the highest that is remembered.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn next_key(&self, base: &str) -> Result<String, OutboxError> {
        let mut last = 0;
        let mut open: Option<u64> = None;
        for (key, is_open) in self.inner.store.numbered(base).await? {
            // Another base may begin with this one and `#`.
            let Some(number) = key.rsplit('#').next().filter(|text| key.len() == base.len() + 1 + text.len()) else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else { continue };
            last = number.max(last);
            if is_open {
                open = Some(open.map_or(number, |lowest| lowest.min(number)));
            }
        }
        Ok(format!("{base}#{}", open.unwrap_or(last + 1)))
    }

    /// Waits for what becomes of an intent. Needs a driver: [`run`](Self::run).
    ///
    /// # Errors
    /// As [`outcome`](Self::outcome).
    pub async fn wait(&self, key: &str) -> Result<Outcome, OutboxError> {
        let mut changed = self.inner.changed.subscribe();
        loop {
            changed.mark_unchanged();
            if let Some(outcome) = self.outcome(key).await? {
                return Ok(outcome);
            }
            // Can't fail: the sender lives as long as `self`.
            let _ = changed.changed().await;
        }
    }

    /// Submits and waits.
    ///
    /// # Errors
    /// As [`submit`](Self::submit) and [`wait`](Self::wait).
    pub async fn send(&self, intent: Intent) -> Result<Outcome, OutboxError> {
        let key = intent.key.clone();
        self.submit(intent).await?;
        self.wait(&key).await
    }

    /// What is under way: in no block yet, or in one that can still be reorganised.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn unfinished(&self) -> Result<Vec<Unfinished>, OutboxError> {
        Ok(self.inner.store.active().await?.into_iter().map(Unfinished::from).collect())
    }

    /// Sends what is submitted and watches it until it is final, until the token is cancelled. What is under way then goes
    /// on with the next run, in this process or another.
    ///
    /// # Errors
    /// If the database fails, or the outbox is driven already. A chain that does not answer is waited for.
    pub async fn run(&self, token: CancellationToken) -> Result<(), OutboxError> {
        let _alone = self.inner.driving.try_lock().map_err(|_| OutboxError::Running)?;
        // Safe to drop anywhere: that is no worse than a crash.
        tokio::select! {
            () = token.cancelled() => Ok(()),
            ended = Driver::new(&self.inner).run() => ended,
        }
    }
}

impl Inner {
    fn poll_interval(&self) -> Duration {
        let usual = || Duration::from_millis(if self.provider.client().is_local() { 100 } else { 1_000 });
        self.config.poll_interval.unwrap_or_else(usual)
    }
}

/// Unix seconds by this machine's clock.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
