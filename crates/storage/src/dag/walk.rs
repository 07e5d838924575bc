//! From blocks to content: accepts the blocks of a file in depth-first order, and nothing but them.

use sha2::{Digest, Sha256};

use super::{layout::Layout, node::decode};
use crate::BlobCid;

/// Why a block is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WalkError {
    /// The block is not the one that the CID names.
    #[error("the block of {0} was tampered with: it hashes to another CID")]
    Tampered(BlobCid),
    /// The block is the right one, but its tree is not laid out as ours are.
    #[error("{0} is no file of the layout that `ipfs add --cid-version=1 --raw-leaves` makes")]
    Layout(BlobCid),
    /// The file is larger than wanted.
    #[error("{cid} has {size} bytes; at most {max} are allowed")]
    TooLarge {
        /// The file.
        cid: BlobCid,
        /// Its size in bytes.
        size: u64,
        /// The limit in bytes.
        max: u64,
    },
}

/// What an accepted block was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// The next piece of the content.
    Leaf,
    /// A node; its children come next.
    Node,
}

/// What is known of a block before it is seen.
#[derive(Clone, Copy, Debug)]
struct Part {
    cid: BlobCid,
    shape: Option<Shape>,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    size: u64,
    tree_size: u64,
    height: u32,
}

/// A walk over a file's blocks. When it is done, the accepted leaves are the content of the root's CID: every block had
/// the right hash and the tree was the one and only tree for a file of that size.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    layout: Layout,
    max_size: u64,
    /// Blocks still to come, the next one last.
    parts: Vec<Part>,
}

impl Walk {
    pub(crate) fn new(layout: Layout, root: BlobCid, max_size: u64) -> Self {
        Self { layout, max_size, parts: vec![Part { cid: root, shape: None }] }
    }

    /// The block that comes next.
    pub(crate) fn next(&self) -> Option<BlobCid> {
        self.parts.last().map(|part| part.cid)
    }

    /// Subtrees that are still to come. It falls below its present value when the subtree that comes next is complete.
    pub(crate) fn pending(&self) -> usize {
        self.parts.len()
    }

    /// Content bytes of the leaf that comes next, if it is known to be one.
    pub(crate) fn next_leaf_size(&self) -> Option<u64> {
        let part = self.parts.last()?;
        part.shape.filter(|shape| shape.height == 0).map(|shape| shape.size)
    }

    /// Skips the leaf that comes next.
    pub(crate) fn skip_leaf(&mut self) {
        if self.next_leaf_size().is_some() {
            self.parts.pop();
        }
    }

    /// Accepts the block that comes next. A refused block changes nothing: another copy of it may be tried.
    pub(crate) fn accept(&mut self, block: &[u8]) -> Result<Block, WalkError> {
        // A walk that is done expects no block; there is nothing it could be compared with.
        let Some(part) = self.parts.last().copied() else { return Ok(Block::Node) };
        if <[u8; 32]>::from(Sha256::digest(block)) != part.cid.sha256() {
            return Err(WalkError::Tampered(part.cid));
        }
        if part.cid.is_raw() { self.accept_leaf(part, block) } else { self.accept_node(part, block) }
    }

    fn accept_leaf(&mut self, part: Part, block: &[u8]) -> Result<Block, WalkError> {
        let size = block.len() as u64;
        let fits = match part.shape {
            Some(shape) => shape.height == 0 && shape.size == size && shape.tree_size == size,
            None => size <= self.layout.chunk,
        };
        if !fits {
            return Err(WalkError::Layout(part.cid));
        }
        self.limit(part, size)?;
        self.parts.pop();
        Ok(Block::Leaf)
    }

    fn accept_node(&mut self, part: Part, block: &[u8]) -> Result<Block, WalkError> {
        let refuse = || WalkError::Layout(part.cid);
        let links = decode(block).ok_or_else(refuse)?;
        let size = links.iter().map(|link| link.size).sum(); // `decode` has checked that it fits
        let tree_size = links
            .iter()
            .try_fold(block.len() as u64, |sum, link| sum.checked_add(link.tree_size))
            .ok_or_else(refuse)?;
        let height = match part.shape {
            Some(shape) if shape.size == size && shape.tree_size == tree_size => shape.height,
            Some(_) => return Err(refuse()),
            None => self.layout.height(size),
        };
        if height == 0 || !links.iter().map(|link| link.size).eq(self.layout.children(size, height)) {
            return Err(refuse());
        }
        if links.iter().any(|link| link.cid.is_raw() != (height == 1)) {
            return Err(refuse());
        }
        self.limit(part, size)?;
        self.parts.pop();
        self.parts.extend(links.iter().rev().map(|link| Part {
            cid: link.cid,
            shape: Some(Shape { size: link.size, tree_size: link.tree_size, height: height - 1 }),
        }));
        Ok(Block::Node)
    }

    /// The root tells how large the file is.
    fn limit(&self, part: Part, size: u64) -> Result<(), WalkError> {
        if part.shape.is_none() && size > self.max_size {
            return Err(WalkError::TooLarge { cid: part.cid, size, max: self.max_size });
        }
        Ok(())
    }
}
