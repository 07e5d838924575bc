//! The smallest hashes seen so far.

use std::collections::BinaryHeap;

use alloy::primitives::B256;

use crate::NONCES;

/// The 64 smallest hashes of those offered, with their nonces. Ties go to the smaller nonce.
#[derive(Clone, Debug, Default)]
pub(crate) struct Best {
    /// The root is the largest: what the next one must beat.
    heap: BinaryHeap<(B256, u64)>,
}

impl Best {
    /// A hash whose first 64 bits are above this can't be among the best.
    pub(crate) fn target(&self) -> u64 {
        match self.heap.peek() {
            Some((root, _)) if self.heap.len() == NONCES => leading_bits(root),
            _ => u64::MAX,
        }
    }

    pub(crate) fn offer(&mut self, hash: B256, nonce: u64) {
        self.heap.push((hash, nonce));
        if self.heap.len() > NONCES {
            self.heap.pop();
        }
    }

    pub(crate) fn merge(&mut self, other: Self) {
        for (hash, nonce) in other.heap {
            self.offer(hash, nonce);
        }
    }

    /// The largest of the best and the nonces of all, increasing; `None` if there are fewer than 64.
    pub(crate) fn finish(self) -> Option<(B256, [u64; NONCES])> {
        let largest = self.heap.peek()?.0;
        let mut nonces: Vec<u64> = self.heap.into_iter().map(|(_, nonce)| nonce).collect();
        nonces.sort_unstable();
        Some((largest, nonces.try_into().ok()?))
    }
}

/// The first 8 bytes of a hash as a big-endian number.
pub(crate) fn leading_bits(hash: &B256) -> u64 {
    let [first, ..] = hash.as_chunks::<8>().0 else { return 0 }; // a hash has four
    u64::from_be_bytes(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_are_kept_in_whatever_order_they_come() {
        let mut hashes: Vec<(B256, u64)> = (0..500).map(|nonce| (crate::hash(B256::ZERO, nonce), nonce)).collect();
        let mut best = Best::default();
        for (hash, nonce) in &hashes {
            best.offer(*hash, *nonce);
        }
        hashes.sort();
        let (largest, nonces) = best.finish().unwrap();
        assert_eq!(largest, hashes[63].0);
        let mut expected: Vec<u64> = hashes[..64].iter().map(|(_, nonce)| *nonce).collect();
        expected.sort_unstable();
        assert_eq!(nonces[..], expected);
    }

    #[test]
    fn fewer_than_64_are_no_solution() {
        let mut best = Best::default();
        assert_eq!(best.target(), u64::MAX);
        for nonce in 0..63 {
            best.offer(crate::hash(B256::ZERO, nonce), nonce);
        }
        assert_eq!(best.target(), u64::MAX);
        assert!(best.finish().is_none());
    }
}
