//! From content to blocks, in one pass and in constant memory.

use std::io::{self, Read};

use sha2::{Digest, Sha256};

use super::{
    hash::Hashing,
    layout::Layout,
    node::{Link, encode},
};
use crate::BlobCid;

/// Takes each block as it is finished; children come before their parents.
pub(crate) type Sink<'a> = dyn FnMut(&BlobCid, &[u8]) -> io::Result<()> + 'a;

/// A finished tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Root {
    pub(crate) cid: BlobCid,
    /// Content bytes.
    pub(crate) size: u64,
    /// Bytes of all blocks, as often as they occur.
    pub(crate) tree_size: u64,
}

/// Builds the tree of a file.
pub(crate) struct Builder<H> {
    layout: Layout,
    /// The leaf that is being filled.
    chunk: Vec<u8>,
    /// Links that wait for a parent, from the leaves upwards; none holds a full node's worth.
    levels: Vec<Vec<Link>>,
    size: u64,
    hashing: H,
}

impl<H: Hashing> Builder<H> {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, chunk: Vec::new(), levels: Vec::new(), size: 0, hashing: H::default() }
    }

    /// Takes more content. What comes a leaf at a time is not copied.
    pub(crate) fn push(&mut self, mut content: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        self.size += content.len() as u64;
        let full = self.layout.chunk as usize; // 256 KiB
        while !content.is_empty() {
            let (head, tail) = content.split_at(content.len().min(full - self.chunk.len()));
            content = tail;
            if head.len() == full {
                self.end_leaf(head, sink)?;
                continue;
            }
            self.chunk.extend_from_slice(head);
            if self.chunk.len() == full {
                self.end_chunk(sink)?;
            }
        }
        Ok(())
    }

    /// Takes all that a reader gives, up to `max_size` bytes.
    pub(crate) fn read_from(
        mut self,
        mut reader: impl Read,
        max_size: u64,
        sink: &mut Sink<'_>,
    ) -> io::Result<H::Built> {
        let mut leaf = vec![0; self.layout.chunk as usize]; // 256 KiB
        loop {
            let count = fill(&mut reader, &mut leaf)?;
            if self.size + count as u64 > max_size {
                return Err(io::Error::new(
                    io::ErrorKind::FileTooLarge,
                    format!("more than {max_size} bytes, the most that is allowed here"),
                ));
            }
            self.push(&leaf[..count], sink)?;
            if count < leaf.len() {
                return self.finish(sink);
            }
        }
    }

    /// Ends the file. The last block that the sink gets is the root.
    pub(crate) fn finish(mut self, sink: &mut Sink<'_>) -> io::Result<H::Built> {
        if !self.chunk.is_empty() || self.size == 0 {
            self.end_chunk(sink)?;
        }
        let mut level = 0;
        let root = loop {
            let last = level + 1 >= self.levels.len();
            match self.levels[level].as_slice() {
                [root] if last => break *root,
                [] => {}
                _ => self.end_node(level, sink)?,
            }
            level += 1;
        };
        Ok(self.hashing.built(Root { cid: root.cid, size: self.size, tree_size: root.tree_size }))
    }

    fn end_chunk(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        let mut chunk = std::mem::take(&mut self.chunk);
        self.end_leaf(&chunk, sink)?;
        chunk.clear();
        self.chunk = chunk;
        Ok(())
    }

    fn end_leaf(&mut self, leaf: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        let cid = BlobCid::raw(self.hashing.leaf(leaf));
        sink(&cid, leaf)?;
        let size = leaf.len() as u64;
        self.add(0, Link { cid, size, tree_size: size }, sink)
    }

    fn add(&mut self, level: usize, link: Link, sink: &mut Sink<'_>) -> io::Result<()> {
        if self.levels.len() == level {
            self.levels.push(Vec::new());
        }
        self.levels[level].push(link);
        if self.levels[level].len() as u64 == self.layout.fanout { self.end_node(level, sink) } else { Ok(()) }
    }

    /// Puts the links of a level under one node of the next.
    fn end_node(&mut self, level: usize, sink: &mut Sink<'_>) -> io::Result<()> {
        let links = std::mem::take(&mut self.levels[level]);
        let block = encode(&links);
        let cid = BlobCid::dag_pb(Sha256::digest(&block).into());
        sink(&cid, &block)?;
        let size = links.iter().map(|link| link.size).sum();
        let tree_size = links.iter().map(|link| link.tree_size).sum::<u64>() + block.len() as u64;
        self.add(level + 1, Link { cid, size, tree_size }, sink)
    }
}

/// Reads until the buffer is full or the content ends, and tells how much there is.
fn fill(reader: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
