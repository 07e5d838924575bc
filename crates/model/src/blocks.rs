//! What the blocks say that chance is read from: the same to the model and to the chain.

use alloy::primitives::{B256, keccak256};

/// Blocks that the chain still knows the hash of (EIP-2935).
pub(crate) const REMEMBERED: u64 = 8_191;

/// A block's RANDAO mix.
pub(crate) fn randomness(number: u64) -> B256 {
    keccak256(number.to_be_bytes())
}

/// A block's header as far as the mix goes, RLP encoded: its hash is the block's.
pub(crate) fn header(number: u64) -> Vec<u8> {
    // A list of fifteen: the mix is the fourteenth, the nonce the last; nobody reads the others.
    let mut header = vec![0xc0 + 55];
    header.extend([0x80; 13]);
    header.push(0xa0);
    header.extend(randomness(number));
    header.push(0x88);
    header.extend([0; 8]);
    header
}
