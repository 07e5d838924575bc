//! The connection to a chain: several endpoints as one, checked before use.

mod endpoint;
mod error;
mod failover;
mod known;

use std::{path::PathBuf, time::Duration};

use aiigo_protocol::{ContractName, Deployment};
use alloy::{
    primitives::ChainId,
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::client::RpcClient,
};
use clap::Args;
use futures::future::join_all;
use url::{Host, Url};

pub(crate) use self::endpoint::public_name;
pub use self::error::RpcError;
pub(crate) use self::known::is_already_known;
use self::{
    endpoint::{Endpoint, EndpointError},
    failover::Failover,
};

/// An endpoint that takes longer than this counts as silent, unless told otherwise; milliseconds.
const PATIENCE: u64 = 20_000;

/// Flags of every program that talks to a chain.
#[derive(Args, Clone, Debug)]
pub struct RpcArgs {
    /// HTTP or WebSocket endpoint of the chain; several, in order of preference, stand in for one another
    #[arg(
        long = "rpc-url",
        value_name = "URL",
        env = "AIIGO_RPC_URL",
        value_delimiter = ',',
        default_value = "http://127.0.0.1:8545"
    )]
    pub rpc_urls: Vec<Url>,
    /// The deployment file of the contracts [default: deployments/<chain id>.json]
    #[arg(long, value_name = "FILE", env = "AIIGO_DEPLOYMENT")]
    pub deployment: Option<PathBuf>,
    /// An endpoint that takes longer counts as silent
    #[arg(
        long = "rpc-timeout",
        value_name = "MILLISECONDS",
        env = "AIIGO_RPC_TIMEOUT",
        default_value_t = PATIENCE,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    pub timeout: u64,
}

impl RpcArgs {
    /// Reads the deployment file and connects.
    ///
    /// # Errors
    /// As [`connect`], and if the deployment file can't be used.
    pub async fn connect(&self) -> Result<(DynProvider, Deployment), RpcError> {
        let patience = Duration::from_millis(self.timeout);
        let file = match &self.deployment {
            Some(file) => file.clone(),
            None => {
                let endpoints = provider(failover(&self.rpc_urls, None, patience)?, &self.rpc_urls);
                let chain = endpoints.get_chain_id().await;
                let chain = chain.map_err(|error| RpcError::unreachable(&self.rpc_urls, error.to_string()))?;
                PathBuf::from(format!("deployments/{chain}.json"))
            }
        };
        let deployment = Deployment::load(&file)?;
        let provider = checked(&self.rpc_urls, &deployment, patience).await?;
        Ok((provider, deployment))
    }
}

/// Connects to a chain through all of `urls`, in order of preference. Endpoints that answer must serve the deployment's
/// chain; one that does not answer now may come later, and is checked then.
///
/// # Errors
/// If no endpoint answers, one serves another chain, or a contract of the deployment has no code.
pub async fn connect(urls: &[Url], deployment: &Deployment) -> Result<DynProvider, RpcError> {
    checked(urls, deployment, Duration::from_millis(PATIENCE)).await
}

async fn checked(urls: &[Url], deployment: &Deployment, patience: Duration) -> Result<DynProvider, RpcError> {
    let failover = failover(urls, Some(deployment.chain_id), patience)?;
    let mut silent = Vec::new();
    let checks = join_all(failover.endpoints().iter().map(|endpoint| endpoint.connected())).await;
    for (endpoint, check) in failover.endpoints().iter().zip(checks) {
        match check {
            Ok(_) => {}
            Err(EndpointError::WrongChain { endpoint, found, expected }) => {
                return Err(RpcError::WrongChain { url: endpoint, found, expected });
            }
            Err(error) => {
                endpoint.rest();
                silent.push(error);
            }
        }
    }
    if silent.len() == urls.len() {
        let reasons: Vec<_> = silent.iter().map(ToString::to_string).collect();
        return Err(RpcError::unreachable(urls, reasons.join("; ")));
    }
    for error in silent {
        tracing::warn!(%error, "an RPC endpoint does not answer; going on with the others");
    }
    let provider = provider(failover, urls);
    for contract in ContractName::ALL {
        let address = deployment.address(contract);
        let code = provider.get_code_at(address).await;
        if code.map_err(|error| RpcError::unreachable(urls, error.to_string()))?.is_empty() {
            return Err(RpcError::NoCode { contract, address, chain: deployment.chain_id, urls: list(urls) });
        }
    }
    Ok(provider)
}

/// Connects without asking anything: for chains without a deployment.
///
/// # Errors
/// If there is no endpoint, or one is no HTTP or WebSocket URL.
pub fn connect_unchecked(urls: &[Url]) -> Result<DynProvider, RpcError> {
    Ok(provider(failover(urls, None, Duration::from_millis(PATIENCE))?, urls))
}

fn failover(urls: &[Url], chain: Option<ChainId>, patience: Duration) -> Result<Failover, RpcError> {
    if urls.is_empty() {
        return Err(RpcError::NoEndpoint);
    }
    if let Some(url) = urls.iter().find(|url| !matches!(url.scheme(), "http" | "https" | "ws" | "wss")) {
        return Err(RpcError::Scheme { url: public_name(url) });
    }
    Ok(Failover::new(urls.iter().map(|url| Endpoint::new(url, chain, patience))))
}

fn provider(failover: Failover, urls: &[Url]) -> DynProvider {
    // A node on this machine may be asked more often.
    let client = RpcClient::new(failover, urls.iter().all(is_loopback));
    ProviderBuilder::new().disable_recommended_fillers().connect_client(client).erased()
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn list(urls: &[Url]) -> String {
    urls.iter().map(public_name).collect::<Vec<_>>().join(", ")
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
        assert!(error.contains("http://127.0.0.1:1") && error.contains("is the node running"), "{error}");
    }

    #[test]
    fn a_url_of_another_kind_is_refused() {
        let url: Url = "ftp://127.0.0.1:1".parse().expect("a URL");
        assert!(matches!(connect_unchecked(&[url]), Err(RpcError::Scheme { .. })));
        assert!(matches!(connect_unchecked(&[]), Err(RpcError::NoEndpoint)));
    }
}
