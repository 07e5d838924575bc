//! Folders: into the store, and out of it.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Blocks, DirStore, MAX_FOLDER, SourceFile, StoreError, Unpacking, blocks::Writer, room, sync_folder};
use crate::{
    BlobCid, FolderFault, FolderLimits,
    dag::{Block, Builder, Entry, IPFS, LeavesOnly, Root, Walk, encode_folder, fits, is_safe_name},
};

/// Bytes that a folder's block takes beside its names, by entry.
const ENTRY_BYTES: u64 = 64;

/// A folder with all below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FolderRef {
    /// Its CID.
    pub cid: BlobCid,
    /// Bytes of all files.
    pub size: u64,
    /// Files.
    pub files: u64,
    /// Folders, itself not counted.
    pub folders: u64,
}

impl DirStore {
    /// Stores a folder with all below it, as `ipfs add -r` does: files and folders whose names begin with a `.` are left
    /// out unless `hidden` is set (`ipfs add -r --hidden`), times and permissions are not kept. To be pinned before the
    /// grace is over.
    ///
    /// # Errors
    /// If something can't be read, is neither file nor folder (a symbolic link, for example), or has a name that is not
    /// UTF-8; if there are more than [`MAX_FOLDER_ENTRIES`](crate::MAX_FOLDER_ENTRIES) files and folders,
    /// [`MAX_BLOB_BYTES`](crate::MAX_BLOB_BYTES) bytes, or 64 folders inside each other; if names and CIDs of one folder
    /// have more than 256 KiB: `ipfs add` shards such folders, this store does not. If there is no room, or the disk
    /// fails.
    pub async fn put_folder(&self, path: impl Into<PathBuf>, hidden: bool) -> Result<FolderRef, StoreError> {
        let path = path.into();
        self.blocking(move |blocks| blocks.put_folder(&path, hidden)).await
    }

    /// Writes a folder with all below it to `destination`, which appears as a whole or not at all. Nothing must be there
    /// yet, or an empty folder.
    ///
    /// # Errors
    /// If a block is missing or damaged, the CID is no folder of ours, exceeds the limits or has names that no file may
    /// have, or `destination` can't be written.
    pub async fn get_folder(
        &self,
        cid: &BlobCid,
        destination: impl Into<PathBuf>,
        limits: FolderLimits,
    ) -> Result<FolderRef, StoreError> {
        let (cid, destination) = (*cid, destination.into());
        self.blocking(move |blocks| blocks.get_folder(cid, &destination, limits)).await
    }
}

/// Something to store.
struct Source {
    name: String,
    kind: Kind,
}

enum Kind {
    File { size: u64 },
    Folder(Vec<Source>),
}

/// Looks through a folder before anything is stored.
struct Scan {
    hidden: bool,
    entries: u64,
    /// Bytes of the files.
    size: u64,
    /// Bytes that all blocks take at most.
    stored: u64,
}

impl Scan {
    /// What is in a folder, sorted by name. `below` is the length of its path within the outermost one.
    fn folder(&mut self, path: &Path, depth: u32, below: usize) -> Result<Vec<Source>, StoreError> {
        let fail = |source| StoreError::Source { path: path.to_owned(), source };
        let mut sources = Vec::new();
        for entry in fs::read_dir(path).map_err(fail)? {
            let entry = entry.map_err(fail)?;
            let path = entry.path();
            let faulty = |fault| StoreError::SourceFolder { path: path.clone(), fault };
            let name = entry.file_name().into_string().map_err(|_| faulty(FolderFault::Name))?;
            if name.starts_with('.') && !self.hidden {
                continue;
            }
            let below = below + name.len() + 1;
            if !is_safe_name(&name) {
                return Err(faulty(FolderFault::Name));
            }
            if !fits(depth + 1, below) {
                return Err(faulty(FolderFault::TooDeep));
            }
            self.entries += 1;
            if self.entries > MAX_FOLDER.entries {
                return Err(faulty(FolderFault::TooMany { max: MAX_FOLDER.entries }));
            }
            self.stored = self.stored.saturating_add(name.len() as u64 + ENTRY_BYTES);
            // A symbolic link's own, not those of what it leads to.
            let metadata = entry.metadata().map_err(|source| StoreError::Source { path: path.clone(), source })?;
            let kind = if metadata.is_dir() {
                self.stored = self.stored.saturating_add(ENTRY_BYTES);
                Kind::Folder(self.folder(&path, depth + 1, below)?)
            } else if metadata.is_file() {
                self.size = self.size.saturating_add(metadata.len());
                self.stored = self.stored.saturating_add(room::stored_bytes(metadata.len()));
                Kind::File { size: metadata.len() }
            } else {
                let other = io::Error::new(io::ErrorKind::InvalidInput, "it is neither a file nor a folder");
                return Err(StoreError::Source { path, source: other });
            };
            sources.push(Source { name, kind });
        }
        sources.sort_by(|a, b| a.name.as_bytes().cmp(b.name.as_bytes()));
        Ok(sources)
    }
}

/// Takes what has been looked through.
struct Packing<'a, W> {
    write: W,
    blocks: &'a Blocks,
    packed: FolderRef,
}

impl<W: FnMut(&BlobCid, &[u8]) -> io::Result<()>> Packing<'_, W> {
    fn folder(&mut self, path: &Path, sources: &[Source]) -> Result<Root, StoreError> {
        let mut entries = Vec::with_capacity(sources.len());
        let mut tree_size = 0;
        for Source { name, kind } in sources {
            let path = path.join(name);
            let root = match kind {
                Kind::Folder(sources) => {
                    self.packed.folders += 1;
                    self.folder(&path, sources)?
                }
                Kind::File { size } => self.file(&path, *size)?,
            };
            tree_size += root.tree_size;
            entries.push(Entry { name: name.clone(), cid: root.cid, tree_size: root.tree_size });
        }
        let block = encode_folder(&entries)
            .ok_or_else(|| StoreError::SourceFolder { path: path.to_owned(), fault: FolderFault::TooWide })?;
        let cid = BlobCid::dag_pb(Sha256::digest(&block).into());
        (self.write)(&cid, &block).map_err(|source| self.blocks.io("store a folder in", source))?;
        Ok(Root { cid, size: 0, tree_size: tree_size + block.len() as u64 })
    }

    /// A file that has grown since it was looked at is refused: there is no room for more.
    fn file(&mut self, path: &Path, size: u64) -> Result<Root, StoreError> {
        let (_, source) = SourceFile::open(path)?;
        let root = Builder::<LeavesOnly>::new(IPFS)
            .read_from(source, size, &mut self.write)
            .map_err(|source| self.blocks.io("store a folder in", source))?;
        self.packed.files += 1;
        self.packed.size += root.size;
        Ok(root)
    }
}

impl Blocks {
    fn put_folder(&self, path: &Path, hidden: bool) -> Result<FolderRef, StoreError> {
        let mut scan = Scan { hidden, entries: 0, size: 0, stored: ENTRY_BYTES };
        let sources = scan.folder(path, 0, 0)?;
        if scan.size > MAX_FOLDER.bytes {
            let large = format!("its files have {} bytes; at most {} are allowed", scan.size, MAX_FOLDER.bytes);
            let source = io::Error::new(io::ErrorKind::FileTooLarge, large);
            return Err(StoreError::Source { path: path.to_owned(), source });
        }
        let dry = || self.pack(path, &sources, |_, _| Ok(())).map(|(root, _)| Some(root));
        let _room = self.room(scan.stored, dry)?;
        let mut writer: Writer<'_> = self.writer();
        let (_, packed) = self.pack(path, &sources, |cid, block| writer.write(cid, block))?;
        writer.finish().map_err(|source| self.io("store a folder in", source))?;
        Ok(packed)
    }

    fn pack(
        &self,
        path: &Path,
        sources: &[Source],
        write: impl FnMut(&BlobCid, &[u8]) -> io::Result<()>,
    ) -> Result<(Root, FolderRef), StoreError> {
        let packed = FolderRef { cid: BlobCid::raw([0; 32]), size: 0, files: 0, folders: 0 };
        let mut packing = Packing { write, blocks: self, packed };
        let root = packing.folder(path, sources)?;
        Ok((root, FolderRef { cid: root.cid, ..packing.packed }))
    }

    fn get_folder(&self, cid: BlobCid, destination: &Path, limits: FolderLimits) -> Result<FolderRef, StoreError> {
        let fail = |source| StoreError::Destination { path: destination.to_owned(), source };
        let mut walk = Walk::tree(IPFS, cid, limits);
        let mut unpacking = Unpacking::begin(destination).map_err(fail)?;
        while let Some(next) = walk.next() {
            let (path, block) = (walk.next_path(), self.present(&next)?);
            let kind = self.accept(&mut walk, &block)?;
            if next == cid && kind != Block::Folder && path.as_deref() == Some("") {
                return Err(StoreError::NoFolder(cid));
            }
            unpacking.take(path.as_deref(), kind, &block).map_err(fail)?;
        }
        let folder = unpacking.publish(destination).map_err(fail)?;
        sync_folder(destination.parent()).map_err(fail)?;
        Ok(FolderRef { cid, ..folder })
    }
}
