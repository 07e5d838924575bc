//! The connection to a chain: several endpoints as one, checked before use.

mod failover;

use std::path::PathBuf;

use aiigo_protocol::{ContractName, Deployment, DeploymentError};
use alloy::{
    primitives::{Address, ChainId},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::client::RpcClient,
    transports::{RpcError as TransportFailure, TransportErrorKind},
};
use clap::Args;
use url::Url;

use self::failover::Failover;

/// Flags of every program that talks to a chain.
#[derive(Args, Clone, Debug)]
pub struct RpcArgs {
    /// HTTP endpoint of the chain; several, in order of preference, stand in for one another.
    #[arg(
        long = "rpc-url",
        value_name = "URL",
        env = "AIIGO_RPC_URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8545"
    )]
    pub rpc_urls: Vec<Url>,
    /// The deployment file of the contracts (`deployments/<chain id>.json`).
    #[arg(long, value_name = "FILE", env = "AIIGO_DEPLOYMENT", default_value = "deployments/31337.json")]
    pub deployment: PathBuf,
}

impl RpcArgs {
    /// Reads the deployment file and connects.
    ///
    /// # Errors
    /// As [`connect`], and if the deployment file can't be used.
    pub async fn connect(&self) -> Result<(DynProvider, Deployment), RpcError> {
        let deployment = Deployment::load(&self.deployment)?;
        let provider = connect(&self.rpc_urls, &deployment).await?;
        Ok((provider, deployment))
    }
}

/// Why there is no usable connection.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// No endpoint was given.
    #[error("no RPC endpoint was given: use --rpc-url or AIIGO_RPC_URL")]
    NoEndpoint,
    /// The endpoint's scheme is not spoken here.
    #[error("{url} is no HTTP endpoint: an RPC URL begins with http:// or https://")]
    Scheme {
        /// What was given.
        url: Url,
    },
    /// No endpoint answered.
    #[error("no RPC endpoint answers ({urls}): {source}; is the node running, and is the URL right?")]
    Unreachable {
        /// Those that were tried.
        urls: String,
        /// What the last one said.
        source: TransportFailure<TransportErrorKind>,
    },
    /// The endpoint serves another chain.
    #[error("{url} serves chain {found}, but the deployment file is of chain {expected}")]
    WrongChain {
        /// The endpoint.
        url: Url,
        /// What it serves.
        found: ChainId,
        /// What the deployment file says.
        expected: ChainId,
    },
    /// A contract of the deployment has no code.
    #[error(
        "there is no {contract} at {address} on chain {chain}: the deployment file belongs to another chain with the \
         same id, or the node has not synced that far"
    )]
    NoCode {
        /// The contract.
        contract: ContractName,
        /// Where it should be.
        address: Address,
        /// The chain's id.
        chain: ChainId,
    },
    /// The deployment file can't be used.
    #[error(transparent)]
    Deployment(#[from] DeploymentError),
}

/// Connects to a chain through all of `urls`: the first that answers is used until it fails. Endpoints that answer must
/// serve the deployment's chain; one that does not answer now may come later.
///
/// # Errors
/// If no endpoint answers, one serves another chain, or a contract of the deployment has no code.
pub async fn connect(urls: &[Url], deployment: &Deployment) -> Result<DynProvider, RpcError> {
    let provider = connect_unchecked(urls)?;
    let mut unreachable = None;
    let mut reached = false;
    for url in urls {
        match connect_unchecked(std::slice::from_ref(url))?.get_chain_id().await {
            Ok(found) if found == deployment.chain_id => reached = true,
            Ok(found) => {
                return Err(RpcError::WrongChain { url: url.clone(), found, expected: deployment.chain_id });
            }
            Err(error) => {
                tracing::warn!(%url, %error, "RPC endpoint does not answer");
                unreachable = Some(error);
            }
        }
    }
    let failed = |source| RpcError::Unreachable { urls: list(urls), source };
    match unreachable {
        Some(source) if !reached => return Err(failed(source)),
        _ => {}
    }
    for contract in ContractName::ALL {
        let address = deployment.address(contract);
        if provider.get_code_at(address).await.map_err(failed)?.is_empty() {
            return Err(RpcError::NoCode { contract, address, chain: deployment.chain_id });
        }
    }
    Ok(provider)
}

/// Connects without asking anything: for chains without a deployment.
///
/// # Errors
/// If there is no endpoint, or one is no HTTP URL.
pub fn connect_unchecked(urls: &[Url]) -> Result<DynProvider, RpcError> {
    if urls.is_empty() {
        return Err(RpcError::NoEndpoint);
    }
    if let Some(url) = urls.iter().find(|url| !matches!(url.scheme(), "http" | "https")) {
        return Err(RpcError::Scheme { url: url.clone() });
    }
    let client = RpcClient::new(Failover::new(urls), false);
    Ok(ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased())
}

fn list(urls: &[Url]) -> String {
    urls.iter().map(Url::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_silent_endpoint_is_named() {
        let text = r#"{"chainId":1,"block":0,"contracts":{}}"#;
        let deployment: Deployment = serde_json::from_str(text).expect("a deployment");
        let url: Url = "http://127.0.0.1:1".parse().expect("a URL");
        let error = connect(&[url], &deployment).await.expect_err("nobody listens there").to_string();
        assert!(error.contains("http://127.0.0.1:1/") && error.contains("is the node running"), "{error}");
    }

    #[test]
    fn a_url_of_another_kind_is_refused() {
        let url: Url = "ws://127.0.0.1:1".parse().expect("a URL");
        assert!(matches!(connect_unchecked(&[url]), Err(RpcError::Scheme { .. })));
        assert!(matches!(connect_unchecked(&[]), Err(RpcError::NoEndpoint)));
    }
}
