//! The devnet: a chain of one's own, with the suite on it.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_protocol::{AIIGOToken, ContractName, Deployment};
use alloy::{
    eips::BlockNumberOrTag,
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::{TransactionRequest, anvil::ReorgOptions},
};
use tokio::sync::Mutex;
use url::Url;

use crate::{
    account::Account,
    anvil::{Anvil, BlockTime, State},
    error::DevnetError,
    landing, snapshot,
};

/// EIP-155 chain id of a devnet.
pub const CHAIN_ID: u64 = 31337;
/// How a devnet is started.
#[derive(Clone, Debug)]
pub struct DevnetConfig {
    /// Where logs, the chain's state and the deployment file go; created if it is not there.
    pub dir: PathBuf,
    /// The checkout whose contracts are deployed and whose npm packages are used.
    pub project_root: PathBuf,
    /// When blocks come.
    pub block_time: BlockTime,
}

impl DevnetConfig {
    /// A devnet of this checkout with a block a second.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), project_root: project_root(), block_time: BlockTime::default() }
    }

    /// Sets when blocks come.
    #[must_use]
    pub fn block_time(mut self, block_time: BlockTime) -> Self {
        self.block_time = block_time;
        self
    }
}

/// The root of the checkout that this crate was built from.
pub fn project_root() -> PathBuf {
    let crate_dir = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_dir.ancestors().nth(2).unwrap_or(crate_dir).to_owned()
}

/// A running chain with the suite deployed. Dropping it stops the chain.
#[derive(Debug)]
pub struct Devnet {
    anvil: Anvil,
    deployment: Deployment,
    deployment_path: PathBuf,
    dir: PathBuf,
    /// The faucet's transactions go one by one: they share a nonce sequence.
    faucet: Mutex<()>,
}

impl Devnet {
    /// Starts a chain on a free port and deploys the suite, or continues from the cached deployment.
    ///
    /// # Errors
    /// If anvil or forge is missing or fails, or the contracts don't deploy.
    pub async fn start(config: DevnetConfig) -> Result<Self, DevnetError> {
        let DevnetConfig { dir, project_root, block_time } = config;
        fs::create_dir_all(&dir).map_err(DevnetError::file("create", &dir))?;
        let placed = snapshot::place(&project_root, &dir, CHAIN_ID).await?;
        let deployment = Deployment::load(&placed.deployment)?;
        let anvil = Anvil::start(&project_root, &dir, CHAIN_ID, block_time, State::LoadedFrom(&placed.state)).await?;
        let devnet = Self { anvil, deployment, deployment_path: placed.deployment, dir, faucet: Mutex::new(()) };
        // The first block at the present time: until then the chain would tell the time of the deployment.
        devnet.mine(1).await?;
        Ok(devnet)
    }

    /// The chain's JSON-RPC endpoint.
    pub fn rpc_url(&self) -> &Url {
        self.anvil.url()
    }

    /// The addresses of the suite.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    /// The deployment file, for `--deployment`.
    pub fn deployment_path(&self) -> &Path {
        &self.deployment_path
    }

    /// The folder with the devnet's files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// An account that holds ETH. 0 is the faucet: it also holds the AIIGO of the public sale.
    ///
    /// # Errors
    /// If the devnet funds fewer accounts.
    pub fn account(&self, index: u32) -> Result<Account, DevnetError> {
        Account::derive(index)
    }

    /// A provider that only reads.
    pub fn provider(&self) -> DynProvider {
        self.anvil.provider()
    }

    /// A provider that signs as `account`.
    pub fn provider_as(&self, account: &Account) -> DynProvider {
        self.anvil.provider_as(account)
    }

    /// Sends AIIGO (wei) from the faucet and waits until it has arrived.
    ///
    /// # Errors
    /// If the faucet is empty or the chain refuses.
    pub async fn send_aiigo(&self, to: Address, amount: U256) -> Result<(), DevnetError> {
        let faucet = self.account(0)?;
        let what = || format!("sending AIIGO to {to}");
        let _turn = self.faucet.lock().await;
        let token = AIIGOToken::new(self.deployment.address(ContractName::AIIGOToken), self.provider_as(&faucet));
        let pending = token.transfer(to, amount).send().await.map_err(DevnetError::rpc(what()))?;
        let receipt = landing::receipt(&pending).await?;
        settled(receipt.status(), what(), faucet.address(), receipt.transaction_hash)
    }

    /// Sends ETH (wei) from the faucet and waits until it has arrived.
    ///
    /// # Errors
    /// If the faucet is empty or the chain refuses.
    pub async fn send_eth(&self, to: Address, amount: U256) -> Result<(), DevnetError> {
        let faucet = self.account(0)?;
        let what = || format!("sending ETH to {to}");
        let _turn = self.faucet.lock().await;
        let transaction = TransactionRequest::default().with_to(to).with_value(amount);
        let pending =
            self.provider_as(&faucet).send_transaction(transaction).await.map_err(DevnetError::rpc(what()))?;
        let receipt = landing::receipt(&pending).await?;
        settled(receipt.status(), what(), faucet.address(), receipt.transaction_hash)
    }

    /// The chain's clock: the timestamp of its latest block, unix seconds.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn now(&self) -> Result<u64, DevnetError> {
        let latest = self.provider().get_block_by_number(BlockNumberOrTag::Latest).await;
        match latest.map_err(DevnetError::rpc("its latest block"))? {
            Some(block) => Ok(block.header.timestamp),
            None => Err(DevnetError::rpc("its latest block")("there is none")),
        }
    }

    /// Mines blocks at once.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn mine(&self, blocks: u64) -> Result<(), DevnetError> {
        self.anvil.mine(blocks).await
    }

    /// Moves the chain's clock forward for good, and mines a block that shows it.
    ///
    /// # Errors
    /// If the chain does not answer.
    pub async fn increase_time(&self, by: Duration) -> Result<(), DevnetError> {
        self.provider().anvil_increase_time(by.as_secs()).await.map_err(DevnetError::rpc("moving its clock"))?;
        self.mine(1).await
    }

    /// Calls a contract as the timelock, as if a proposal had passed.
    ///
    /// # Errors
    /// If the chain or the contract refuses.
    pub async fn govern(&self, to: Address, call: Bytes) -> Result<(), DevnetError> {
        let timelock = self.deployment.address(ContractName::TimelockController);
        let what = || format!("a call of {to} as the timelock");
        let provider = self.provider();
        let failed = |error| DevnetError::rpc(what())(error);
        // The timelock has neither key nor gas of its own.
        provider.anvil_set_balance(timelock, U256::from(10).pow(U256::from(18))).await.map_err(failed)?;
        provider.anvil_impersonate_account(timelock).await.map_err(failed)?;
        let transaction = TransactionRequest::default().with_from(timelock).with_to(to).with_input(call);
        let sent = provider.send_transaction(transaction).await;
        let stopped = provider.anvil_stop_impersonating_account(timelock).await;
        let receipt = landing::receipt(&sent.map_err(failed)?).await?;
        stopped.map_err(failed)?;
        settled(receipt.status(), what(), timelock, receipt.transaction_hash)
    }

    /// Replaces the last `depth` blocks by as many others, without their transactions.
    ///
    /// # Errors
    /// If the chain refuses: it can't go back behind the point where it was started.
    pub async fn reorg(&self, depth: u64) -> Result<(), DevnetError> {
        let options = ReorgOptions { depth, tx_block_pairs: Vec::new() };
        self.provider().anvil_reorg(options).await.map_err(DevnetError::rpc("a reorg"))
    }

    /// Stops the chain in good order.
    ///
    /// # Errors
    /// If the system won't say how it ended.
    pub async fn stop(self) -> Result<(), DevnetError> {
        self.anvil.stop().await
    }
}

fn settled(status: bool, what: String, from: Address, tx_hash: alloy::primitives::TxHash) -> Result<(), DevnetError> {
    if status { Ok(()) } else { Err(DevnetError::Reverted { what, from, tx_hash }) }
}
