//! Blobs in a directory.

mod blocks;
mod error;

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tempfile::NamedTempFile;

pub(crate) use blocks::Blocks;
pub use error::StoreError;

use crate::{
    BlobCid, BlobRef,
    dag::{Block, Builder, IPFS, Walk},
};

/// Largest blob that a store takes, bytes.
pub const MAX_BLOB_BYTES: u64 = 64 << 30;

/// Blobs in a directory: one file a block, named by its CID.
///
/// Blocks are written to the side, synced and renamed into place, so a crash leaves whole blocks or none; several processes
/// may use one directory. Everything is verified when it is read: a damaged block is reported and put away, and storing
/// the blob again heals it. Cloning is cheap.
#[derive(Clone, Debug)]
pub struct DirStore {
    blocks: Arc<Blocks>,
}

impl DirStore {
    /// Opens a store, and makes its folders if they are not there. Touches the disk: call it before serving.
    ///
    /// # Errors
    /// If a folder can't be made.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Ok(Self { blocks: Arc::new(Blocks::open(path.as_ref())?) })
    }

    /// The store's folder.
    pub fn path(&self) -> &Path {
        self.blocks.path()
    }

    /// Stores some bytes.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn put_bytes(&self, content: impl Into<Bytes>) -> Result<BlobRef, StoreError> {
        let content = content.into();
        self.blocking(move |blocks| blocks.put(&*content, MAX_BLOB_BYTES)).await
    }

    /// Stores a file's content.
    ///
    /// # Errors
    /// If the file can't be read or is larger than [`MAX_BLOB_BYTES`], or the disk fails.
    pub async fn put_file(&self, path: impl Into<PathBuf>) -> Result<BlobRef, StoreError> {
        let path = path.into();
        self.blocking(move |blocks| {
            let source = |source| StoreError::Source { path: path.clone(), source };
            let file = fs::File::open(&path).map_err(source)?;
            if !file.metadata().map_err(source)?.is_file() {
                return Err(source(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
            }
            blocks.put(SourceFile { file, path: &path }, MAX_BLOB_BYTES)
        })
        .await
    }

    /// A blob's content.
    ///
    /// # Errors
    /// If the blob is not there as a whole, is damaged, or has more than `max_size` bytes.
    pub async fn get_bytes(&self, cid: &BlobCid, max_size: u64) -> Result<Vec<u8>, StoreError> {
        let cid = *cid;
        self.blocking(move |blocks| {
            let mut content = Vec::new();
            blocks.copy(cid, max_size, &mut content).map(|_| content)
        })
        .await
    }

    /// Writes a blob's content to a file, which appears as a whole or not at all and replaces what was there.
    ///
    /// # Errors
    /// If the blob is not there as a whole, is damaged, or has more than `max_size` bytes, or the file can't be written.
    pub async fn get_file(
        &self,
        cid: &BlobCid,
        destination: impl Into<PathBuf>,
        max_size: u64,
    ) -> Result<BlobRef, StoreError> {
        let (cid, destination) = (*cid, destination.into());
        self.blocking(move |blocks| {
            let fail = |source| StoreError::Destination { path: destination.clone(), source };
            let mut file = new_file_beside(&destination).map_err(fail)?;
            let blob = blocks.copy(cid, max_size, &mut file)?;
            persist(file, &destination).map_err(fail)?;
            Ok(blob)
        })
        .await
    }

    /// A blob's content as it is read, piece by piece. Ends after the first error.
    pub fn read(&self, cid: &BlobCid, max_size: u64) -> impl Stream<Item = Result<Bytes, StoreError>> + Send + use<> {
        self.walk(cid, max_size).filter_map(|item| async {
            match item {
                Ok((_, Block::Leaf, content)) => Some(Ok(content)),
                Ok((_, Block::Node, _)) => None,
                Err(error) => Some(Err(error)),
            }
        })
    }

    /// One verified block; `None` if it is not there.
    ///
    /// # Errors
    /// If it is damaged, or the disk fails.
    pub async fn block(&self, cid: &BlobCid) -> Result<Option<Bytes>, StoreError> {
        let cid = *cid;
        self.blocking(move |blocks| blocks.verified(&cid)).await
    }

    /// A blob's size in bytes, if all of its blocks are there; their leaves are not read.
    ///
    /// # Errors
    /// If a node is damaged, the CID is no file, or the disk fails.
    pub async fn size(&self, cid: &BlobCid) -> Result<Option<u64>, StoreError> {
        let cid = *cid;
        self.blocking(move |blocks| blocks.size(cid)).await
    }

    /// All blocks of a blob in depth-first order, duplicates included. Each is read when it is asked for, so that a slow
    /// reader holds no thread.
    pub(crate) fn walk(
        &self,
        cid: &BlobCid,
        max_size: u64,
    ) -> impl Stream<Item = Result<(BlobCid, Block, Bytes), StoreError>> + Send + use<> {
        let walk = Walk::new(IPFS, *cid, max_size);
        stream::unfold((self.clone(), Some(walk)), |(store, walk)| async move {
            let mut walk = walk?;
            let cid = walk.next()?;
            let step = store.blocking(move |blocks| {
                let block = blocks.present(&cid)?;
                let kind = blocks.accept(&mut walk, &block)?;
                Ok((walk, (cid, kind, block)))
            });
            match step.await {
                Ok((walk, item)) => Some((Ok(item), (store, Some(walk)))),
                Err(error) => Some((Err(error), (store, None))),
            }
        })
    }

    /// Runs disk work and hashing off the asynchronous runtime.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Blocks) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let blocks = Arc::clone(&self.blocks);
        match tokio::task::spawn_blocking(move || work(&blocks)).await {
            Ok(result) => result,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(StoreError::Stopped),
        }
    }
}

/// A file whose read errors name it.
struct SourceFile<'a> {
    file: fs::File,
    path: &'a Path,
}

impl Read for SourceFile<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file
            .read(buffer)
            .map_err(|error| io::Error::new(error.kind(), format!("cannot read {}: {error}", self.path.display())))
    }
}

/// A temporary file in the folder of `destination`, with the permissions of an ordinary new file.
pub(crate) fn new_file_beside(destination: &Path) -> io::Result<NamedTempFile> {
    let folder = match destination.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".aiigo-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666)); // less what the umask takes
    }
    builder.tempfile_in(folder)
}

/// Makes a temporary file permanent under its name.
pub(crate) fn persist(mut file: NamedTempFile, destination: &Path) -> io::Result<()> {
    file.flush()?;
    file.as_file().sync_all()?;
    file.persist(destination).map_err(|error| error.error)?;
    sync_folder(destination.parent())
}

/// Makes renames in a folder survive a loss of power, where the system has a way to ask for it.
pub(crate) fn sync_folder(folder: Option<&Path>) -> io::Result<()> {
    match folder {
        Some(folder) if cfg!(unix) && !folder.as_os_str().is_empty() => fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

impl Blocks {
    /// Stores all that a reader gives.
    pub(crate) fn put(&self, reader: impl Read, max_size: u64) -> Result<BlobRef, StoreError> {
        let mut writer = self.writer();
        let blob = Builder::new(IPFS)
            .read_from(reader, max_size, &mut |cid, block| writer.write(cid, block))
            .map_err(|source| self.io("store a blob in", source))?;
        writer.finish().map_err(|source| self.io("store a blob in", source))?;
        Ok(blob)
    }
}

#[cfg(test)]
mod tests;
