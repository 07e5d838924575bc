//! The suite's contracts, to read from and to build calls for.

use std::sync::Arc;

use aiigo_chain::search_back;
use aiigo_protocol::{
    AIIGOToken, ContractName, Deployment, EscrowManager, ITaskMarketplace, NodeId, NodeRegistry, NodeStatus,
    ProofOfWorkVerifier, TaskId, TaskMarketplace, TaskStatus,
};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U256},
    providers::{DynProvider, Provider},
    rpc::types::{Filter, Log},
};

use crate::error::{AgentError, Context, read_error};

/// A call to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) to: Address,
    pub(crate) data: Bytes,
    pub(crate) value: U256,
}

/// A block of the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub(crate) number: u64,
    pub(crate) hash: B256,
    /// Unix seconds.
    pub(crate) timestamp: u64,
}

/// The contracts of one deployment.
#[derive(Clone, Debug)]
pub(crate) struct Market {
    provider: DynProvider,
    deployment: Arc<Deployment>,
}

impl Market {
    pub(crate) fn new(provider: DynProvider, deployment: Deployment) -> Self {
        Self { provider, deployment: Arc::new(deployment) }
    }

    pub(crate) fn provider(&self) -> &DynProvider {
        &self.provider
    }

    pub(crate) fn deployment(&self) -> &Arc<Deployment> {
        &self.deployment
    }

    pub(crate) fn chain_id(&self) -> u64 {
        self.deployment.chain_id
    }

    pub(crate) fn address(&self, contract: ContractName) -> Address {
        self.deployment.address(contract)
    }

    pub(crate) fn registry(&self) -> NodeRegistry::NodeRegistryInstance<&DynProvider> {
        NodeRegistry::new(self.address(ContractName::NodeRegistry), &self.provider)
    }

    pub(crate) fn verifier(&self) -> ProofOfWorkVerifier::ProofOfWorkVerifierInstance<&DynProvider> {
        ProofOfWorkVerifier::new(self.address(ContractName::ProofOfWorkVerifier), &self.provider)
    }

    pub(crate) fn tasks(&self) -> TaskMarketplace::TaskMarketplaceInstance<&DynProvider> {
        TaskMarketplace::new(self.address(ContractName::TaskMarketplace), &self.provider)
    }

    pub(crate) fn escrow(&self) -> EscrowManager::EscrowManagerInstance<&DynProvider> {
        EscrowManager::new(self.address(ContractName::EscrowManager), &self.provider)
    }

    pub(crate) fn token(&self) -> AIIGOToken::AIIGOTokenInstance<&DynProvider> {
        AIIGOToken::new(self.address(ContractName::AIIGOToken), &self.provider)
    }

    /// A call of a contract of the suite.
    pub(crate) fn call(&self, contract: ContractName, data: Bytes) -> Call {
        Call { to: self.address(contract), data, value: U256::ZERO }
    }

    pub(crate) async fn head(&self) -> Result<Head, AgentError> {
        self.block(BlockNumberOrTag::Latest).await
    }

    /// The suite's logs that match, oldest first: from the newest backwards, until `complete` says that there are enough.
    pub(crate) async fn logs(
        &self,
        filter: &Filter,
        complete: impl Fn(&[Log]) -> bool,
    ) -> Result<Vec<Log>, AgentError> {
        let head = self.head().await?.number;
        let logs = search_back(&self.provider, filter, self.deployment.block, head, complete).await;
        logs.context("the endpoint does not tell")
    }

    /// The block at a height, as far as the chain has come.
    pub(crate) async fn block(&self, height: BlockNumberOrTag) -> Result<Head, AgentError> {
        let block = self.provider.get_block_by_number(height).await;
        let block = block.context(format!("cannot read the chain's {height} block"))?;
        let block = block.ok_or_else(|| AgentError::new(format!("the chain has no {height} block")))?;
        Ok(Head { number: block.header.number, hash: block.header.hash, timestamp: block.header.timestamp })
    }

    pub(crate) async fn eth_of(&self, account: Address) -> Result<U256, AgentError> {
        self.provider.get_balance(account).await.context(format!("cannot read the ETH balance of {account}"))
    }

    /// A node as the registry sees it now.
    pub(crate) async fn node(&self, id: NodeId) -> Result<NodeRegistry::NodeInfo, AgentError> {
        self.registry().nodeInfo(id.0).call().await.map_err(|error| read_error(format!("cannot read node {id}"), error))
    }

    /// A task as the marketplace sees it now, and where it stands.
    pub(crate) async fn task(&self, id: TaskId) -> Result<(TaskStatus, TaskMarketplace::Task), AgentError> {
        let what = || format!("cannot read task {id}");
        let task = self.tasks().taskOf(id.0).call().await.map_err(|error| read_error(what(), error))?;
        Ok((TaskStatus::try_from(task.status).context(what())?, task))
    }

    pub(crate) async fn task_parameters(&self) -> Result<ITaskMarketplace::Parameters, AgentError> {
        let read = self.tasks().parameters().call().await;
        read.map_err(|error| read_error("cannot read the marketplace's parameters", error))
    }
}

/// A node's status, as the contracts define it.
pub(crate) fn status_of(node: &NodeRegistry::NodeInfo) -> Result<NodeStatus, AgentError> {
    NodeStatus::try_from(node.status).context("the registry gives a status that this agent does not know: update it")
}
