//! A long, eventful chain that is the same every time.

use super::chain::Chain;

/// Choices for so many blocks, so many a block.
pub fn choices(blocks: usize, steps: usize) -> Vec<Vec<u64>> {
    // xorshift64: any fixed sequence would do.
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    (0..blocks).map(|_| (0..steps).map(|_| next()).collect()).collect()
}

/// A chain in which everything happens.
pub fn eventful() -> Chain {
    let mut chain = Chain::new();
    choices(120, 30).iter().for_each(|block| chain.mine(block));
    chain
}
