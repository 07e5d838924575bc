//! From arguments to a keeper.

use std::{fs, sync::Arc, time::Duration};

use aiigo_chain::{Follower, FollowerConfig, Key, Outbox, OutboxConfig, rpc::RpcError};
use aiigo_protocol::{ContractName, Deployment};
use aiigo_telemetry::Health;
use alloy::primitives::Address;
use tokio::sync::OnceCell;

use crate::{
    budget::Budget,
    cli::KeeperArgs,
    code::Code,
    duties::Means,
    error::KeeperError,
    keeper::{Hands, Keeper, KeeperConfig},
    reveals::Reveals,
    secrets::Secrets,
    window,
};

/// Between two secrets, unless told otherwise: half of the shortest time between rounds that makes sense.
const MIN_ROUND_INTERVAL: Duration = Duration::from_secs(12 * 3600);
/// anvil's chain id.
const DEVNET: u64 = 31337;

/// A keeper, and the outbox to drive if it sends.
pub(crate) struct Ready {
    pub(crate) keeper: Keeper,
    pub(crate) outbox: Option<Outbox>,
}

/// Connects, loads the key unless an earlier life did, opens the data folder.
pub(crate) async fn set_up(
    args: &KeeperArgs,
    jitter: Duration,
    key: &OnceCell<Key>,
    health: Health,
) -> Result<Ready, KeeperError> {
    let connected = args.rpc.connect().await;
    let (provider, deployment) = connected.map_err(|error| {
        let code = match error {
            RpcError::Unreachable { .. } => Code::Unreachable,
            _ => Code::Chain,
        };
        KeeperError::because(code, "cannot use the chain")(error)
    })?;
    let hands = if args.dry_run {
        // With a key, as its account; else as nobody, which every duty allows.
        let key = key.get_or_try_init(|| args.signer.load_async()).await;
        Hands::Dry(key.map_or(Address::ZERO, Key::address))
    } else {
        let key = key.get_or_try_init(|| args.signer.load_async()).await;
        let key = key.map_err(KeeperError::because(Code::Signer, "cannot load the key that pays for transactions"))?;
        let dir = &args.data_dir;
        let data_dir_error = || format!("cannot use the data folder {}", dir.display());
        fs::create_dir_all(dir).map_err(KeeperError::because(Code::DataDir, data_dir_error()))?;
        let config = OutboxConfig { max_in_flight: window::MOST, ..OutboxConfig::default() };
        let outbox = Outbox::open(args.outbox(), provider.clone(), key.clone(), config).await;
        let outbox = outbox.map_err(|error| KeeperError::because(Code::of(&error), "cannot use the outbox")(error))?;
        let pause = args.min_round_interval.unwrap_or(match deployment.chain_id {
            DEVNET => Duration::ZERO,
            _ => MIN_ROUND_INTERVAL,
        });
        let reveals = Reveals::open(dir, pause).map_err(KeeperError::because(Code::DataDir, data_dir_error()))?;
        Hands::Sending { outbox, reveals }
    };
    let outbox = match &hands {
        Hands::Sending { outbox, .. } => Some(outbox.clone()),
        Hands::Dry(_) => None,
    };
    let config = KeeperConfig {
        duties: args.duties.enabled(),
        jitter,
        max_fee_per_gas: u128::from(args.max_fee_per_gas) * 1_000_000_000,
        max_cost: args.max_cost,
        budget: Budget::new(args.daily_budget),
        indexer: args.indexer_url.clone(),
    };
    let account = match &hands {
        Hands::Sending { outbox, .. } => outbox.address(),
        Hands::Dry(address) => *address,
    };
    let secrets = secrets(args, &deployment)?;
    let means = Means { deployment: Arc::new(deployment), account, secrets };
    let follower =
        Follower::new(provider.clone(), Arc::clone(&means.deployment), FollowerConfig::default(), Vec::new());
    let keeper = Keeper::new(provider, &means, follower, config, hands, health).await?;
    Ok(Ready { keeper, outbox })
}

/// The challenger's secrets, where there are any.
pub(super) fn secrets(args: &KeeperArgs, deployment: &Deployment) -> Result<Option<Secrets>, KeeperError> {
    let path = args.secrets_file();
    if args.secrets.is_none() && !path.exists() {
        return Ok(None);
    }
    let secrets = Secrets::read(&path, deployment.chain_id, deployment.address(ContractName::ProofOfWorkVerifier));
    secrets.map(Some).map_err(KeeperError::because(Code::Secrets, "cannot load the challenger's secrets"))
}
