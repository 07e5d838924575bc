//! Takes a result: fetches the manifest and every file by CID, checks all of it, and puts it in place as a whole.

use std::path::{Path, PathBuf};

use aiigo_storage::ContentUri;
use aiigo_task::{OutputFile, ResultManifest};
use alloy::primitives::B256;

use super::{
    results::Results,
    timeline::Timeline,
    verify::{self, Difference, Promise},
};
use crate::{CliError, error::Context, sources::Sources};

/// What a program printed, as the result's own folder names it.
const PRINTED: [&str; 2] = ["stdout", "stderr"];

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

    /// What the program printed, standard output first; `None` for a stream without a word.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn printed(&self) -> Result<[Option<Vec<u8>>; 2], CliError> {
        let dir = tempfile::tempdir().context(|| "making a temporary folder".into())?;
        self.of_any_copy(async |result, uri| {
            let (sources, manifest, _) = self.manifest(result, uri).await?;
            let mut printed = [None, None];
            let texts = PRINTED.into_iter().zip([manifest.stdout, manifest.stderr]);
            for ((name, text), bytes) in texts.zip(&mut printed) {
                let Some(text) = text else { continue };
                let file = dir.path().join(name);
                sources.file(&text.cid, text.size, &file, name).await?;
                *bytes = Some(tokio::fs::read(&file).await.context(|| format!("reading {name}"))?);
            }
            Ok(printed)
        })
        .await
    }

    async fn fetch_into(&self, place: &Results) -> Result<ResultManifest, CliError> {
        let fetched = self.of_any_copy(async |result, uri| self.fetch_copy(place, result, uri).await).await;
        fetched.map_err(|error| self.advised(error))
    }

    /// The first that succeeds: of nodes that came to the same result, each has a copy of it, and each may hold it back.
    async fn of_any_copy<T>(&self, take: impl AsyncFn(B256, &str) -> Result<T, CliError>) -> Result<T, CliError> {
        let task = self.timeline.task_id();
        let none = || CliError::Failed(format!("the chain's events of task {task} show no result"));
        let result = self.timeline.result().ok_or_else(none)?;
        let mut failed = None;
        for uri in result.uris {
            match take(result.hash, uri).await {
                Ok(taken) => return Ok(taken),
                // What may pass by itself outweighs what won't: the result can still be had.
                Err(error) if failed.as_ref().is_none_or(CliError::is_final) => failed = Some(error),
                Err(_) => {}
            }
        }
        Err(failed.unwrap_or_else(none))
    }

    async fn fetch_copy(&self, place: &Results, result: B256, uri: &str) -> Result<ResultManifest, CliError> {
        let (sources, manifest, json) = self.manifest(result, uri).await?;
        // What another copy's program printed is no part of this one.
        for name in PRINTED {
            match tokio::fs::remove_file(place.own(name)).await {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).context(|| format!("removing another copy's {name}"));
                }
                _ => {}
            }
        }
        for output in &manifest.outputs {
            let file = place.output(&output.path)?;
            sources.file(&output.cid, output.size, &file, output.path.as_str()).await?;
            check(output.clone(), file).await?.map_err(|source| self.rejected(source))?;
        }
        for (name, text) in PRINTED.into_iter().zip([manifest.stdout, manifest.stderr]) {
            if let Some(text) = text {
                sources.file(&text.cid, text.size, &place.own(name), name).await?;
            }
        }
        let file = place.manifest();
        tokio::fs::write(&file, &json).await.context(|| format!("writing {}", file.display()))?;
        Ok(manifest)
    }

    fn rejected(&self, source: Difference) -> CliError {
        CliError::Rejected { task: self.timeline.task_id(), source: Box::new(source) }
    }

    /// A failed fetch, with the way on.
    fn advised(&self, error: CliError) -> CliError {
        let task = self.timeline.task_id();
        match error {
            CliError::Caused { what, source } => CliError::Caused {
                what: format!("{what} of task {task}; to try again: aiigo job follow {task}"),
                source,
            },
            other => other,
        }
    }

    /// The manifest at an address, its text, and where its files may be had.
    async fn manifest(&self, result_hash: B256, uri: &str) -> Result<(Sources, ResultManifest, Vec<u8>), CliError> {
        let task = self.timeline.task_id();
        let created = self.timeline.created();
        let created = created.ok_or_else(|| CliError::Failed(format!("the chain's events show no task {task}")))?;

        let mut sources = Sources::open(self.store, false)?;
        let spec = sources.spec(self.timeline.chain(), created).await?;

        let uri: ContentUri = uri.parse().map_err(|error| self.rejected(Difference::Uri(error)))?;
        sources.add(&uri.gateways, false);
        let json = sources.document(&uri.cid, "the result manifest").await?;
        let promise = Promise { task_id: task, spec: &spec, result_hash };
        let manifest = verify::manifest(&json, &promise).map_err(|source| self.rejected(source))?;
        Ok((sources, manifest, json))
    }
}

/// Hashing is work for a processor, not for the async runtime.
async fn check(output: OutputFile, file: PathBuf) -> Result<Result<(), Difference>, CliError> {
    let work = tokio::task::spawn_blocking(move || verify::file(&output, &file));
    work.await.context(|| "checking an output".into())
}
