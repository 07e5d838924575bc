//! The smallest hashes seen so far.

use std::collections::BinaryHeap;

use alloy_primitives::B256;

use crate::NONCES;

/// The 64 smallest hashes of those offered, with their nonces. Ties go to the smaller nonce.
#[derive(Clone, Debug)]
pub(crate) struct Best {
    /// The root is the largest: what the next one must beat. Its space never grows.
    heap: BinaryHeap<(B256, u64)>,
}

impl Default for Best {
    fn default() -> Self {
        Self { heap: BinaryHeap::with_capacity(NONCES + 1) }
    }
}

impl Best {
    /// A hash whose first 64 bits are above this can't be among the best.
    pub(crate) fn target(&self) -> u64 {
        match self.heap.peek() {
            Some((root, _)) if self.heap.len() == NONCES => leading_bits(root),
            _ => u64::MAX,
        }
    }

    /// Takes a hash if it is among the smallest so far. `false`: its nonce is already there.
    pub(crate) fn offer(&mut self, hash: B256, nonce: u64) -> bool {
        if self.heap.iter().any(|(_, known)| *known == nonce) {
            return false;
        }
        self.heap.push((hash, nonce));
        if self.heap.len() > NONCES {
            self.heap.pop();
        }
        true
    }

    /// The largest of the best and the nonces of all, increasing; `None` if there are fewer than 64.
    pub(crate) fn finish(&self) -> Option<(B256, [u64; NONCES])> {
        let largest = self.heap.peek()?.0;
        let mut nonces: Vec<u64> = self.heap.iter().map(|(_, nonce)| *nonce).collect();
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// Few different hashes, so that ties at the edge happen.
        #[test]
        fn the_smallest_are_kept_in_whatever_order_they_come(bytes in prop::collection::vec(any::<u8>(), 64..400)) {
            let mut hashes: Vec<(B256, u64)> =
                bytes.iter().zip(0..).map(|(byte, nonce)| (B256::with_last_byte(byte % 40), nonce)).collect();
            let mut best = Best::default();
            for (hash, nonce) in &hashes {
                prop_assert!(best.offer(*hash, *nonce));
            }
            hashes.sort();
            let (largest, nonces) = best.finish().unwrap();
            prop_assert_eq!(largest, hashes[63].0);
            let mut expected: Vec<u64> = hashes[..64].iter().map(|(_, nonce)| *nonce).collect();
            expected.sort_unstable();
            prop_assert_eq!(&nonces[..], expected);
        }
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

    #[test]
    fn a_nonce_counts_once() {
        let mut best = Best::default();
        assert!(best.offer(B256::ZERO, 7));
        assert!(!best.offer(B256::ZERO, 7));
    }
}
