//! Where verified content goes: into memory, a file, or a folder.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use aiigo_task::Sha256Digest;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::FetchError;
use crate::{
    BlobCid, BlobRef, FolderRef,
    dag::Block,
    store::{Unpacking, new_file_beside, persist},
};

/// A block that a walk has accepted.
pub(super) struct Taken<'a> {
    pub(super) cid: BlobCid,
    pub(super) kind: Block,
    /// The path of the file or folder that begins with it.
    pub(super) path: Option<&'a str>,
    pub(super) block: &'a [u8],
}

/// Takes the blocks of a walk.
pub(super) trait Sink: Send + 'static {
    /// Takes the next block. Blocks on the disk.
    fn take(&mut self, taken: &Taken<'_>) -> Result<(), FetchError>;
}

/// A file's content.
impl Sink for Vec<u8> {
    fn take(&mut self, taken: &Taken<'_>) -> Result<(), FetchError> {
        if taken.kind == Block::Leaf {
            self.extend_from_slice(taken.block);
        }
        Ok(())
    }
}

/// A file, hashed as it is written.
pub(super) struct FileSink {
    file: NamedTempFile,
    destination: PathBuf,
    sha256: Sha256,
    size: u64,
}

impl FileSink {
    pub(super) async fn begin(destination: &Path) -> Result<Self, FetchError> {
        let path = destination.to_owned();
        let file = blocking(destination, move || new_file_beside(&path)).await?;
        Ok(Self { file, destination: destination.to_owned(), sha256: Sha256::new(), size: 0 })
    }

    /// Makes the file appear.
    pub(super) async fn finish(self, cid: BlobCid) -> Result<BlobRef, FetchError> {
        let blob = BlobRef { cid, size: self.size, sha256: Sha256Digest(self.sha256.finalize().into()) };
        let (file, path) = (self.file, self.destination.clone());
        blocking(&self.destination, move || persist(file, &path)).await?;
        Ok(blob)
    }
}

impl Sink for FileSink {
    fn take(&mut self, taken: &Taken<'_>) -> Result<(), FetchError> {
        if taken.kind == Block::Leaf {
            let fail = |source| FetchError::Destination { path: self.destination.clone(), source };
            self.file.write_all(taken.block).map_err(fail)?;
            self.sha256.update(taken.block);
            self.size += taken.block.len() as u64;
        }
        Ok(())
    }
}

/// A folder with all below it.
pub(super) struct FolderSink {
    unpacking: Unpacking,
    destination: PathBuf,
}

impl FolderSink {
    pub(super) async fn begin(destination: &Path) -> Result<Self, FetchError> {
        let path = destination.to_owned();
        let unpacking = blocking(destination, move || Unpacking::begin(&path)).await?;
        Ok(Self { unpacking, destination: destination.to_owned() })
    }

    /// Makes the folder appear.
    pub(super) async fn finish(self, cid: BlobCid) -> Result<FolderRef, FetchError> {
        let (unpacking, path) = (self.unpacking, self.destination.clone());
        let folder = blocking(&self.destination, move || unpacking.publish(&path)).await?;
        Ok(FolderRef { cid, ..folder })
    }
}

impl Sink for FolderSink {
    fn take(&mut self, taken: &Taken<'_>) -> Result<(), FetchError> {
        if taken.path == Some("") && taken.kind != Block::Folder {
            return Err(FetchError::NoFolder(taken.cid));
        }
        let fail = |source| FetchError::Destination { path: self.destination.clone(), source };
        self.unpacking.take(taken.path, taken.kind, taken.block).map_err(fail)
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
