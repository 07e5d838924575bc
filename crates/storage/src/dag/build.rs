//! From content to blocks, in one pass and in constant memory.

use std::io::{self, Read};

use aiigo_task::Sha256Digest;
use sha2::{Digest, Sha256};

use super::{
    layout::Layout,
    node::{Link, encode},
};
use crate::{BlobCid, BlobRef};

/// Takes each block as it is finished; children come before their parents.
pub(crate) type Sink<'a> = dyn FnMut(&BlobCid, &[u8]) -> io::Result<()> + 'a;

/// Builds the tree of a file.
pub(crate) struct Builder {
    layout: Layout,
    /// The leaf that is being filled.
    chunk: Vec<u8>,
    /// Links that wait for a parent, from the leaves upwards; none holds a full node's worth.
    levels: Vec<Vec<Link>>,
    size: u64,
    sha256: Sha256,
}

impl Builder {
    pub(crate) fn new(layout: Layout) -> Self {
        Self { layout, chunk: Vec::new(), levels: Vec::new(), size: 0, sha256: Sha256::new() }
    }

    /// Takes more content.
    pub(crate) fn push(&mut self, mut content: &[u8], sink: &mut Sink<'_>) -> io::Result<()> {
        self.sha256.update(content);
        self.size += content.len() as u64;
        let full = self.layout.chunk as usize; // 256 KiB
        while !content.is_empty() {
            let (head, tail) = content.split_at(content.len().min(full - self.chunk.len()));
            self.chunk.extend_from_slice(head);
            content = tail;
            if self.chunk.len() == full {
                self.end_leaf(sink)?;
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
    ) -> io::Result<BlobRef> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match reader.read(&mut buffer) {
                Ok(0) => return self.finish(sink),
                Ok(count) if self.size + count as u64 > max_size => {
                    return Err(io::Error::new(
                        io::ErrorKind::FileTooLarge,
                        format!("more than {max_size} bytes, the most that is allowed here"),
                    ));
                }
                Ok(count) => self.push(&buffer[..count], sink)?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends the file. The last block that the sink gets is the root.
    pub(crate) fn finish(&mut self, sink: &mut Sink<'_>) -> io::Result<BlobRef> {
        if !self.chunk.is_empty() || self.size == 0 {
            self.end_leaf(sink)?;
        }
        let mut level = 0;
        let root = loop {
            let last = level + 1 >= self.levels.len();
            match self.levels[level].as_slice() {
                [root] if last => break root.cid,
                [] => {}
                _ => self.end_node(level, sink)?,
            }
            level += 1;
        };
        let sha256 = Sha256Digest(self.sha256.finalize_reset().into());
        Ok(BlobRef { cid: root, size: self.size, sha256 })
    }

    fn end_leaf(&mut self, sink: &mut Sink<'_>) -> io::Result<()> {
        let cid = BlobCid::raw(Sha256::digest(&self.chunk).into());
        sink(&cid, &self.chunk)?;
        let size = self.chunk.len() as u64;
        self.chunk.clear();
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
