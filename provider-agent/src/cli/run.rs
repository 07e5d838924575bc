//! `run`: prove, go online, work.

use std::{path::PathBuf, sync::Arc, time::Duration};

use aiigo_chain::{Outbox, OutboxConfig, SignerArgs};
use aiigo_protocol::units;
use aiigo_task::parse_bytes;
use aiigo_telemetry::{Health, ListenArgs};
use alloy::primitives::U256;
use clap::Args;
use tokio_util::sync::CancellationToken;

use super::CommonArgs;
use crate::{
    cache::Cache,
    error::{AgentError, Context},
    node, operator,
    policy::PolicyFile,
    prove::{ProveArgs, Prover},
    sandbox::ImageArgs,
    sender::Sender,
    serve::{self, ServeConfig},
    store::Mode,
};

/// The agent's default port.
const PORT: u16 = 4352;
/// Below this the operator's key is about to be out of gas, wei.
const LOW_BALANCE: u64 = 5_000_000_000_000_000;

#[derive(Args, Clone, Debug)]
pub(super) struct RunArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
    #[command(flatten)]
    listen: ListenArgs,
    /// What to take on, at which price and when [default: `policy.toml` in the data folder]. Read again whenever it changes.
    #[arg(long, value_name = "FILE", env = "AIIGO_POLICY")]
    policy: Option<PathBuf>,
    /// Also use gateways on private and local addresses: for tests and closed networks.
    #[arg(long, env = "AIIGO_ALLOW_PRIVATE_GATEWAYS")]
    allow_private_gateways: bool,
    #[command(flatten)]
    images: ImageArgs,
    /// How much room the modules and inputs may take that are kept for tasks that need them again.
    #[arg(long, value_name = "SIZE", env = "AIIGO_FILE_ROOM", default_value = "10GiB", value_parser = parse_bytes)]
    file_room: u64,
    #[command(flatten)]
    prove: ProveArgs,
    /// Offer at most so many gwei per gas.
    #[arg(long, env = "AIIGO_MAX_FEE_PER_GAS", value_name = "GWEI", default_value_t = 100)]
    max_fee_per_gas: u64,
    /// Milliseconds between two looks at the chain.
    #[arg(long, env = "AIIGO_POLL_INTERVAL", value_name = "MILLISECONDS", default_value_t = 400)]
    poll_interval: u64,
}

/// Works until the token is cancelled.
pub(super) async fn run(args: &RunArgs, token: CancellationToken) -> Result<(), AgentError> {
    aiigo_telemetry::install_metrics().context("cannot count")?;
    let agent = args.common.open().await?;
    let _lock = agent.data.lock().await?;
    let node = args.common.node(&agent).await?;
    let policy = PolicyFile::open(args.policy.as_deref().unwrap_or(&agent.data.policy()))?;
    let policy = policy.allowing(args.images.allow_images.clone());
    let signer = operator::load(&args.signer, &agent.data).await?;
    node::check_operator(&agent.market, node, signer.address()).await?;
    let eth = agent.market.eth_of(signer.address()).await?;
    if eth < U256::from(LOW_BALANCE) {
        tracing::warn!(operator = %signer.address(), eth = units::format_amount(eth), "little ETH for gas: send it some");
    }
    let health = Health::new();
    health.set_status("node", node.to_string().into());
    let listener = args.listen.bind(PORT).await.context("cannot listen")?;
    // What serves health and transactions goes on until the work in hand has written itself down.
    let last = CancellationToken::new();
    let ops = tokio::spawn(aiigo_telemetry::serve_ops(listener, health.clone(), last.clone()));
    let poll_interval = Duration::from_millis(args.poll_interval.max(50));
    let sending = OutboxConfig { poll_interval: Some(poll_interval), ..OutboxConfig::default() };
    let path = agent.data.outbox(signer.address());
    let outbox = Outbox::open(&path, agent.market.provider().clone(), signer.clone(), sending);
    let outbox = outbox.await.context("cannot send transactions")?;
    let driver = tokio::spawn({
        let (outbox, last) = (outbox.clone(), last.clone());
        async move { outbox.run(last).await }
    });
    let max_fee = u128::from(args.max_fee_per_gas).saturating_mul(1_000_000_000);
    let sender = Sender::new(outbox, token, Some(max_fee));
    let executor = args.images.start(&agent.data, agent.market.chain_id(), node, &policy.policy()).await?;
    let work = async {
        let prover = Prover::detect(agent.market.clone(), node, args.prove.clone(), sender.token()).await?;
        if agent.store.mode().await? == Mode::Leaving {
            tracing::warn!(%node, "leaving the market: only what is in hand is brought to its end");
        } else {
            node::activate(&agent.market, &sender, node, &prover).await?;
            tracing::info!(%node, "active: looking for work");
        }
        serve::serve(ServeConfig {
            market: agent.market.clone(),
            node,
            sender: sender.clone(),
            signer,
            store: agent.store.clone(),
            data: agent.data.clone(),
            policy: Arc::new(policy),
            private_gateways: args.allow_private_gateways,
            executor: Arc::new(executor),
            cache: Cache::new(agent.data.cache(), args.file_room),
            prover: Arc::new(prover),
            health,
            poll_interval,
        })
        .await
    };
    let ended = tokio::select! {
        ended = work => ended,
        ended = driver => match ended.context("the outbox died")? {
            Ok(()) => Err(AgentError::new("the outbox stopped")),
            Err(error) => Err(AgentError::because("the outbox fails", error)),
        },
        ended = ops => match ended.context("the health endpoints died")? {
            Ok(()) => Err(AgentError::new("the health endpoints stopped")),
            Err(error) => Err(AgentError::because("the health endpoints fail", error)),
        },
    };
    last.cancel();
    ended
}
