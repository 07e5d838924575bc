//! From the largest of the 64 smallest hashes to hashes per second.

use alloy_primitives::{U256, U512};

use crate::NONCES;

/// Relative standard error of one result: 1/√(k − 2), the deviation of (k − 1)/Γ(k).
pub const RELATIVE_ERROR: f64 = 0.127;
/// The 95% lower bound of one result, percent: `LOWER_BOUND_OF_ONE` of the verifier.
pub const LOWER_BOUND_OF_ONE: u64 = 82;
/// The 95% lower bound of the mean of four, percent: `LOWER_BOUND_OF_MEAN` of the verifier.
pub const LOWER_BOUND_OF_MEAN: u64 = 90;
/// How much of the lower bound counts before the first audit, percent: `UNAUDITED_SHARE` of the verifier.
pub const UNAUDITED_SHARE: u64 = 50;
/// Hashes per second that count as one TFLOPS, unless governance decided otherwise: DESIGN 2.3.
pub const DEFAULT_HASHES_PER_TFLOPS: u64 = 60_000_000;

/// Hashes per second by the verifier's formula: ⌊⌊63 × (2²⁵⁶ − 1) / h⌋ / T⌋, where h = 0 counts as 1, capped at 2⁶⁴ − 1.
/// Always over the whole window, whenever the solution was sent. A window of 0 s gives 0.
pub fn estimate_hash_rate(largest_hash: U256, window_secs: u64) -> u64 {
    let h = U512::from(largest_hash.max(U256::from(1)));
    let tried = U512::from(NONCES - 1) * U512::from(U256::MAX) / h;
    match U512::from(window_secs) {
        U512::ZERO => 0,
        window => (tried / window).saturating_to(),
    }
}

/// Milli-TFLOPS of a hash rate, rounded down, by a calibration in hashes per second and TFLOPS. A calibration of 0 gives 0.
pub fn milli_tflops(hash_rate: u64, hashes_per_tflops: u64) -> u64 {
    let scaled = u128::from(hash_rate) * 1000;
    scaled.checked_div(hashes_per_tflops.into()).map_or(0, |power| power.try_into().unwrap_or(u64::MAX))
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

    #[test]
    fn power_is_counted_by_the_calibration() {
        assert_eq!(milli_tflops(60_000_000, DEFAULT_HASHES_PER_TFLOPS), 1000);
        assert_eq!(milli_tflops(59_999, DEFAULT_HASHES_PER_TFLOPS), 0);
        assert_eq!(milli_tflops(u64::MAX, 1), u64::MAX);
        assert_eq!(milli_tflops(1, 0), 0);
    }

    /// Estimates of a rate of 1. Of n hashes, uniform in [0, 1), the 64th smallest is drawn directly: the sum of 64 waiting
    /// times of a Poisson process of rate n, which for n ≫ 64 is its distribution.
    fn estimates(seed: u64) -> impl Iterator<Item = f64> {
        const RATE: f64 = 1e9;
        let mut state = seed;
        let mut uniform = move || {
            // SplitMix64
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
        };
        std::iter::repeat_with(move || {
            let waiting: f64 = (0..NONCES).map(|_| -(1.0 - uniform()).ln()).sum();
            let h = U256::from(waiting / RATE * 2_f64.powi(128)) << 128;
            estimate_hash_rate(h, 1) as f64 / RATE
        })
    }

    #[test]
    fn the_estimate_is_unbiased_with_the_known_error() {
        const RUNS: u32 = 20_000;
        let all: Vec<f64> = estimates(1).take(RUNS as usize).collect();
        let mean = all.iter().sum::<f64>() / f64::from(RUNS);
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(RUNS);
        assert!((mean - 1.0).abs() < 4.0 * RELATIVE_ERROR / f64::from(RUNS).sqrt(), "mean {mean}");
        assert!((variance.sqrt() - RELATIVE_ERROR).abs() < 0.005, "relative error {}", variance.sqrt());
        assert!((1.0 / ((NONCES - 2) as f64).sqrt() - RELATIVE_ERROR).abs() < 0.0005);
    }

    /// How often the bound is at most the truth, of 20,000; the standard error of that is 0.15%.
    #[test]
    fn the_lower_bounds_hold_in_95_of_100_cases() {
        const RUNS: usize = 20_000;
        let share =
            |bounds: Vec<f64>| bounds.iter().filter(|bound| **bound <= 1.0).count() as f64 / bounds.len() as f64;
        let ones = estimates(2).take(RUNS).map(|x| x * LOWER_BOUND_OF_ONE as f64 / 100.0).collect();
        let held = share(ones);
        assert!((0.945..0.965).contains(&held), "one result: {held}");

        let all: Vec<f64> = estimates(3).take(4 * RUNS).collect();
        let means =
            all.chunks(4).map(|four| four.iter().sum::<f64>() / 4.0 * LOWER_BOUND_OF_MEAN as f64 / 100.0).collect();
        let held = share(means);
        assert!((0.945..0.97).contains(&held), "mean of four: {held}");
    }
}
