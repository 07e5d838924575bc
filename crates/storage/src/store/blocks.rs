//! Block files: `blocks/<two characters>/<cid>`.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Read, Write},
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use aiigo_task::Sha256Digest;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{StoreError, StoreOptions, lock, sync_folder, usage::Counted};
use crate::{
    BlobCid, BlobRef, MAX_BLOB_BYTES,
    dag::{Block, IPFS, MAX_BLOCK_BYTES, Walk, WalkError},
};

/// A temporary file this old belongs to a process that is gone.
const STALE: Duration = Duration::from_secs(24 * 3600);

/// The files of a store. All of it blocks on the disk.
#[derive(Debug)]
pub(crate) struct Blocks {
    root: PathBuf,
    options: StoreOptions,
    counted: Counted,
}

impl Blocks {
    pub(crate) fn open(root: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let blocks = Self { root: root.to_owned(), options, counted: Counted::default() };
        for folder in [blocks.block_folder(), blocks.temporary()] {
            fs::create_dir_all(&folder).map_err(|source| StoreError::Io {
                action: "make the store's folder",
                path: folder,
                source,
            })?;
        }
        blocks.remove_stale_files();
        Ok(blocks)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.root
    }

    pub(super) fn options(&self) -> &StoreOptions {
        &self.options
    }

    pub(super) fn counted(&self) -> &Counted {
        &self.counted
    }

    pub(super) fn block_folder(&self) -> PathBuf {
        self.root.join("blocks")
    }

    pub(super) fn lock_file(&self, name: &str) -> PathBuf {
        self.root.join("locks").join(name)
    }

    /// Lets no block be removed until the lock is dropped.
    fn keep(&self) -> io::Result<lock::Lock> {
        lock::shared(&self.lock_file("blocks"))
    }

    pub(crate) fn io(&self, action: &'static str, source: io::Error) -> StoreError {
        StoreError::Io { action, path: self.root.clone(), source }
    }

    /// A temporary file on the store's disk.
    pub(crate) fn temporary_file(&self) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(self.temporary())
    }

    fn temporary(&self) -> PathBuf {
        self.root.join("tmp")
    }

    pub(super) fn file_of(&self, cid: &BlobCid) -> PathBuf {
        let name = cid.to_string();
        // The last character carries only three bits of the hash; the two before it spread evenly over 1024 folders.
        let shard = &name[name.len() - 3..name.len() - 1];
        self.block_folder().join(shard).join(&name)
    }

    /// A crash leaves temporary files behind. Failing to remove one does no harm.
    fn remove_stale_files(&self) {
        let Ok(entries) = fs::read_dir(self.temporary()) else { return };
        let now = SystemTime::now();
        for entry in entries.flatten() {
            let modified = entry.metadata().and_then(|metadata| metadata.modified());
            if modified.is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > STALE)) {
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    /// A block as the disk gives it; `None` if it is not there.
    fn load(&self, cid: &BlobCid) -> Result<Option<Bytes>, StoreError> {
        let path = self.file_of(cid);
        let read = || -> io::Result<Vec<u8>> {
            let mut block = Vec::new();
            // One byte more shows that a file is too long to be a block.
            fs::File::open(&path)?.take(MAX_BLOCK_BYTES as u64 + 1).read_to_end(&mut block)?;
            Ok(block)
        };
        match read() {
            Ok(block) => Ok(Some(block.into())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(StoreError::Io { action: "read", path: path.clone(), source }),
        }
    }

    /// A block as the disk gives it.
    pub(crate) fn present(&self, cid: &BlobCid) -> Result<Bytes, StoreError> {
        self.load(cid)?.ok_or(StoreError::Missing(*cid))
    }

    /// A block whose hash is right; `None` if it is not there.
    pub(crate) fn verified(&self, cid: &BlobCid) -> Result<Option<Bytes>, StoreError> {
        match self.load(cid)? {
            Some(block) if is_block_of(cid, &block) => Ok(Some(block)),
            Some(_) => Err(self.put_away(WalkError::Tampered(*cid))),
            None => Ok(None),
        }
    }

    /// Lets a walk accept a block of this store.
    pub(crate) fn accept(&self, walk: &mut Walk, block: &[u8]) -> Result<Block, StoreError> {
        walk.accept(block).map_err(|error| self.put_away(error))
    }

    /// Removes a damaged block, so that storing it again writes it again.
    fn put_away(&self, error: WalkError) -> StoreError {
        if let WalkError::Tampered(cid) = &error
            && let Ok(_alone) = lock::exclusive(&self.lock_file("blocks"))
            // Somebody may have stored it again since it was read.
            && let Ok(Some(block)) = self.load(cid)
            && !is_block_of(cid, &block)
        {
            let _ = fs::remove_file(self.file_of(cid));
        }
        StoreError::of_walk(error, |cid| self.file_of(cid))
    }

    /// Gives each piece of a blob's content, verified, to `take`.
    pub(crate) fn pieces(
        &self,
        cid: BlobCid,
        max_size: u64,
        mut take: impl FnMut(&[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut walk = Walk::new(IPFS, cid, max_size);
        while let Some(next) = walk.next() {
            let block = self.present(&next)?;
            if self.accept(&mut walk, &block)? == Block::Leaf {
                take(&block)?;
            }
        }
        Ok(())
    }

    /// Copies a blob's content, verified before it is written.
    pub(crate) fn copy(&self, cid: BlobCid, max_size: u64, to: &mut impl Write) -> Result<BlobRef, StoreError> {
        let (mut size, mut sha256) = (0, Sha256::new());
        self.pieces(cid, max_size, |piece| {
            size += piece.len() as u64;
            sha256.update(piece);
            to.write_all(piece).map_err(|source| self.io("copy a blob out of", source))
        })?;
        Ok(BlobRef { cid, size, sha256: Sha256Digest(sha256.finalize().into()) })
    }

    /// A blob's size, if its nodes are there and intact and its leaves are there with the right length.
    pub(crate) fn size(&self, cid: BlobCid) -> Result<Option<u64>, StoreError> {
        let mut walk = Walk::new(IPFS, cid, MAX_BLOB_BYTES);
        let mut total = 0;
        while let Some(next) = walk.next() {
            if let Some(size) = walk.next_leaf_size() {
                if !self.has(&next, size) {
                    return Ok(None);
                }
                walk.skip();
                total += size;
                continue;
            }
            let Some(block) = self.load(&next)? else { return Ok(None) };
            if self.accept(&mut walk, &block)? == Block::Leaf {
                total += block.len() as u64;
            }
        }
        Ok(Some(total))
    }

    /// Whether a block's file is there with the right length.
    fn has(&self, cid: &BlobCid, size: u64) -> bool {
        fs::metadata(self.file_of(cid)).is_ok_and(|metadata| metadata.is_file() && metadata.len() == size)
    }

    /// Makes a block that is there young again, so that no collection removes it for a while. False if it is not there
    /// with the right length, as far as that is known.
    pub(super) fn refresh(&self, cid: &BlobCid, size: Option<u64>) -> io::Result<bool> {
        let _kept = self.keep()?;
        let file = match fs::File::open(self.file_of(cid)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            file => file?,
        };
        if size.is_some_and(|size| file.metadata().map_or(true, |metadata| metadata.len() != size)) {
            return Ok(false);
        }
        file.set_modified(SystemTime::now())?;
        Ok(true)
    }

    /// Writes blocks.
    pub(crate) fn writer(&self) -> Writer<'_> {
        Writer { blocks: self, folders: BTreeSet::new() }
    }
}

/// Whether a block has the hash that its CID says.
fn is_block_of(cid: &BlobCid, block: &[u8]) -> bool {
    <[u8; 32]>::from(Sha256::digest(block)) == cid.sha256()
}

/// Writes the blocks of a file or folder.
pub(crate) struct Writer<'a> {
    blocks: &'a Blocks,
    /// Folders that got a new file.
    folders: BTreeSet<PathBuf>,
}

impl Writer<'_> {
    /// Writes a block that is not there yet.
    pub(crate) fn write(&mut self, cid: &BlobCid, block: &[u8]) -> io::Result<()> {
        if self.blocks.refresh(cid, Some(block.len() as u64))? {
            return Ok(());
        }
        let path = self.blocks.file_of(cid);
        let folder = path.parent().unwrap_or(&self.blocks.root);
        fs::create_dir_all(folder)?;
        let mut file = self.blocks.temporary_file()?;
        file.write_all(block)?;
        file.as_file().sync_data()?;
        let _kept = self.blocks.keep()?;
        file.persist(&path).map_err(|error| error.error)?;
        self.folders.insert(folder.to_owned());
        Ok(())
    }

    /// Makes all that was written survive a loss of power.
    pub(crate) fn finish(self) -> io::Result<()> {
        for folder in &self.folders {
            sync_folder(Some(folder))?;
        }
        if self.folders.is_empty() { Ok(()) } else { sync_folder(Some(&self.blocks.block_folder())) }
    }
}
