//! Where verified content goes.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use aiigo_task::Sha256Digest;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::FetchError;
use crate::{
    BlobCid, BlobRef,
    store::{new_file_beside, persist},
};

/// Takes content and hashes it.
pub(super) struct Sink {
    target: Target,
    sha256: Sha256,
    size: u64,
}

enum Target {
    Memory(Vec<u8>),
    File { file: NamedTempFile, destination: PathBuf },
}

impl Sink {
    pub(super) fn memory() -> Self {
        Self { target: Target::Memory(Vec::new()), sha256: Sha256::new(), size: 0 }
    }

    pub(super) async fn file(destination: &Path) -> Result<Self, FetchError> {
        let path = destination.to_owned();
        let file = blocking(destination, move || new_file_beside(&path)).await?;
        let target = Target::File { file, destination: destination.to_owned() };
        Ok(Self { target, sha256: Sha256::new(), size: 0 })
    }

    /// Takes the next piece. Blocks on the disk.
    pub(super) fn write(&mut self, content: &[u8]) -> Result<(), FetchError> {
        match &mut self.target {
            Target::Memory(bytes) => bytes.extend_from_slice(content),
            Target::File { file, destination } => file
                .write_all(content)
                .map_err(|source| FetchError::Destination { path: destination.clone(), source })?,
        }
        self.sha256.update(content);
        self.size += content.len() as u64;
        Ok(())
    }

    /// What was taken, if it is all of a blob.
    pub(super) fn blob(&self, cid: BlobCid) -> BlobRef {
        BlobRef { cid, size: self.size, sha256: Sha256Digest(self.sha256.clone().finalize().into()) }
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        match self.target {
            Target::Memory(bytes) => bytes,
            Target::File { .. } => Vec::new(),
        }
    }

    /// Makes the file appear.
    pub(super) async fn persist(self, destination: &Path) -> Result<(), FetchError> {
        match self.target {
            Target::Memory(_) => Ok(()),
            Target::File { file, destination: path } => blocking(destination, move || persist(file, &path)).await,
        }
    }
}

async fn blocking<T: Send + 'static>(
    destination: &Path,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, FetchError> {
    let result = match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(io::Error::other("the program is shutting down")),
    };
    result.map_err(|source| FetchError::Destination { path: destination.to_owned(), source })
}
