//! How a file becomes a tree of blocks, and how a tree proves to be that file.

mod build;
mod layout;
mod node;
mod walk;

use std::io::{self, Read};

pub(crate) use build::Builder;
pub(crate) use layout::Layout;
pub(crate) use node::{put_varint, take_varint};
pub(crate) use walk::{Block, Walk, WalkError};

use crate::{BlobCid, BlobRef};

/// Bytes of a full leaf.
pub const CHUNK_BYTES: u64 = 256 << 10;

/// Largest block there is: a leaf. A node of 174 links has about 10 KiB.
pub(crate) const MAX_BLOCK_BYTES: usize = CHUNK_BYTES as usize;

/// The layout of `ipfs add`: chunks of 256 KiB, up to 174 links in a node.
pub(crate) const IPFS: Layout = Layout { chunk: CHUNK_BYTES, fanout: 174 };

/// The CID of some content.
pub fn cid_of(content: &[u8]) -> BlobCid {
    let mut builder = Builder::new(IPFS);
    let mut nowhere = |_: &BlobCid, _: &[u8]| Ok(());
    // The sink never fails, so neither do these.
    let built = builder.push(content, &mut nowhere).and_then(|()| builder.finish(&mut nowhere));
    #[allow(clippy::expect_used)]
    built.expect("a sink that never fails").cid
}

/// CID, size and SHA-256 of all that a reader gives. Blocks while it reads: keep it off an asynchronous runtime.
///
/// # Errors
/// Those of the reader.
pub fn cid_of_reader(reader: impl Read) -> io::Result<BlobRef> {
    Builder::new(IPFS).read_from(reader, u64::MAX, &mut |_, _| Ok(()))
}

#[cfg(test)]
mod tests;
