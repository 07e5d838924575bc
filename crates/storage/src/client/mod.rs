//! Reads from gateways that are not trusted, and pushes to those that take a delivery.

mod address;
mod attempt;
mod fetch;
mod kubo;
mod push;
mod sink;
mod source;

use std::{path::Path, sync::Arc, time::Duration};

pub use attempt::{Attempt, FetchError, PushError};
pub use kubo::{KuboError, KuboStore};

use crate::{
    BlobCid, BlobRef, FolderLimits, FolderRef, GatewayUrl, SignedGrant,
    dag::{IPFS, Walk},
};
use address::PublicOnly;
use sink::{FileSink, FolderSink};

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub struct ClientOptions {
    /// Whether gateways at private, local and other special addresses are used. Off by default: addresses come from
    /// strangers, who could point a client into its own network.
    pub allow_private: bool,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How long one block may take to arrive. A gateway that is slower is left for the next.
    pub block_timeout: Duration,
    /// How long one fetch or push may take in all.
    pub total_timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            allow_private: false,
            connect_timeout: Duration::from_secs(5),
            block_timeout: Duration::from_secs(20),
            total_timeout: Duration::from_secs(1800),
        }
    }
}

/// Fetches blobs from trustless gateways and pushes blobs to them. It follows no redirects and uses no proxy. Cloning is
/// cheap.
#[derive(Clone, Debug)]
pub struct GatewayClient {
    http: reqwest::Client,
    gateways: Vec<GatewayUrl>,
    options: ClientOptions,
}

impl GatewayClient {
    /// A client of these gateways, the best first, with the default options.
    ///
    /// # Errors
    /// If the system's TLS set-up can't be used.
    pub fn new(gateways: impl IntoIterator<Item = GatewayUrl>) -> Result<Self, FetchError> {
        Self::with_options(gateways, ClientOptions::default())
    }

    /// A client of these gateways, the best first.
    ///
    /// # Errors
    /// If the system's TLS set-up can't be used.
    pub fn with_options(
        gateways: impl IntoIterator<Item = GatewayUrl>,
        options: ClientOptions,
    ) -> Result<Self, FetchError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("aiigo/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(options.connect_timeout);
        if !options.allow_private {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        let http = builder.build().map_err(|error| FetchError::Client(attempt::root_cause(&error)))?;
        let mut distinct = Vec::new();
        for gateway in gateways {
            if !distinct.contains(&gateway) {
                distinct.push(gateway);
            }
        }
        Ok(Self { http, gateways: distinct, options })
    }

    /// The same client, with other gateways.
    #[must_use]
    pub fn at(&self, gateways: impl IntoIterator<Item = GatewayUrl>) -> Self {
        let mut client = Self { gateways: Vec::new(), ..self.clone() };
        for gateway in gateways {
            if !client.gateways.contains(&gateway) {
                client.gateways.push(gateway);
            }
        }
        client
    }

    /// The gateways, the best first.
    pub fn gateways(&self) -> &[GatewayUrl] {
        &self.gateways
    }

    /// Fetches a blob into a file, which appears as a whole or not at all and replaces what was there. Every block is
    /// verified before it is written; a gateway that fails or fakes is left for the next, which goes on where it stopped.
    ///
    /// # Errors
    /// If the blob has more than `max_size` bytes, no gateway delivers it in time, or the file can't be written.
    pub async fn fetch(&self, cid: &BlobCid, max_size: u64, destination: &Path) -> Result<BlobRef, FetchError> {
        let file = FileSink::begin(destination).await?;
        fetch::fetch(self, *cid, Walk::new(IPFS, *cid, max_size), file).await?.finish(*cid).await
    }

    /// Fetches a folder with all below it, which appears as a whole or not at all. Nothing must be at `destination` yet,
    /// or an empty folder. Every block is verified before it is written, and every name is checked.
    ///
    /// # Errors
    /// If the folder exceeds the limits, is no folder of ours, or has names that no file may have; if no gateway delivers
    /// it in time, or `destination` can't be written.
    pub async fn fetch_folder(
        &self,
        cid: &BlobCid,
        limits: FolderLimits,
        destination: &Path,
    ) -> Result<FolderRef, FetchError> {
        let folder = FolderSink::begin(destination).await?;
        fetch::fetch(self, *cid, Walk::tree(IPFS, *cid, limits), folder).await?.finish(*cid).await
    }

    /// Fetches a blob into memory.
    ///
    /// # Errors
    /// If the blob has more than `max_size` bytes, or no gateway delivers it in time.
    pub async fn fetch_bytes(&self, cid: &BlobCid, max_size: u64) -> Result<Vec<u8>, FetchError> {
        fetch::fetch(self, *cid, Walk::new(IPFS, *cid, max_size), Vec::new()).await
    }

    /// Pushes the file that a grant is for to the first gateway that takes it, and returns that gateway. Pushing again what
    /// has arrived is harmless.
    ///
    /// # Errors
    /// If the file can't be read or is not what the grant is for, or no gateway takes it in time.
    pub async fn push(&self, file: &Path, grant: &SignedGrant) -> Result<GatewayUrl, PushError> {
        push::push(self, file, grant).await
    }
}
