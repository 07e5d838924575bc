//! How a file or folder becomes a tree of blocks, and how a tree proves to be that.

mod build;
mod folder;
mod hash;
mod layout;
mod limits;
mod node;
mod walk;

use std::io::{self, Read};

pub(crate) use build::{Builder, Root};
pub(crate) use folder::{Entry, encode as encode_folder, is_safe_name};
pub(crate) use hash::{Hashing, LeavesOnly, WholeToo};
pub(crate) use layout::Layout;
pub(crate) use limits::fits;
pub use limits::{FolderFault, FolderLimits};
pub(crate) use node::{put_varint, take_varint};
pub(crate) use walk::{Block, Walk, WalkError};

use crate::{BlobCid, BlobRef};

/// Bytes of a full leaf.
pub const CHUNK_BYTES: u64 = 256 << 10;

/// Largest block there is, bytes: a folder of thousands of short names. A leaf has at most [`CHUNK_BYTES`], a node of 174
/// links about 10 KiB.
pub(crate) const MAX_BLOCK_BYTES: usize = 512 << 10;

/// The layout of `ipfs add`: chunks of 256 KiB, up to 174 links in a node.
pub(crate) const IPFS: Layout = Layout { chunk: CHUNK_BYTES, fanout: 174 };

/// What a block links to; nothing if it is no node of ours.
pub(crate) fn children(block: &[u8]) -> Vec<BlobCid> {
    match (node::decode(block), folder::decode(block)) {
        (Some(links), _) => links.iter().map(|link| link.cid).collect(),
        (None, Ok(entries)) => entries.iter().map(|entry| entry.cid).collect(),
        (None, Err(_)) => Vec::new(),
    }
}

/// Whether the block of a CID is a folder.
pub(crate) fn is_folder(cid: &BlobCid, block: &[u8]) -> bool {
    !cid.is_raw() && folder::decode(block).is_ok()
}

/// The CID of some content.
pub fn cid_of(content: &[u8]) -> BlobCid {
    let mut builder = Builder::<LeavesOnly>::new(IPFS);
    let mut nowhere = |_: &BlobCid, _: &[u8]| Ok(());
    // The sink never fails, so neither do these.
    let built = builder.push(content, &mut nowhere).and_then(|()| builder.finish(&mut nowhere));
    #[allow(clippy::expect_used)]
    built.expect("a sink that never fails").cid
}

/// CID, size and SHA-256 of all that a reader gives. What is larger than one leaf is hashed twice, for leaves and for the
/// whole. Blocks while it reads: keep it off an asynchronous runtime.
///
/// # Errors
/// Those of the reader.
pub fn cid_of_reader(reader: impl Read) -> io::Result<BlobRef> {
    Builder::<WholeToo>::new(IPFS).read_from(reader, u64::MAX, &mut |_, _| Ok(()))
}

#[cfg(test)]
mod tests;
