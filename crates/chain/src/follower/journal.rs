//! The blocks that were applied and can still be retracted.

use std::collections::VecDeque;

use crate::BlockRef;

/// Oldest first. The oldest can't be retracted: it is where a retraction may end.
#[derive(Debug)]
pub(super) struct Journal {
    blocks: VecDeque<BlockRef>,
}

impl Journal {
    pub(super) fn new(blocks: Vec<BlockRef>) -> Self {
        Self { blocks: blocks.into() }
    }

    pub(super) fn tip(&self) -> Option<BlockRef> {
        self.blocks.back().copied()
    }

    pub(super) fn oldest(&self) -> Option<BlockRef> {
        self.blocks.front().copied()
    }

    /// The block at a height, if it is remembered: heights of history are left out.
    pub(super) fn at(&self, number: u64) -> Option<BlockRef> {
        let position = self.blocks.binary_search_by_key(&number, |block| block.number).ok()?;
        self.blocks.get(position).copied()
    }

    pub(super) fn push(&mut self, block: BlockRef) {
        self.blocks.push_back(block);
    }

    pub(super) fn cut_above(&mut self, number: u64) {
        self.blocks.truncate(self.blocks.partition_point(|block| block.number <= number));
    }

    /// Forgets what is final, but for the last final block.
    pub(super) fn forget_below(&mut self, finalized: u64) {
        while self.blocks.get(1).is_some_and(|second| second.number <= finalized) {
            self.blocks.pop_front();
        }
    }
}
