//! The chain with the suite's contracts on it.

use std::sync::Arc;

use aiigo_protocol::{
    AIIGOGovernor, AIIGOToken, ContractName, Deployment, DisputeCourt, EscrowManager, NodeRegistry, RewardDistributor,
    StakingPool, TaskId, TaskMarketplace, TaskStatus,
};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, U256},
    providers::{DynProvider, Provider},
};

use crate::error::{CliError, Context};

/// A provider and the deployment that is read through it.
#[derive(Clone, Debug)]
pub struct Chain {
    provider: DynProvider,
    deployment: Arc<Deployment>,
}

/// The chain's newest block.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) number: u64,
    /// Unix seconds.
    pub(crate) timestamp: u64,
}

impl Chain {
    /// A chain whose endpoint and contracts were checked before.
    pub fn new(provider: DynProvider, deployment: Arc<Deployment>) -> Self {
        Self { provider, deployment }
    }

    /// The provider.
    pub fn provider(&self) -> &DynProvider {
        &self.provider
    }

    /// The deployment.
    pub fn deployment(&self) -> &Deployment {
        &self.deployment
    }

    pub(crate) fn market(&self) -> TaskMarketplace::TaskMarketplaceInstance<&DynProvider> {
        TaskMarketplace::new(self.deployment.address(ContractName::TaskMarketplace), &self.provider)
    }

    pub(crate) fn registry(&self) -> NodeRegistry::NodeRegistryInstance<&DynProvider> {
        NodeRegistry::new(self.deployment.address(ContractName::NodeRegistry), &self.provider)
    }

    pub(crate) fn escrow(&self) -> EscrowManager::EscrowManagerInstance<&DynProvider> {
        EscrowManager::new(self.deployment.address(ContractName::EscrowManager), &self.provider)
    }

    pub(crate) fn token(&self) -> AIIGOToken::AIIGOTokenInstance<&DynProvider> {
        AIIGOToken::new(self.deployment.address(ContractName::AIIGOToken), &self.provider)
    }

    pub(crate) fn pool(&self) -> StakingPool::StakingPoolInstance<&DynProvider> {
        StakingPool::new(self.deployment.address(ContractName::StakingPool), &self.provider)
    }

    pub(crate) fn governor(&self) -> AIIGOGovernor::AIIGOGovernorInstance<&DynProvider> {
        AIIGOGovernor::new(self.deployment.address(ContractName::AIIGOGovernor), &self.provider)
    }

    pub(crate) fn court(&self) -> DisputeCourt::DisputeCourtInstance<&DynProvider> {
        DisputeCourt::new(self.deployment.address(ContractName::DisputeCourt), &self.provider)
    }

    pub(crate) fn rewards(&self) -> RewardDistributor::RewardDistributorInstance<&DynProvider> {
        RewardDistributor::new(self.deployment.address(ContractName::RewardDistributor), &self.provider)
    }

    pub(crate) async fn head(&self) -> Result<Head, CliError> {
        let block = self.provider.get_block_by_number(BlockNumberOrTag::Latest).await;
        let block = block.context(|| "reading the chain's newest block".into())?;
        let block = block.ok_or_else(|| CliError::Failed("the chain has no blocks".into()))?;
        Ok(Head { number: block.header.number, timestamp: block.header.timestamp })
    }

    pub(crate) async fn eth_of(&self, account: Address) -> Result<U256, CliError> {
        self.provider.get_balance(account).await.context(|| format!("reading the ETH balance of {account}"))
    }

    /// A task as it stands now; an unknown one is an error.
    pub(crate) async fn task(&self, id: TaskId) -> Result<(TaskStatus, TaskMarketplace::Task), CliError> {
        let task = self.market().taskOf(id.0).call().await;
        let task = task.map_err(|error| CliError::call(format!("reading task {id}"), error))?;
        match TaskStatus::try_from(task.status).context(|| format!("reading task {id}"))? {
            TaskStatus::None => Err(CliError::Failed(format!(
                "there is no task {id} on chain {}: check the id, and that --rpc-url and --deployment name the chain it \
                 was created on",
                self.deployment.chain_id
            ))),
            status => Ok((status, task)),
        }
    }
}
