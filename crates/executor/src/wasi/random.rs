//! Randomness as the program sees it: a fixed stream, SHA-256 in counter mode. It is not secret, and a task must not
//! make keys of it.

use sha2::{Digest, Sha256};

const SEED: &[u8] = b"aiigo.random/v1";

/// The stream.
#[derive(Debug, Default)]
pub(super) struct Random {
    counter: u64,
    block: [u8; 32],
    left: usize,
}

impl Random {
    /// Fills a buffer with the next bytes.
    pub(super) fn fill(&mut self, out: &mut [u8]) {
        let mut filled = 0;
        while filled < out.len() {
            if self.left == 0 {
                self.block =
                    Sha256::new().chain_update(SEED).chain_update(self.counter.to_be_bytes()).finalize().into();
                self.counter = self.counter.wrapping_add(1);
                self.left = self.block.len();
            }
            let start = self.block.len() - self.left;
            let count = self.left.min(out.len() - filled);
            out[filled..filled + count].copy_from_slice(&self.block[start..start + count]);
            self.left -= count;
            filled += count;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_does_not_depend_on_how_it_is_read() {
        let (mut whole, mut parts) = ([0; 100], [0; 100]);
        Random::default().fill(&mut whole);
        let mut random = Random::default();
        parts.chunks_mut(7).for_each(|part| random.fill(part));
        assert_eq!(whole, parts);
        assert_ne!(whole[..32], whole[32..64]);
    }
}
