//! The transaction outbox: every intended transaction is a row before it is sent.
//!
//! One signer, one nonce sequence. An intent goes through the states of [`store::State`]; each has one step function in a
//! file of its own, which looks at the chain and moves the row:
//!
//! ```text
//! queued ──simulate, sign, persist, broadcast──► sent ──receipt──► landed ──final──► done
//!   │  ▲                                          │ ▲                │
//!   │  └── nonce taken by a foreign transaction ──┘ └── reorganised ─┘
//!   └── simulation refused, deadline ──► done      └── cancelled after the deadline ──► done
//! ```
//!
//! An attempt is written down with its raw transaction before it is broadcast, so that a crash at any point leaves either
//! nothing sent or everything known. What an endpoint says of a broadcast decides nothing: receipts and nonces do.

mod driver;
mod error;
mod fees;
mod intent;
mod landed;
mod queued;
mod sent;
mod store;

use std::{path::Path, sync::Arc, time::Duration};

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider},
    signers::local::PrivateKeySigner,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use self::store::Store;
pub use self::{
    error::OutboxError,
    intent::{Intent, Outcome},
};

/// How an outbox sends.
#[derive(Clone, Debug)]
pub struct OutboxConfig {
    /// Pause between two looks at what is under way.
    pub poll_interval: Duration,
    /// How long an attempt may stay unmined before a replacement pays more.
    pub replace_after: Duration,
    /// Blocks on top of a landed transaction after which it counts as final.
    pub confirmations: u64,
    /// Gas limit in percent of the estimate: state may change between estimate and inclusion.
    pub gas_percent: u64,
}

impl Default for OutboxConfig {
    fn default() -> Self {
        Self {
            poll_interval: Duration::from_millis(400),
            replace_after: Duration::from_secs(45),
            confirmations: 12,
            gas_percent: 130,
        }
    }
}

/// The outbox of one signer; clones share it.
#[derive(Clone, Debug)]
pub struct Outbox {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    store: Store,
    provider: DynProvider,
    signer: PrivateKeySigner,
    chain_id: u64,
    config: OutboxConfig,
    /// Something was submitted or has ended.
    changed: Notify,
    /// One driver at a time.
    driving: tokio::sync::Mutex<()>,
}

impl Outbox {
    /// Opens the outbox in a SQLite file, created if it is not there.
    ///
    /// # Errors
    /// If the file can't be used, another process uses it, it belongs to another key or chain, or the chain does not
    /// answer.
    pub async fn open(
        path: &Path,
        provider: DynProvider,
        signer: PrivateKeySigner,
        config: OutboxConfig,
    ) -> Result<Self, OutboxError> {
        let chain_id = provider.get_chain_id().await?;
        let store = Store::open(path, signer.address(), chain_id).await?;
        let (changed, driving) = (Notify::new(), tokio::sync::Mutex::new(()));
        Ok(Self { inner: Arc::new(Inner { store, provider, signer, chain_id, config, changed, driving }) })
    }

    /// Whose transactions these are.
    pub fn address(&self) -> Address {
        self.inner.signer.address()
    }

    /// Writes an intent down; the driver sends it. The same key again changes nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn submit(&self, intent: Intent) -> Result<(), OutboxError> {
        self.inner.store.add(&intent).await?;
        self.inner.changed.notify_waiters();
        Ok(())
    }

    /// What became of an intent; `None` while it is under way. A landed one that a reorganisation takes back is under way
    /// again.
    ///
    /// # Errors
    /// If there is no such intent, or the database fails.
    pub async fn outcome(&self, key: &str) -> Result<Option<Outcome>, OutboxError> {
        self.inner.store.outcome(key).await
    }

    /// Waits until an intent has ended. Needs a running driver.
    ///
    /// # Errors
    /// As [`outcome`](Self::outcome).
    pub async fn wait(&self, key: &str) -> Result<Outcome, OutboxError> {
        loop {
            let changed = self.inner.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            if let Some(outcome) = self.outcome(key).await? {
                return Ok(outcome);
            }
            changed.await;
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

    /// Drives the intents until the token is cancelled. What is under way then goes on with the next run, in this process
    /// or another.
    ///
    /// # Errors
    /// If the database fails. A chain that does not answer is waited for.
    pub async fn run(&self, token: CancellationToken) -> Result<(), OutboxError> {
        driver::run(&self.inner, token).await
    }
}
