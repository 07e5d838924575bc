//! Where blobs come from: the user's own store, the user's own gateways, then strangers'.

use std::path::{Path, PathBuf};

use aiigo_protocol::TaskMarketplace::TaskCreated;
use aiigo_storage::{BlobCid, BlobRef, ClientOptions, ContentUri, DirStore, GatewayClient, GatewayUrl, StoreError};
use aiigo_task::{MAX_DOCUMENT_BYTES, TaskSpec};

use crate::{
    Chain,
    error::{CliError, Context},
    store::Published,
};

/// Places to fetch from, in the order in which they are asked. Whoever gives a blob, its content is checked by its CID.
#[derive(Debug)]
pub(crate) struct Sources {
    store: DirStore,
    /// The store's folder.
    dir: PathBuf,
    own: Vec<GatewayUrl>,
    strangers: Vec<GatewayUrl>,
    /// Whether strangers' gateways may be at private addresses.
    private_strangers: bool,
}

impl Sources {
    /// The store alone, so far.
    pub(crate) fn open(store: &Path, private_strangers: bool) -> Result<Self, CliError> {
        let dir = store.to_owned();
        let store = DirStore::open(store).context(|| format!("opening the store {}", dir.display()))?;
        Ok(Self { store, dir, own: Vec::new(), strangers: Vec::new(), private_strangers })
    }

    pub(crate) fn add(&mut self, gateways: &[GatewayUrl], own: bool) {
        let list = if own { &mut self.own } else { &mut self.strangers };
        list.extend_from_slice(gateways);
    }

    /// What a task orders. From now on the gateways that it names are asked, too.
    pub(crate) async fn spec(&mut self, chain: &Chain, created: &TaskCreated) -> Result<TaskSpec, CliError> {
        let what = || format!("reading the spec of task {}", created.taskId);
        let uri: ContentUri = created.request.specURI.parse().context(what)?;
        // What the buyer ordered from this very store names the buyer's own gateways, which may be on this machine. All
        // other addresses come from strangers.
        let published = Published::in_store(&self.dir);
        let own = published.spec(chain.deployment().chain_id, created.buyer, created.specHash)?.is_some();
        self.add(&uri.gateways, own);
        let json = self.document(&uri.cid, "the task spec").await?;
        let spec = TaskSpec::parse_promised(&json, created.specHash).context(what)?;
        self.add(&spec.gateways, own);
        Ok(spec)
    }

    /// A small blob.
    pub(crate) async fn document(&self, cid: &BlobCid, what: &str) -> Result<Vec<u8>, CliError> {
        let dir = tempfile::tempdir().context(|| "making a temporary folder".into())?;
        let file = dir.path().join("document");
        self.file(cid, MAX_DOCUMENT_BYTES as u64, &file, what).await?;
        tokio::fs::read(&file).await.context(|| format!("reading {what}"))
    }

    /// A blob of at most `most` bytes, every block checked against its CID.
    pub(crate) async fn file(&self, cid: &BlobCid, most: u64, to: &Path, what: &str) -> Result<BlobRef, CliError> {
        let failed = || format!("fetching {what} ({cid})");
        match self.store.get_file(cid, to, most).await {
            // Not there, or not any more what it was: others may have it.
            Err(StoreError::Missing(_) | StoreError::Damaged { .. }) => {}
            got => return got.context(failed),
        }
        let client = |gateways: &[GatewayUrl], allow_private| {
            let options = ClientOptions { allow_private, ..ClientOptions::default() };
            GatewayClient::with_options(gateways.iter().cloned(), options)
        };
        if !self.own.is_empty() {
            match client(&self.own, true).context(failed)?.fetch(cid, most, to).await {
                Ok(blob) => return Ok(blob),
                Err(error) if self.strangers.is_empty() => return Err(error).context(failed),
                Err(error) => tracing::debug!(%cid, %error, "the user's own gateways do not have it"),
            }
        }
        client(&self.strangers, self.private_strangers).context(failed)?.fetch(cid, most, to).await.context(failed)
    }
}
