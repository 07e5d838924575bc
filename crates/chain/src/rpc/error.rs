//! Why there is no usable connection.

use aiigo_protocol::{ContractName, DeploymentError};
use alloy::primitives::{Address, ChainId};
use url::Url;

/// Why there is no usable connection. URLs are told without user, path and query, which may hold keys.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RpcError {
    /// No endpoint was given.
    #[error("no RPC endpoint was given: use --rpc-url or AIIGO_RPC_URL")]
    NoEndpoint,
    /// The endpoint's scheme is not spoken here.
    #[error("{url} is no RPC endpoint: its URL must begin with http://, https://, ws:// or wss://")]
    Scheme {
        /// What was given.
        url: String,
    },
    /// No endpoint answered.
    #[error("no RPC endpoint answers ({urls}): is the node running, and is the URL right? {reason}")]
    Unreachable {
        /// Those that were tried.
        urls: String,
        /// What they said.
        reason: String,
    },
    /// The endpoint serves another chain.
    #[error(
        "{url} serves chain {found}, but the deployment file is of chain {expected}: correct --rpc-url or --deployment"
    )]
    WrongChain {
        /// The endpoint.
        url: String,
        /// What it serves.
        found: ChainId,
        /// What the deployment file says.
        expected: ChainId,
    },
    /// A contract of the deployment has no code.
    #[error(
        "there is no {contract} at {address} on chain {chain} as {urls} shows it: the deployment file belongs to another \
         chain with the same id, or the node has not synced that far"
    )]
    NoCode {
        /// The contract.
        contract: ContractName,
        /// Where it should be.
        address: Address,
        /// The chain's id.
        chain: ChainId,
        /// The endpoints.
        urls: String,
    },
    /// The deployment file can't be used.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
}

impl RpcError {
    pub(super) fn unreachable(urls: &[Url], reason: String) -> Self {
        Self::Unreachable { urls: super::list(urls), reason }
    }
}
