//! A chain with a sender who owns AIIGO, and what the tests look at.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use aiigo_chain::{Intent, Outbox, OutboxConfig, OutboxDatabase, Outcome, Priority, rpc::connect_unchecked};
use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, Faults, Line, Postgres, eventually};
use aiigo_protocol::{AIIGOToken, ContractName};
use alloy::{
    consensus::Transaction as _,
    primitives::{Address, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::Transaction,
    signers::local::PrivateKeySigner,
    sol_types::SolCall,
};
use sqlx::AnyPool;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::IS_POSTGRES;

/// Longer than anything here takes on a busy machine.
pub(crate) const LIMIT: Duration = Duration::from_secs(60);
/// The method that sends a transaction.
pub(crate) const SEND: &str = "eth_sendRawTransaction";
/// Blocks until a devnet calls a block final, and one more.
pub(crate) const FINAL: u64 = 17;

pub(crate) struct World {
    pub(crate) devnet: Devnet,
    pub(crate) provider: DynProvider,
    pub(crate) sender: PrivateKeySigner,
    /// Gets AIIGO from the sender, and from nobody else.
    pub(crate) receiver: Address,
    dir: TempDir,
    /// The server, if the outboxes are there.
    postgres: Option<Arc<Postgres>>,
}

/// A driver at work.
pub(crate) struct Running {
    pub(crate) outbox: Outbox,
    driver: JoinHandle<()>,
    stop: CancellationToken,
}

impl World {
    /// A chain that makes a block with every transaction, and a sender with 1000 wei of AIIGO.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let postgres = IS_POSTGRES.then(|| Postgres::shared().expect("a PostgreSQL server"));
        let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
        let devnet = Devnet::start(config).await.expect("a devnet");
        let sender = devnet.account(3).unwrap().signer().clone();
        devnet.send_aiigo(sender.address(), U256::from(1000)).await.expect("AIIGO");
        Self { provider: devnet.provider(), receiver: Address::repeat_byte(0x77), sender, devnet, dir, postgres }
    }

    /// No blocks but those that are asked for.
    pub(crate) async fn stop_mining(&self) {
        self.provider.anvil_set_auto_mine(false).await.unwrap();
    }

    pub(crate) async fn mine(&self, blocks: u64) {
        self.devnet.mine(blocks).await.unwrap();
    }

    /// A place for an outbox: a file, or a database that is made when it is first asked for.
    pub(crate) fn place(&self, name: &str) -> OutboxDatabase {
        let file = self.dir.path().join(name).with_extension("sqlite");
        let Some(postgres) = &self.postgres else { return file.into() };
        // Unique in the server, as the world's folder is.
        let world = self.dir.path().file_name().unwrap().to_string_lossy().replace('.', "");
        let made = self.dir.path().join(name).with_extension("url");
        if let Ok(url) = std::fs::read_to_string(&made) {
            return url.parse().unwrap();
        }
        let url = postgres.database(&format!("{world}_{name}")).expect("a database");
        std::fs::write(made, url.as_str()).unwrap();
        OutboxDatabase::Postgres(Box::new(url))
    }

    /// Where the sender's outbox is.
    pub(crate) fn outbox(&self) -> OutboxDatabase {
        self.place("outbox")
    }

    /// The database, past the outbox.
    pub(crate) async fn database(&self) -> AnyPool {
        sqlx::any::install_default_drivers();
        let url = match self.outbox() {
            OutboxDatabase::Sqlite(file) => format!("sqlite:{}", file.display()),
            OutboxDatabase::Postgres(url) => url.to_string(),
        };
        AnyPool::connect(&url).await.unwrap()
    }

    /// The sender's outbox over a line of the test's choice.
    pub(crate) async fn open(&self, provider: DynProvider, config: OutboxConfig) -> Outbox {
        Outbox::open(self.outbox(), provider, self.sender.clone(), config).await.expect("the outbox")
    }

    /// The sender's outbox, driven.
    pub(crate) async fn run(&self, config: OutboxConfig) -> Running {
        Running::start(self.open(self.devnet.provider(), config).await)
    }

    /// The sender's outbox, driven, on a line that fails so once it is open.
    pub(crate) async fn run_behind(&self, faults: Faults) -> (Running, Line) {
        let line = Line::open(self.devnet.rpc_url(), 1).await.expect("a line");
        let provider = connect_unchecked(&[line.url().clone()]).unwrap();
        let outbox = self.open(provider, eager()).await;
        line.fail(faults);
        (Running::start(outbox), line)
    }

    /// Sends AIIGO to the receiver.
    pub(crate) fn transfer(&self, key: &str, amount: u64) -> Intent {
        self.call(key, AIIGOToken::transferCall { to: self.receiver, value: U256::from(amount) })
    }

    pub(crate) fn call(&self, key: &str, call: impl SolCall) -> Intent {
        Intent {
            key: key.to_owned(),
            label: format!("test {key}"),
            to: self.token(),
            data: call.abi_encode().into(),
            value: U256::ZERO,
            deadline: None,
            max_fee_per_gas: None,
            max_cost: None,
            priority: Priority::Normal,
        }
    }

    pub(crate) fn token(&self) -> Address {
        self.devnet.deployment().address(ContractName::AIIGOToken)
    }

    /// What the receiver got, wei of AIIGO.
    pub(crate) async fn received(&self) -> u64 {
        let token = AIIGOToken::new(self.token(), &self.provider);
        token.balanceOf(self.receiver).call().await.unwrap().to()
    }

    /// Transactions of the sender on the chain.
    pub(crate) async fn nonce(&self) -> u64 {
        self.provider.get_transaction_count(self.sender.address()).await.unwrap()
    }

    /// Transactions of the sender that wait for a block.
    pub(crate) async fn waiting(&self) -> u64 {
        let with_waiting = self.provider.get_transaction_count(self.sender.address()).pending().await.unwrap();
        with_waiting - self.nonce().await
    }

    /// The sender's transactions that no block has taken, by nonce.
    pub(crate) async fn pool(&self) -> Vec<Transaction> {
        type Pool = BTreeMap<Address, BTreeMap<String, Transaction>>;
        let pool: BTreeMap<String, Pool> = self.provider.raw_request("txpool_content".into(), ()).await.unwrap();
        let senders = pool.into_values().flatten().filter(|(sender, _)| *sender == self.sender.address());
        let mut found: Vec<_> = senders.flat_map(|(_, transactions)| transactions.into_values()).collect();
        found.sort_by_key(|transaction| transaction.inner.nonce());
        found
    }

    pub(crate) async fn until_waiting(&self, count: u64) {
        eventually("transaction that waits for a block", LIMIT, async || (self.waiting().await == count).then_some(()))
            .await;
    }
}

impl Running {
    pub(crate) fn start(outbox: Outbox) -> Self {
        let stop = CancellationToken::new();
        let driver = tokio::spawn({
            let (outbox, stop) = (outbox.clone(), stop.clone());
            async move { outbox.run(stop).await.expect("the outbox goes on") }
        });
        Self { outbox, driver, stop }
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        self.driver.await.unwrap();
    }

    /// The end of an intent, in time.
    pub(crate) async fn wait(&self, key: &str) -> Outcome {
        tokio::time::timeout(LIMIT, self.outbox.wait(key)).await.expect("an outcome in time").expect("an outcome")
    }

    pub(crate) async fn send(&self, intent: Intent) -> Outcome {
        tokio::time::timeout(LIMIT, self.outbox.send(intent)).await.expect("an outcome in time").expect("an outcome")
    }

    /// Waits until the only unfinished intent has a problem that says `text`.
    pub(crate) async fn until_problem(&self, text: &str) {
        eventually(text, LIMIT, async || {
            let unfinished = self.outbox.unfinished().await.unwrap();
            unfinished.iter().any(|one| one.problem.as_deref().is_some_and(|p| p.contains(text))).then_some(())
        })
        .await;
    }

    /// Waits until nothing is left to watch.
    pub(crate) async fn until_finished(&self) {
        eventually("end of everything", LIMIT, async || {
            self.outbox.unfinished().await.unwrap().is_empty().then_some(())
        })
        .await;
    }
}

/// An outbox that does not wait for what the tests are about.
pub(crate) fn eager() -> OutboxConfig {
    OutboxConfig {
        poll_interval: Some(Duration::from_millis(30)),
        rebroadcast_after: Duration::from_millis(100),
        replace_after: Duration::ZERO,
        replace_after_blocks: 2,
        lock_patience: Duration::from_secs(5),
        ..OutboxConfig::default()
    }
}

/// An outbox that does nothing on its own initiative.
pub(crate) fn passive() -> OutboxConfig {
    let long = Duration::from_secs(3600);
    OutboxConfig { rebroadcast_after: long, replace_after: long, ..eager() }
}

/// The transaction of an intent that landed.
#[track_caller]
pub(crate) fn landed(outcome: &Outcome) -> alloy::primitives::TxHash {
    match outcome {
        Outcome::Landed { tx_hash, receipt, .. } => {
            assert!(receipt.status());
            *tx_hash
        }
        other => panic!("it did not land: {other:?}"),
    }
}
