//! The shape of a balanced tree, which follows from the file's size alone.

/// Chunk size and links of a node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layout {
    /// Bytes of a full leaf.
    pub(crate) chunk: u64,
    /// Most links of a node.
    pub(crate) fanout: u64,
}

impl Layout {
    /// Levels of nodes above the leaves for a file of `size` bytes; 0 if the file is a single leaf.
    pub(crate) fn height(self, size: u64) -> u32 {
        let mut height = 0;
        while self.capacity(height) < size {
            height += 1;
        }
        height
    }

    /// Bytes below a full node of this height.
    fn capacity(self, height: u32) -> u64 {
        self.chunk.saturating_mul(self.fanout.saturating_pow(height))
    }

    /// How many bytes each child holds of a node of `height` ≥ 1 over `size` ≥ 1 bytes: all are full but the last.
    pub(crate) fn children(self, size: u64, height: u32) -> impl Iterator<Item = u64> {
        let full = self.capacity(height - 1);
        let count = size.div_ceil(full);
        (0..count).map(move |index| if index + 1 == count { size - index * full } else { full })
    }
}
