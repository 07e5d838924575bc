//! Blobs in a directory.

mod blocks;
mod collect;
mod error;
mod folder;
mod lock;
mod pins;
mod room;
mod unpack;
mod usage;

use std::{
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use futures::{Stream, StreamExt, stream};
use tempfile::NamedTempFile;

pub(crate) use blocks::Blocks;
pub use collect::Collected;
pub use error::StoreError;
pub use folder::FolderRef;
pub use pins::{Pin, PinHolder, PinHolderError};
pub(crate) use room::stored_bytes;
pub(crate) use unpack::Unpacking;
pub use usage::Usage;

use crate::{
    BlobCid, BlobRef, FolderLimits,
    dag::{Block, Builder, Hashing, IPFS, LeavesOnly, Root, Walk, WholeToo, is_folder},
};

/// Largest blob that a store takes, bytes.
pub const MAX_BLOB_BYTES: u64 = 64 << 30;

/// Most files and folders, all below included, in a folder that a store takes.
pub const MAX_FOLDER_ENTRIES: u64 = 1_000_000;

/// All that a store takes.
pub(crate) const MAX_FOLDER: FolderLimits = FolderLimits { bytes: MAX_BLOB_BYTES, entries: MAX_FOLDER_ENTRIES };

/// How a store behaves.
#[derive(Clone, Copy, Debug)]
pub struct StoreOptions {
    /// Most bytes of blocks that it may hold; without limit if `None`. A blob that would go beyond it is refused, if a
    /// collection of garbage does not make room. Processes that share a store should be told the same.
    pub quota: Option<u64>,
    /// How long garbage stays: what is stored and not yet pinned is garbage too. At least two seconds.
    pub grace: Duration,
}

impl Default for StoreOptions {
    fn default() -> Self {
        Self { quota: None, grace: Duration::from_secs(3600) }
    }
}

/// Files and folders in a directory: one file a block, named by its CID.
///
/// Blocks are written to the side, synced and renamed into place, so a crash leaves whole blocks or none; several processes
/// may use one directory. Everything is verified when it is read: a damaged block is reported and put away, and storing
/// the blob again heals it. What is pinned stays; the rest is garbage, and is removed once somebody asks for it or room is
/// needed. Cloning is cheap.
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
        Self::with_options(path, StoreOptions::default())
    }

    /// Opens a store that behaves so, and makes its folders if they are not there. Touches the disk: call it before
    /// serving.
    ///
    /// # Errors
    /// If a folder can't be made.
    pub fn with_options(path: impl AsRef<Path>, options: StoreOptions) -> Result<Self, StoreError> {
        Ok(Self { blocks: Arc::new(Blocks::open(path.as_ref(), options)?) })
    }

    /// The store's folder.
    pub fn path(&self) -> &Path {
        self.blocks.path()
    }

    /// Stores some bytes. To be pinned before the grace is over.
    ///
    /// # Errors
    /// If there is no room, or the disk fails.
    pub async fn put_bytes(&self, content: impl Into<Bytes>) -> Result<BlobRef, StoreError> {
        let content = content.into();
        self.blocking(move |blocks| {
            let size = content.len() as u64;
            let _room = blocks.room(stored_bytes(size), || blocks.root_of(&*content).map(Some))?;
            blocks.put::<WholeToo>(&*content, size)
        })
        .await
    }

    /// Stores a file's content. To be pinned before the grace is over.
    ///
    /// # Errors
    /// If the file can't be read or is larger than [`MAX_BLOB_BYTES`], there is no room, or the disk fails.
    pub async fn put_file(&self, path: impl Into<PathBuf>) -> Result<BlobRef, StoreError> {
        let path = path.into();
        self.blocking(move |blocks| {
            let (size, source) = SourceFile::open(&path)?;
            if size > MAX_BLOB_BYTES {
                let large = format!("it has {size} bytes; at most {MAX_BLOB_BYTES} are allowed");
                let source = io::Error::new(io::ErrorKind::FileTooLarge, large);
                return Err(StoreError::Source { path: path.clone(), source });
            }
            let _room = blocks.room(stored_bytes(size), || blocks.root_of(SourceFile::open(&path)?.1).map(Some))?;
            blocks.put::<WholeToo>(source, size)
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
            blocks.pieces(cid, max_size, |piece| {
                content.extend_from_slice(piece);
                Ok(())
            })?;
            Ok(content)
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
        self.walk(Walk::new(IPFS, *cid, max_size)).filter_map(|item| async {
            match item {
                Ok((_, Block::Leaf, content)) => Some(Ok(content)),
                Ok((_, Block::Node | Block::Folder, _)) => None,
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

    /// Whether the block of a CID is there.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn has(&self, cid: &BlobCid) -> Result<bool, StoreError> {
        let cid = *cid;
        self.blocking(move |blocks| Ok(blocks.file_of(&cid).is_file())).await
    }

    /// Whether a CID is a folder's; `None` if its block is not there.
    ///
    /// # Errors
    /// If the block is damaged, or the disk fails.
    pub async fn is_folder(&self, cid: &BlobCid) -> Result<Option<bool>, StoreError> {
        Ok(self.block(cid).await?.map(|block| is_folder(cid, &block)))
    }

    /// Pins a file or folder, all of which must be there: no collection removes it until every holder has unpinned it.
    /// Pinning again renews the note and the time.
    ///
    /// # Errors
    /// If a block is missing or damaged, or the disk fails.
    pub async fn pin(&self, cid: &BlobCid, holder: PinHolder, note: impl Into<String>) -> Result<(), StoreError> {
        let (cid, note) = (*cid, note.into());
        self.blocking(move |blocks| blocks.pin(cid, &holder, &note)).await
    }

    /// Takes a pin away, and tells whether it was there.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn unpin(&self, cid: &BlobCid, holder: PinHolder) -> Result<bool, StoreError> {
        let cid = *cid;
        self.blocking(move |blocks| blocks.unpin(&cid, &holder)).await
    }

    /// All pins, the latest first.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn pins(&self) -> Result<Vec<Pin>, StoreError> {
        self.blocking(|blocks| {
            let mut pins = blocks.pins()?;
            pins.sort_by(|a, b| (b.since, &a.note, a.cid, &a.holder).cmp(&(a.since, &b.note, b.cid, &b.holder)));
            Ok(pins)
        })
        .await
    }

    /// Removes what no pin needs and nobody has stored, or stored again, within the grace. Safe at any time: beside
    /// other processes that store, pin and collect, and if it is killed.
    ///
    /// # Errors
    /// If a pinned blob is not whole (nothing is removed then), or the disk fails.
    pub async fn collect(&self) -> Result<Collected, StoreError> {
        self.blocking(Blocks::collect).await
    }

    /// What [`Self::collect`] would remove now.
    ///
    /// # Errors
    /// As those of [`Self::collect`].
    pub async fn collectable(&self) -> Result<Collected, StoreError> {
        self.blocking(Blocks::collectable).await
    }

    /// How much is stored, garbage included.
    ///
    /// # Errors
    /// If the disk fails.
    pub async fn usage(&self) -> Result<Usage, StoreError> {
        self.blocking(Blocks::usage).await
    }

    /// All blocks of a walk, duplicates included. Each is read when it is asked for, so that a slow reader holds no thread.
    pub(crate) fn walk(
        &self,
        walk: Walk,
    ) -> impl Stream<Item = Result<(BlobCid, Block, Bytes), StoreError>> + Send + use<> {
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

impl<'a> SourceFile<'a> {
    /// The file and its size in bytes.
    fn open(path: &'a Path) -> Result<(u64, Self), StoreError> {
        let fail = |source| StoreError::Source { path: path.to_owned(), source };
        let file = fs::File::open(path).map_err(fail)?;
        let metadata = file.metadata().map_err(fail)?;
        if !metadata.is_file() {
            return Err(fail(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
        }
        Ok((metadata.len(), Self { file, path }))
    }
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
    /// Stores all that a reader gives, for which there must be room.
    pub(crate) fn put<H: Hashing>(&self, reader: impl Read, max_size: u64) -> Result<H::Built, StoreError> {
        let mut writer = self.writer();
        let built = Builder::<H>::new(IPFS)
            .read_from(reader, max_size, &mut |cid, block| writer.write(cid, block))
            .map_err(|source| self.io("store a blob in", source))?;
        writer.finish().map_err(|source| self.io("store a blob in", source))?;
        Ok(built)
    }

    /// What storing all that a reader gives would make.
    fn root_of(&self, reader: impl Read) -> Result<Root, StoreError> {
        Builder::<LeavesOnly>::new(IPFS)
            .read_from(reader, MAX_BLOB_BYTES, &mut |_, _| Ok(()))
            .map_err(|source| self.io("store a blob in", source))
    }
}

#[cfg(test)]
mod tests;
