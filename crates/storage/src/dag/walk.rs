//! From blocks to content: accepts the blocks of a file or folder in depth-first order, and nothing but them.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::{
    folder::{self, Entry, FolderError},
    layout::Layout,
    limits::{FolderFault, FolderLimits, fits},
    node,
};
use crate::BlobCid;

/// Why a block is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WalkError {
    /// The block is not the one that the CID names.
    #[error("the block of {0} was tampered with: it hashes to another CID")]
    Tampered(BlobCid),
    /// The block is the right one, but its tree is not laid out as ours are.
    #[error("{0} is not laid out as `ipfs add --cid-version=1 --raw-leaves` does")]
    Layout(BlobCid),
    /// The file, or the folder with all below it, is larger than wanted.
    #[error("{cid} has {size} bytes; at most {max} are allowed")]
    TooLarge {
        /// The file or folder.
        cid: BlobCid,
        /// Its size in bytes; of a folder, as far as it is known.
        size: u64,
        /// The limit in bytes.
        max: u64,
    },
    /// A folder can't become one on a disk.
    #[error("the folder {cid} {fault}")]
    Folder {
        /// The folder.
        cid: BlobCid,
        /// What is wrong with it.
        fault: FolderFault,
    },
}

/// What an accepted block was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Block {
    /// The next piece of the content.
    Leaf,
    /// A node of a file; its children come next.
    Node,
    /// A folder; its entries come next.
    Folder,
}

/// What is known of a block before it is seen.
#[derive(Clone, Debug)]
struct Part {
    cid: BlobCid,
    /// Within a file.
    shape: Option<Shape>,
    /// What the folder above says.
    tree_size: Option<u64>,
    /// Of the root of a file or folder: its place, relative to where the walk began.
    place: Option<Place>,
}

#[derive(Clone, Copy, Debug)]
struct Shape {
    size: u64,
    tree_size: u64,
    height: u32,
}

#[derive(Clone, Debug)]
struct Place {
    path: Arc<str>,
    depth: u32,
}

/// A walk over the blocks of a file, or of a folder and all below it. When it is done, the accepted leaves are the content
/// of the root's CID: every block had the right hash and each tree was the one and only tree for a file of that size.
#[derive(Clone, Debug)]
pub(crate) struct Walk {
    layout: Layout,
    root: BlobCid,
    max_size: u64,
    /// Content bytes of all files whose size is known.
    size: u64,
    folders: Option<Folders>,
    /// Blocks still to come, the next one last.
    parts: Vec<Part>,
}

#[derive(Clone, Copy, Debug)]
struct Folders {
    max_entries: u64,
    entries: u64,
}

impl Walk {
    /// A walk over a file.
    pub(crate) fn new(layout: Layout, root: BlobCid, max_size: u64) -> Self {
        let place = Place { path: "".into(), depth: 0 };
        let part = Part { cid: root, shape: None, tree_size: None, place: Some(place) };
        Self { layout, root, max_size, size: 0, folders: None, parts: vec![part] }
    }

    /// A walk over a file, or over a folder and all below it.
    pub(crate) fn tree(layout: Layout, root: BlobCid, limits: FolderLimits) -> Self {
        let folders = Folders { max_entries: limits.entries, entries: 0 };
        Self { folders: Some(folders), ..Self::new(layout, root, limits.bytes) }
    }

    /// The block that comes next.
    pub(crate) fn next(&self) -> Option<BlobCid> {
        self.parts.last().map(|part| part.cid)
    }

    /// The path of the file or folder that begins with the block that comes next, relative to where the walk began.
    pub(crate) fn next_path(&self) -> Option<Arc<str>> {
        self.parts.last()?.place.as_ref().map(|place| place.path.clone())
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

    /// Whether the subtree that comes next is one that a file or folder of its own may have. The last nodes of a tall tree
    /// may have a single child, which no root has.
    pub(crate) fn next_stands_alone(&self) -> bool {
        let shape = self.parts.last().and_then(|part| part.shape);
        shape.is_none_or(|shape| self.layout.height(shape.size) == shape.height)
    }

    /// Skips the subtree that comes next.
    pub(crate) fn skip(&mut self) {
        self.parts.pop();
    }

    /// Accepts the block that comes next. A refused block changes nothing: another copy of it may be tried.
    pub(crate) fn accept(&mut self, block: &[u8]) -> Result<Block, WalkError> {
        // A walk that is done expects no block; there is nothing it could be compared with.
        let Some(part) = self.parts.last().cloned() else { return Ok(Block::Node) };
        if <[u8; 32]>::from(Sha256::digest(block)) != part.cid.sha256() {
            return Err(WalkError::Tampered(part.cid));
        }
        if part.cid.is_raw() {
            return self.accept_leaf(&part, block);
        }
        match (node::decode(block), &part.place) {
            (Some(links), _) => self.accept_node(&part, block, &links),
            (None, Some(place)) if self.folders.is_some() => self.accept_folder(&part, place, block),
            _ => Err(WalkError::Layout(part.cid)),
        }
    }

    fn accept_leaf(&mut self, part: &Part, block: &[u8]) -> Result<Block, WalkError> {
        let size = block.len() as u64;
        let fits = match part.shape {
            Some(shape) => shape.height == 0 && shape.size == size && shape.tree_size == size,
            None => size <= self.layout.chunk,
        };
        if !fits {
            return Err(WalkError::Layout(part.cid));
        }
        if part.shape.is_none() {
            self.size = self.with(size)?;
        }
        self.parts.pop();
        Ok(Block::Leaf)
    }

    fn accept_node(&mut self, part: &Part, block: &[u8], links: &[node::Link]) -> Result<Block, WalkError> {
        let refuse = || WalkError::Layout(part.cid);
        let size = links.iter().map(|link| link.size).sum(); // `decode` has checked that it fits
        let tree_size = tree_size(block, links.iter().map(|link| link.tree_size)).ok_or_else(refuse)?;
        let height = match part.shape {
            Some(shape) if shape.size == size && shape.tree_size == tree_size => shape.height,
            None if part.tree_size.is_none_or(|promised| promised == tree_size) => self.layout.height(size),
            _ => return Err(refuse()),
        };
        if height == 0 || !links.iter().map(|link| link.size).eq(self.layout.children(size, height)) {
            return Err(refuse());
        }
        if links.iter().any(|link| link.cid.is_raw() != (height == 1)) {
            return Err(refuse());
        }
        if part.shape.is_none() {
            self.size = self.with(size)?; // the root tells how large the file is
        }
        self.parts.pop();
        self.parts.extend(links.iter().rev().map(|link| Part {
            cid: link.cid,
            shape: Some(Shape { size: link.size, tree_size: link.tree_size, height: height - 1 }),
            tree_size: None,
            place: None,
        }));
        Ok(Block::Node)
    }

    fn accept_folder(&mut self, part: &Part, place: &Place, block: &[u8]) -> Result<Block, WalkError> {
        let faulty = |fault| WalkError::Folder { cid: part.cid, fault };
        let entries = folder::decode(block).map_err(|error| match error {
            FolderError::Layout => WalkError::Layout(part.cid),
            FolderError::Name => faulty(FolderFault::Name),
        })?;
        let tree_size = tree_size(block, entries.iter().map(|entry| entry.tree_size));
        if tree_size.is_none() || part.tree_size.is_some_and(|promised| Some(promised) != tree_size) {
            return Err(WalkError::Layout(part.cid));
        }
        let mut folders = self.folders.unwrap_or(Folders { max_entries: 0, entries: 0 });
        folders.entries = folders.entries.saturating_add(entries.len() as u64);
        if folders.entries > folders.max_entries {
            return Err(faulty(FolderFault::TooMany { max: folders.max_entries }));
        }
        // A raw block has as many bytes as its link says, or is refused when it comes.
        let leaves = entries.iter().filter(|entry| entry.cid.is_raw());
        if leaves.clone().any(|entry| entry.tree_size > self.layout.chunk) {
            return Err(WalkError::Layout(part.cid));
        }
        let size = self.with(leaves.map(|entry| entry.tree_size).sum())?; // `tree_size` has checked that it fits
        let parts = entries.into_iter().rev().map(|entry| place.entry(entry)).collect::<Option<Vec<_>>>();
        let parts = parts.ok_or_else(|| faulty(FolderFault::TooDeep))?;
        (self.size, self.folders) = (size, Some(folders));
        self.parts.pop();
        self.parts.extend(parts);
        Ok(Block::Folder)
    }

    /// The size of all content, once there is so much more.
    fn with(&self, more: u64) -> Result<u64, WalkError> {
        let size = self.size.saturating_add(more);
        if size > self.max_size {
            return Err(WalkError::TooLarge { cid: self.root, size, max: self.max_size });
        }
        Ok(size)
    }
}

impl Place {
    /// What the walk expects of an entry; `None` if it lies too deep.
    fn entry(&self, Entry { name, cid, tree_size }: Entry) -> Option<Part> {
        let path = if self.path.is_empty() { name } else { format!("{}/{name}", self.path) };
        let depth = self.depth + 1;
        let shape = cid.is_raw().then_some(Shape { size: tree_size, tree_size, height: 0 });
        fits(depth, path.len()).then(|| Part {
            cid,
            shape,
            tree_size: Some(tree_size),
            place: Some(Place { path: path.into(), depth }),
        })
    }
}

/// Bytes of a block and all below it.
fn tree_size(block: &[u8], mut below: impl Iterator<Item = u64>) -> Option<u64> {
    below.try_fold(block.len() as u64, u64::checked_add)
}
