//! A chain that can be reorganised, and the updates that a follower would give of it.

use aiigo_chain::{BlockRef, Update};
use alloy::primitives::B256;

use super::{
    events::{Log, hash, locate},
    market::Market,
};

/// Seconds between blocks.
pub const BLOCK_TIME: u64 = 12;

/// When block 0 was: a quarter of an hour before a day ends, in UTC.
pub const GENESIS_TIME: u64 = 1_700_005_500;

#[derive(Clone, Debug)]
struct Block {
    header: BlockRef,
    logs: Vec<Log>,
    /// The market after it.
    market: Market,
}

/// Blocks from 1 on.
#[derive(Clone, Debug)]
pub struct Chain {
    blocks: Vec<Block>,
    /// Makes blocks of different forks differ.
    forks: u64,
}

impl Chain {
    /// A chain whose first block announces all parameters.
    pub fn new() -> Self {
        let mut chain = Self { blocks: Vec::new(), forks: 0 };
        let mut market = Market::default();
        let logs = market.begin();
        chain.push(market, logs);
        chain
    }

    fn push(&mut self, market: Market, logs: Vec<Log>) {
        let number = self.height() + 1;
        let parent_hash = self.blocks.last().map_or(B256::ZERO, |block| block.header.hash);
        let hash = hash(&[b"block", &number.to_be_bytes(), &self.forks.to_be_bytes(), parent_hash.as_slice()]);
        let header = BlockRef { number, hash, parent_hash, timestamp: GENESIS_TIME + number * BLOCK_TIME };
        self.blocks.push(Block { header, logs, market });
    }

    /// The number of the last block.
    pub fn height(&self) -> u64 {
        self.blocks.len() as u64
    }

    /// A block's header.
    pub fn header(&self, number: u64) -> BlockRef {
        self.blocks[number as usize - 1].header
    }

    /// The market as it is after the last block.
    pub fn market(&self) -> Market {
        self.blocks.last().expect("a first block").market.clone()
    }

    /// Adds a block in which the market takes a step for each choice.
    pub fn mine(&mut self, choices: &[u64]) {
        let mut market = self.market();
        let time = GENESIS_TIME + (self.height() + 1) * BLOCK_TIME;
        let logs = choices.iter().flat_map(|choice| market.step(*choice, time)).collect();
        self.push(market, logs);
    }

    /// Adds a block with these logs.
    pub fn mine_logs(&mut self, logs: Vec<Log>) {
        self.push(self.market(), logs);
    }

    /// Drops the blocks above `number`; what is mined now is another chain.
    pub fn fork_at(&mut self, number: u64) {
        self.blocks.truncate(number as usize);
        self.forks += 1;
    }

    /// The update that adds the blocks `from` to `to`.
    pub fn applied(&self, from: u64, to: u64, finalized: u64) -> Update {
        let blocks = &self.blocks[from as usize - 1..to as usize];
        Update::Applied {
            block: self.header(to),
            from,
            events: blocks.iter().flat_map(|block| locate(block.header, &block.logs)).collect(),
            head: self.header(self.height()),
            finalized,
            live: to == self.height(),
        }
    }

    /// The update that takes back the blocks above `number`.
    pub fn retracted(&self, number: u64) -> Update {
        Update::Retracted { to: self.header(number) }
    }
}
