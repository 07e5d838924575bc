//! The program that is killed: it uses the crate as keeper, agent and CLI do.

use std::{env, path::PathBuf, sync::Arc, time::Duration};

use aiigo_chain::{Outbox, OutboxConfig, OutboxDatabase, SignerArgs, rpc::RpcArgs};
use aiigo_devnet::{ProcessCommand, eventually};
use aiigo_protocol::ContractName;
use alloy::primitives::Address;
use tokio::{sync::Semaphore, task::JoinSet};
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::action::{Action, CAP};

/// Actions that are submitted and have not landed.
const AT_A_TIME: usize = 40;
/// A silent endpoint is given up after so many milliseconds.
const RPC_TIMEOUT: u64 = 250;

/// What an actor is told.
#[derive(Clone, Debug)]
pub(crate) struct Orders {
    pub(crate) endpoints: Vec<Url>,
    pub(crate) deployment: PathBuf,
    /// A path, or the URL of a database.
    pub(crate) outbox: String,
    pub(crate) actions: u64,
    /// The sender's key.
    pub(crate) key: String,
}

impl Orders {
    /// The chaos test itself: with orders, it is the actor.
    pub(crate) fn command(&self, log: PathBuf) -> ProcessCommand {
        let endpoints: Vec<&str> = self.endpoints.iter().map(Url::as_str).collect();
        ProcessCommand::new("the actor", env::current_exe().expect("this executable"), log)
            .args(["--exact", "chaos::every_action_lands_once_whatever_happens", "--nocapture"])
            .env("CHAOS_ENDPOINTS", endpoints.join(","))
            .env("CHAOS_DEPLOYMENT", &self.deployment)
            .env("CHAOS_OUTBOX", &self.outbox)
            .env("CHAOS_ACTIONS", self.actions.to_string())
            .env("CHAOS_LOG", env::var("AIIGO_CHAOS_LOG").unwrap_or_else(|_| "warn".into()))
            .env("AIIGO_PRIVATE_KEY", &self.key)
    }

    /// Those that this process was started with.
    pub(crate) fn read() -> Option<Self> {
        let var = |name: &str| env::var(name).ok();
        Some(Self {
            endpoints: var("CHAOS_ENDPOINTS")?.split(',').map(|url| url.parse().expect("a URL")).collect(),
            deployment: var("CHAOS_DEPLOYMENT")?.into(),
            outbox: var("CHAOS_OUTBOX")?,
            actions: var("CHAOS_ACTIONS")?.parse().expect("a number"),
            key: String::new(),
        })
    }
}

/// How the actor sends: it does not wait for what the test is about.
pub(crate) fn config() -> OutboxConfig {
    OutboxConfig {
        poll_interval: Some(Duration::from_millis(40)),
        rebroadcast_after: Duration::from_millis(100),
        replace_after: Duration::ZERO,
        replace_after_blocks: 4,
        max_fee_per_gas: Some(CAP),
        ..OutboxConfig::default()
    }
}

/// Carries the orders out, to their end.
pub(crate) async fn act(orders: Orders) {
    tracing_subscriber::fmt().with_env_filter(env::var("CHAOS_LOG").unwrap_or_default()).with_ansi(false).init();
    let args = RpcArgs { rpc_urls: orders.endpoints, deployment: Some(orders.deployment), timeout: RPC_TIMEOUT };
    let (provider, deployment) = args.connect().await.expect("a connection");
    let signer = SignerArgs::default().load_async().await.expect("a key");
    let database: OutboxDatabase = orders.outbox.parse().expect("a place");
    let outbox = Outbox::open(database, provider, signer, config()).await.expect("an outbox");
    let driver = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.run(CancellationToken::new()).await }
    });
    let work = async {
        do_all(&outbox, orders.actions, deployment.address(ContractName::AIIGOToken)).await;
        eventually("end of everything", Duration::from_secs(600), async || {
            outbox.unfinished().await.expect("the records").is_empty().then_some(())
        })
        .await;
    };
    tokio::select! {
        () = work => {}
        ended = driver => panic!("the driver ended: {ended:?}"),
    }
}

/// Until it has a nonce, or is over.
async fn until_it_is_sent(outbox: &Outbox, action: Action) {
    eventually("nonce", Duration::from_secs(600), async || {
        let unfinished = outbox.unfinished().await.expect("the records");
        unfinished.iter().all(|one| one.key != action.key() || one.nonce.is_some()).then_some(())
    })
    .await;
}

/// Every action once, whatever earlier lives have done.
async fn do_all(outbox: &Outbox, actions: u64, token: Address) {
    let places = Arc::new(Semaphore::new(AT_A_TIME));
    let mut tasks = JoinSet::new();
    for number in 0..actions {
        let action = Action { number };
        if let Ok(Some(_)) = outbox.outcome(&action.key()).await {
            continue;
        }
        let place = places.clone().acquire_owned().await.expect("open");
        let outbox = outbox.clone();
        tasks.spawn(async move {
            outbox.submit(action.intent(outbox.address(), token)).await.expect("the records");
            if action.is_cancelled() {
                if action.is_regretted_late() {
                    until_it_is_sent(&outbox, action).await;
                }
                outbox.cancel(&action.key()).await.expect("the records");
            }
            outbox.wait(&action.key()).await.expect("the records");
            drop(place);
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panic");
    }
}
