//! How much of a folder is taken, and why one is refused.

/// Most folders inside each other, the outermost included.
const MAX_DEPTH: u32 = 64;

/// Longest path within a folder, bytes: that of common systems.
const MAX_PATH_BYTES: usize = 4096;

/// Whether something may lie in so many folders, at a path of so many bytes.
pub(crate) fn fits(depth: u32, path_bytes: usize) -> bool {
    depth <= MAX_DEPTH && path_bytes <= MAX_PATH_BYTES
}

/// How large a folder may be, with all below it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FolderLimits {
    /// Most bytes of content.
    pub bytes: u64,
    /// Most files and folders.
    pub entries: u64,
}

/// What is wrong with a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FolderFault {
    /// A name that is empty, `.` or `..`, too long, no UTF-8, or with a `/` or a NUL in it.
    #[error("has an entry with a name that no file may have")]
    Name,
    /// Folders in folders in folders, or long paths.
    #[error(
        "lies in too many folders or has too long paths: at most {MAX_DEPTH} and {MAX_PATH_BYTES} bytes are allowed"
    )]
    TooDeep,
    /// Too many entries, all below it included.
    #[error("brings the files and folders to more than {max}, the most that is allowed")]
    TooMany {
        /// The limit.
        max: u64,
    },
    /// So many names that `ipfs add` would shard it.
    #[error("has too many entries for one block: split it into subfolders, or pack it into an archive")]
    TooWide,
}
