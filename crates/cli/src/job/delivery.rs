//! Takes a result: fetches the manifest and every file by CID, checks all of it, and puts it in place as a whole.

use std::path::{Path, PathBuf};

use aiigo_protocol::TaskId;
use aiigo_storage::{BlobCid, ClientOptions, ContentUri, DirStore, GatewayClient, GatewayUrl, StoreError};
use aiigo_task::{MAX_DOCUMENT_BYTES, OutputFile, ResultManifest, TaskSpec};

use super::{
    results::Results,
    timeline::Timeline,
    verify::{self, Difference, Promise},
};
use crate::{CliError, error::Context, store::Published};

/// A result that waits to be taken.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The task's history, up to its result.
    pub timeline: &'a Timeline,
    /// The buyer's store.
    pub store: &'a Path,
}

/// A result that passed every check.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// What the provider says it did.
    pub manifest: ResultManifest,
    /// The folder with the outputs.
    pub dir: PathBuf,
}

impl Delivery<'_> {
    /// Fetches, checks, and puts the result into a folder: `results/<task>` unless told otherwise.
    ///
    /// # Errors
    /// If something can't be fetched, or is not what was promised ([`CliError::Rejected`]).
    pub async fn take(&self, folder: Option<&Path>) -> Result<Delivered, CliError> {
        let id = self.timeline.task_id();
        let default = || Path::new("results").join(id.to_string());
        let place = Results::begin(&folder.map_or_else(default, Path::to_owned), id)?;
        let manifest = self.fetch_into(&place).await?;
        Ok(Delivered { manifest, dir: place.publish()? })
    }

    /// Fetches and checks, and keeps nothing.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn check(&self) -> Result<ResultManifest, CliError> {
        let dir = tempfile::tempdir().context(|| "making a temporary folder".into())?;
        let place = Results::begin(&dir.path().join("result"), self.timeline.task_id())?;
        self.fetch_into(&place).await
    }

    async fn fetch_into(&self, place: &Results) -> Result<ResultManifest, CliError> {
        let task = self.timeline.task_id();
        let rejected = |source: Difference| CliError::Rejected { task, source: Box::new(source) };
        let (Some(created), Some(result)) = (self.timeline.created(), self.timeline.result()) else {
            return Err(CliError::Failed(format!("the chain's events of task {task} show no result")));
        };

        let spec_uri: ContentUri =
            created.request.specURI.parse().context(|| format!("reading the URI of the spec of task {task}"))?;
        let mut sources = Sources::open(self.store, task)?;
        // What the buyer ordered from this very store names the buyer's own gateways, which may be on this machine. All
        // other addresses come from strangers.
        let chain_id = self.timeline.chain().deployment().chain_id;
        let own = Published::in_store(self.store).spec(chain_id, created.buyer, created.specHash)?.is_some();
        sources.add(&spec_uri.gateways, own);
        let spec_json = sources.document(&spec_uri.cid, "the task spec").await?;
        let spec = TaskSpec::parse_promised(&spec_json, created.specHash)
            .context(|| format!("reading the spec of task {task}"))?;
        sources.add(&spec.gateways, own);

        let uri: ContentUri = result.resultURI.parse().map_err(|error| rejected(Difference::Uri(error)))?;
        sources.add(&uri.gateways, false);
        let json = sources.document(&uri.cid, "the result manifest").await?;
        let promise = Promise { task_id: task, spec: &spec, result_hash: result.resultHash };
        let manifest = verify::manifest(&json, &promise).map_err(rejected)?;
        for output in &manifest.outputs {
            let file = place.output(&output.path)?;
            sources.file(&output.cid, output.size, &file, output.path.as_str()).await?;
            check(output.clone(), file).await?.map_err(rejected)?;
        }
        for (name, text) in [("stdout", manifest.stdout), ("stderr", manifest.stderr)] {
            if let Some(text) = text {
                sources.file(&text.cid, text.size, &place.own(name), name).await?;
            }
        }
        let file = place.manifest();
        tokio::fs::write(&file, &json).await.context(|| format!("writing {}", file.display()))?;
        Ok(manifest)
    }
}

/// Hashing is work for a processor, not for the async runtime.
async fn check(output: OutputFile, file: PathBuf) -> Result<Result<(), Difference>, CliError> {
    let work = tokio::task::spawn_blocking(move || verify::file(&output, &file));
    work.await.context(|| "checking an output".into())
}

/// Where blobs come from: the buyer's own store, the buyer's own gateways, then strangers'.
#[derive(Debug)]
struct Sources {
    task: TaskId,
    store: DirStore,
    own: Vec<GatewayUrl>,
    strangers: Vec<GatewayUrl>,
}

impl Sources {
    fn open(store: &Path, task: TaskId) -> Result<Self, CliError> {
        let store = DirStore::open(store).context(|| format!("opening the store {}", store.display()))?;
        Ok(Self { task, store, own: Vec::new(), strangers: Vec::new() })
    }

    fn add(&mut self, gateways: &[GatewayUrl], own: bool) {
        let list = if own { &mut self.own } else { &mut self.strangers };
        list.extend_from_slice(gateways);
    }

    /// A small blob.
    async fn document(&self, cid: &BlobCid, what: &str) -> Result<Vec<u8>, CliError> {
        let dir = tempfile::tempdir().context(|| "making a temporary folder".into())?;
        let file = dir.path().join("document");
        self.file(cid, MAX_DOCUMENT_BYTES as u64, &file, what).await?;
        tokio::fs::read(&file).await.context(|| format!("reading {what}"))
    }

    /// A blob of at most `most` bytes, every block checked against its CID.
    async fn file(&self, cid: &BlobCid, most: u64, to: &Path, what: &str) -> Result<(), CliError> {
        let failed = || {
            let task = self.task;
            format!(
                "fetching {what} ({cid}) of task {task}; nothing was approved; to try again: aiigo job follow {task}"
            )
        };
        match self.store.get_file(cid, to, most).await {
            // Not there, or not any more what it was: others may have it.
            Err(StoreError::Missing(_) | StoreError::Damaged { .. }) => {}
            got => return got.map(|_| ()).context(failed),
        }
        let client = |gateways: &[GatewayUrl], allow_private| {
            let options = ClientOptions { allow_private, ..ClientOptions::default() };
            GatewayClient::with_options(gateways.iter().cloned(), options)
        };
        if !self.own.is_empty() {
            match client(&self.own, true).context(failed)?.fetch(cid, most, to).await {
                Ok(_) => return Ok(()),
                Err(error) if self.strangers.is_empty() => return Err(error).context(failed),
                Err(error) => tracing::debug!(%cid, %error, "the buyer's own gateways do not have it"),
            }
        }
        client(&self.strangers, false).context(failed)?.fetch(cid, most, to).await.context(failed)?;
        Ok(())
    }
}
