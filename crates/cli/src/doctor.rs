//! `aiigo doctor`: is everything there that a job needs, and if not, what to do.

use std::process::ExitCode;

use aiigo_telemetry::{Check, Checkup};
use alloy::primitives::U256;
use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::{
    Chain, CliError,
    args::{IndexerArgs, StoreArgs, WalletArgs},
    cli::Session,
    error::Context,
    format,
    indexer::number,
};

/// Check the chain, the indexer, the store and the key, and say how to mend what is wrong.
#[derive(Args, Debug)]
pub(crate) struct DoctorCommand {
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    indexer: IndexerArgs,
    #[command(flatten)]
    store: StoreArgs,
}

impl DoctorCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, CliError> {
        let chain = self.wallet.chain.connect().await;
        let described = match &chain {
            Ok(chain) => describe(chain).await,
            Err(error) => Err(CliError::Failed(told(error))),
        };
        let fix = "name an endpoint with --rpc-url and its deployment file with --deployment; is the node running?";
        let mut checks = vec![Check::of("chain", described.as_ref().map_err(told), fix)];
        checks.push(self.key(chain.as_ref().ok()).await);
        if let Ok(chain) = &chain {
            checks.push(self.indexer(chain).await);
        }
        let fix = "name a folder of yours with --data-dir, or mend its permissions";
        checks.push(Check::writable("records", &self.wallet.data.data_dir, fix));
        let fix = "name a folder of yours with --store, or mend its permissions";
        checks.push(Check::writable("store", &self.store.dir(&self.wallet.data), fix));
        let checkup = Checkup::new(checks);
        session.output.result(&checkup, || checkup.text())?;
        Ok(checkup.exit_code())
    }

    async fn key(&self, chain: Option<&Chain>) -> Check {
        let found = async {
            let signer = self.wallet.signer.load_async().await.context(|| "the key can't be loaded".into())?;
            let address = signer.address();
            let Some(chain) = chain else { return Ok(address.to_string()) };
            match chain.eth_of(address).await? {
                U256::ZERO => Err(CliError::Failed(format!("{address} has no ETH: it can't pay for gas or tasks"))),
                balance => Ok(format!("{address} with {}", format::eth(balance))),
            }
        };
        let fix = "make a key with `aiigo wallet new NAME`, use it with --account NAME, and send it some ETH";
        Check::of("key", found.await.as_ref().map_err(told), fix)
    }

    async fn indexer(&self, chain: &Chain) -> Check {
        let fix = "start `aiigo-indexer run` for this chain, wait until it is live, and name it with --indexer-url";
        let found = async {
            let Some(indexer) = self.indexer.optional()? else {
                return Ok("none named: jobs work without, `job list`, `provider list` and rankings don't".to_owned());
            };
            let query = "{ _meta { chainId indexedBlock headBlock syncing } }";
            let meta: Meta = indexer.ask(query, json!({}), "_meta").await?;
            let wanted = chain.deployment().chain_id;
            if meta.chain_id != wanted {
                return Err(CliError::Failed(format!("it indexes chain {}, not {wanted}", meta.chain_id)));
            }
            let block = meta.indexed_block.unwrap_or_else(|| "none".into());
            match meta.syncing {
                true => Err(CliError::Failed(format!("it is still catching up: block {block} of {}", meta.head_block))),
                false => Ok(format!("synced to block {block}")),
            }
        };
        Check::of("indexer", found.await.as_ref().map_err(told), fix)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(deserialize_with = "number")]
    chain_id: u64,
    /// Null before the first.
    #[serde(default)]
    indexed_block: Option<String>,
    #[serde(deserialize_with = "number")]
    head_block: u64,
    syncing: bool,
}

/// Connecting has checked the chain id and that every contract has code.
async fn describe(chain: &Chain) -> Result<String, CliError> {
    let head = chain.head().await?;
    let deployment = chain.deployment();
    Ok(format!(
        "chain {}, block {}, {} contracts deployed since block {}",
        deployment.chain_id,
        head.number,
        deployment.contracts.len(),
        deployment.block
    ))
}

/// An error with all its causes, in a line.
fn told(error: &CliError) -> String {
    std::iter::once(error.to_string()).chain(error.causes()).collect::<Vec<_>>().join(": ")
}
