//! Arguments that several commands share.

use std::path::PathBuf;

use aiigo_chain::{SignerArgs, rpc::RpcArgs};
use aiigo_protocol::ResourceType;
use alloy::primitives::Address;
use clap::Args;
use url::Url;

use crate::{Chain, CliError, error::Context, indexer::Indexer, wallet::Wallet};

/// Which chain.
#[derive(Args, Clone, Debug)]
pub(crate) struct ChainArgs {
    #[command(flatten)]
    rpc: RpcArgs,
}

impl ChainArgs {
    /// Connects, and checks that it is the deployment's chain.
    pub(crate) async fn connect(&self) -> Result<Chain, CliError> {
        let (provider, deployment) = self.rpc.connect().await.context(|| "connecting to the chain".into())?;
        Ok(Chain::new(provider, deployment.into()))
    }
}

/// Where this user's own records are.
#[derive(Args, Clone, Debug)]
pub(crate) struct DataArgs {
    /// Folder for this user's records: transactions under way, runs of jobs
    #[arg(long, env = "AIIGO_DATA_DIR", value_name = "DIR", default_value_os_t = default_data_dir())]
    pub(crate) data_dir: PathBuf,
}

fn default_data_dir() -> PathBuf {
    dirs::data_dir().unwrap_or_else(|| PathBuf::from(".")).join("aiigo")
}

/// Who signs, on which chain.
#[derive(Args, Clone, Debug)]
pub(crate) struct WalletArgs {
    #[command(flatten)]
    pub(crate) chain: ChainArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    #[command(flatten)]
    pub(crate) data: DataArgs,
}

impl WalletArgs {
    pub(crate) async fn open(&self) -> Result<Wallet, CliError> {
        // The chain first: who mistyped its URL should not have to give a password before being told.
        let chain = self.chain.connect().await?;
        let signer = self.signer.load_async().await.context(|| "loading the account's key".into())?;
        Ok(Wallet::new(chain, signer, self.data.data_dir.clone()))
    }
}

/// An account that is looked at: no key is needed if its address is given.
#[derive(Args, Clone, Debug)]
pub(crate) struct AccountArgs {
    /// The account [default: that of the key]
    address: Option<Address>,
    #[command(flatten)]
    signer: SignerArgs,
}

impl AccountArgs {
    pub(crate) async fn address(&self) -> Result<Address, CliError> {
        match self.address {
            Some(address) => Ok(address),
            None => Ok(self.signer.load_async().await.context(|| "loading the account's key".into())?.address()),
        }
    }
}

/// What a node offers, by its name.
pub(crate) fn resource_type(text: &str) -> Result<ResourceType, String> {
    let found = ResourceType::ALL.iter().find(|kind| kind.name().eq_ignore_ascii_case(text));
    found.copied().ok_or_else(|| {
        let names: Vec<_> = ResourceType::ALL.iter().map(|kind| kind.name()).collect();
        format!("expected one of {}", names.join(", "))
    })
}

/// Which indexer.
#[derive(Args, Clone, Debug)]
pub(crate) struct IndexerArgs {
    /// The indexer to ask, e.g. http://127.0.0.1:4350
    #[arg(long, visible_alias = "indexer", env = "AIIGO_INDEXER_URL", value_name = "URL")]
    pub(crate) indexer_url: Option<Url>,
}

impl IndexerArgs {
    /// The indexer, if one is named.
    pub(crate) fn optional(&self) -> Result<Option<Indexer>, CliError> {
        self.indexer_url.clone().map(Indexer::new).transpose()
    }

    /// The indexer, which `what` needs.
    pub(crate) fn required(&self, what: &str) -> Result<Indexer, CliError> {
        self.optional()?.ok_or_else(|| {
            CliError::Usage(format!("{what} needs an indexer: name it with --indexer-url URL or AIIGO_INDEXER_URL"))
        })
    }
}

/// Where this buyer's blobs are.
#[derive(Args, Clone, Debug)]
pub(crate) struct StoreArgs {
    /// Folder with this buyer's blobs, served by `aiigo store serve` [default: store, in the data folder]
    #[arg(long, env = "AIIGO_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
}

impl StoreArgs {
    pub(crate) fn dir(&self, data: &DataArgs) -> PathBuf {
        self.store.clone().unwrap_or_else(|| data.data_dir.join("store"))
    }
}

/// Parses a task or node id, an amount, or anything else with a good error of its own.
pub(crate) fn parsed<T>(text: &str) -> Result<T, String>
where
    T: std::str::FromStr,
    T::Err: std::fmt::Display,
{
    text.parse().map_err(|error: T::Err| error.to_string())
}
