//! From the largest of the 64 smallest hashes to hashes per second.

use alloy::primitives::{U256, U512};

use crate::NONCES;

/// Hashes per second by the verifier's formula: ⌊⌊63 × (2²⁵⁶ − 1) / h⌋ / T⌋, where h = 0 counts as 1, capped at 2⁶⁴ − 1.
/// Always over the whole window, whenever the solution was sent. A window of 0 s gives 0.
pub fn estimate_hash_rate(largest_hash: U256, window_secs: u64) -> u64 {
    let (_, tried) = tried(largest_hash);
    match U512::from(window_secs) {
        U512::ZERO => 0,
        window => (tried / window).saturating_to(),
    }
}

/// How many hashes were tried, and the same in full width.
fn tried(largest_hash: U256) -> (u64, U512) {
    let h = U512::from(largest_hash.max(U256::from(1)));
    let tried = U512::from(NONCES - 1) * U512::from(U256::MAX) / h;
    (tried.saturating_to(), tried)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_ends_of_the_range_are_those_of_the_contract() {
        assert_eq!(estimate_hash_rate(U256::MAX, 1), 63);
        assert_eq!(estimate_hash_rate(U256::MAX, 64), 0);
        assert_eq!(estimate_hash_rate(U256::ZERO, 1), u64::MAX);
        assert_eq!(estimate_hash_rate(U256::from(1), u64::MAX), u64::MAX);
        assert_eq!(estimate_hash_rate(U256::MAX, 0), 0);
        assert_eq!(estimate_hash_rate(U256::from(1) << 192, 63), u64::MAX, "2^64 hashes/s do not fit");
    }

    proptest! {
        #[test]
        fn a_smaller_hash_never_shows_less_power(a in any::<[u8; 32]>(), b in any::<[u8; 32]>(), window in 1..10_000_u64) {
            let (a, b) = (U256::from_be_bytes(a), U256::from_be_bytes(b));
            prop_assert!(estimate_hash_rate(a.min(b), window) >= estimate_hash_rate(a.max(b), window));
        }
    }

    /// Of n hashes, uniform in [0, 1), the 64th smallest is drawn directly: the sum of 64 waiting times of a Poisson process
    /// of rate n, which for n ≫ 64 is its distribution. Mean and spread of 20,000 estimates are those of the theory.
    #[test]
    fn the_estimate_is_unbiased_with_the_known_error() {
        const RUNS: u32 = 20_000;
        const RATE: f64 = 1e9;
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut uniform = || {
            // SplitMix64
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (mut sum, mut squares) = (0.0, 0.0);
        for _ in 0..RUNS {
            let waiting: f64 = (0..NONCES).map(|_| -(1.0 - uniform()).ln()).sum();
            let h = U256::from(waiting / RATE * 2_f64.powi(128)) << 128;
            let ratio = estimate_hash_rate(h, 1) as f64 / RATE;
            sum += ratio;
            squares += ratio * ratio;
        }
        let mean = sum / f64::from(RUNS);
        let deviation = (squares / f64::from(RUNS) - mean * mean).sqrt();
        assert!((mean - 1.0).abs() < 4.0 * 0.127 / f64::from(RUNS).sqrt(), "mean {mean}");
        assert!((deviation - 1.0 / 62_f64.sqrt()).abs() < 0.005, "relative error {deviation}");
    }
}
