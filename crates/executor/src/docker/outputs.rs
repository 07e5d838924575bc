//! Fetching what the program left, which is whatever it liked.
//!
//! The engine walks the directory and packs it without following links. Of the archive only regular files at declared
//! paths are kept; they are numbered files of the scratch directory, so no name of the program becomes one of this
//! machine. Sizes are added up as they are claimed, before anything is copied: a sparse file of a petabyte ends the walk.

use std::path::{Path, PathBuf};

use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures::TryStreamExt;
use tokio::fs::File;
use tokio_util::io::StreamReader;

use super::{
    container::{MAX_FILES, WORK},
    engine::Engine,
    names::Names,
    tar::{Kind, TarError, TarReader},
};
use crate::{Execution, ExecutorError};

/// What the program left.
#[derive(Debug)]
pub(super) enum Collected {
    /// Declared outputs with their files, in the order declared, and what is to be said of others.
    Files { files: Vec<(String, PathBuf)>, remarks: Vec<String> },
    /// More than its limit.
    TooLarge,
}

/// Fetches the outputs from the ended container into `files`, an empty directory.
pub(super) async fn collect(
    engine: &Engine,
    names: &Names,
    execution: &Execution,
    files: &Path,
) -> Result<Collected, ExecutorError> {
    let options = DownloadFromContainerOptionsBuilder::new().path(WORK).build();
    let archive = engine.patient.download_from_container(&names.task, Some(options)).map_err(std::io::Error::other);
    let mut reader = TarReader::new(StreamReader::new(Box::pin(archive)));
    let mut found: Vec<Option<PathBuf>> = vec![None; execution.outputs.len()];
    let mut remarks = Vec::new();
    let (mut total, mut entries) = (0_u64, 0_u64);
    while let Some(entry) = reader.next().await.map_err(fetching)? {
        entries += 1;
        total = total.saturating_add(entry.size);
        // Twice: the layout has its own entries.
        if total > execution.limits.output_bytes || entries > 2 * MAX_FILES {
            return Ok(Collected::TooLarge);
        }
        // The archive's names begin with the directory's own.
        let path = entry.path.iter().position(|byte| *byte == b'/').map_or(&[][..], |at| &entry.path[at + 1..]);
        let path = path.strip_suffix(b"/").unwrap_or(path);
        let Some(index) = execution.outputs.iter().position(|output| output.as_bytes() == path) else { continue };
        if entry.kind != Kind::File {
            remarks.push(format!(
                "the output {} is {}, and not delivered",
                execution.outputs[index],
                entry.kind.name()
            ));
            continue;
        }
        let target = files.join(index.to_string());
        let scratch = |source| ExecutorError::Scratch { path: target.clone(), source };
        let mut file = File::create(&target).await.map_err(scratch)?;
        reader.copy(&mut file).await.map_err(|error| match error {
            TarError::Io(source) => scratch(source),
            malformed => fetching(malformed),
        })?;
        found[index] = Some(target);
    }
    let delivered = execution.outputs.iter().zip(found);
    let files = delivered.filter_map(|(path, file)| Some((path.clone(), file?))).collect();
    Ok(Collected::Files { files, remarks })
}

fn fetching(error: TarError) -> ExecutorError {
    ExecutorError::Docker { what: "fetching the outputs".into(), reason: error.to_string() }
}
