//! Why a store fails.

use std::{io, path::PathBuf};

use aiigo_task::format_bytes;

use super::PinHolder;
use crate::{BlobCid, FolderFault, dag::WalkError};

/// Why a store fails.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// A block of the blob, perhaps the blob as a whole, is not there.
    #[error("{0} is not in the store")]
    Missing(BlobCid),
    /// What the disk gave is not what was stored.
    #[error("{path} was damaged: it is not the block of {cid}; it has been put away, store the blob again")]
    Damaged {
        /// The block.
        cid: BlobCid,
        /// Where it lay.
        path: PathBuf,
    },
    /// The tree is not laid out as those of this store.
    #[error("{0} is no file of the layout that `ipfs add --cid-version=1 --raw-leaves` makes")]
    Layout(BlobCid),
    /// The blob is larger than wanted.
    #[error("{cid} has {size} bytes; at most {max} are allowed here")]
    TooLarge {
        /// The blob.
        cid: BlobCid,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// The folder has what none may have.
    #[error("the folder {cid} {fault}")]
    Folder {
        /// The folder.
        cid: BlobCid,
        /// What is wrong with it.
        fault: FolderFault,
    },
    /// It is a file.
    #[error("{0} is a file, not a folder")]
    NoFolder(BlobCid),
    /// The folder to store has what none may have.
    #[error("cannot store {path}: it {fault}")]
    SourceFolder {
        /// The folder, or the file in it.
        path: PathBuf,
        /// What is wrong with it.
        fault: FolderFault,
    },
    /// The quota is used up.
    #[error(
        "the store has no room: {} of {} are taken, {} more are needed, and no more garbage is old enough to be \
         collected; unpin what is not needed, or raise the quota",
        format_bytes(*used), format_bytes(*quota), format_bytes(*needed)
    )]
    Full {
        /// Bytes that the store may hold.
        quota: u64,
        /// Bytes that are stored or being stored.
        used: u64,
        /// Bytes that the blob may take.
        needed: u64,
    },
    /// What lies below a pin can't be told, so nothing is removed.
    #[error(
        "no garbage was collected: {cid}, pinned for {holder}, is not whole ({source}); store it again, or unpin it"
    )]
    BrokenPin {
        /// What is pinned.
        cid: BlobCid,
        /// For whom.
        holder: PinHolder,
        /// What is wrong with it.
        source: Box<StoreError>,
    },
    /// The file to store can't be read.
    #[error("cannot read {path}: {source}")]
    Source {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file to write can't be written.
    #[error("cannot write {path}: {source}")]
    Destination {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk under the store fails.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program is shutting down.
    #[error("the program is shutting down")]
    Stopped,
}

impl StoreError {
    /// Of a block that was not read from this store's disk, or that has been found intact.
    pub(crate) fn of_walk(error: WalkError, path: impl FnOnce(&BlobCid) -> PathBuf) -> Self {
        match error {
            WalkError::Tampered(cid) => Self::Damaged { cid, path: path(&cid) },
            WalkError::Layout(cid) => Self::Layout(cid),
            WalkError::TooLarge { cid, size, max } => Self::TooLarge { cid, size, max },
            WalkError::Folder { cid, fault } => Self::Folder { cid, fault },
        }
    }
}
