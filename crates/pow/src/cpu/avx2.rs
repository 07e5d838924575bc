//! Four nonces at once: AVX2.

use std::arch::x86_64::*;

use crate::{
    device::Hits,
    keccak::{self, Job, Lanes, Rounds},
};

#[derive(Clone, Copy)]
struct V(__m256i);

// SAFETY: each method uses AVX2 only, which the trait's contract grants.
unsafe impl Lanes for V {
    const COUNT: usize = 4;
    const ROUNDS: Rounds = Rounds::TwoInput;

    #[inline(always)]
    unsafe fn splat(value: u64) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_set1_epi64x(value as i64) })
    }

    #[inline(always)]
    unsafe fn counting_from(first: u64) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm256_set_epi64x(3, 2, 1, 0)).add(Self::splat(first)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_xor_si256(self.0, b.0) })
    }

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm256_xor_si256(self.0, _mm256_andnot_si256(b.0, c.0)) })
    }

    #[inline(always)]
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            Self(match L {
                // Whole bytes: one shuffle. By one: an addition, which has more ports than a shift.
                8 => {
                    let order = _mm_set_epi8(14, 13, 12, 11, 10, 9, 8, 15, 6, 5, 4, 3, 2, 1, 0, 7);
                    _mm256_shuffle_epi8(self.0, _mm256_broadcastsi128_si256(order))
                }
                56 => {
                    let order = _mm_set_epi8(8, 15, 14, 13, 12, 11, 10, 9, 0, 7, 6, 5, 4, 3, 2, 1);
                    _mm256_shuffle_epi8(self.0, _mm256_broadcastsi128_si256(order))
                }
                1 => _mm256_or_si256(_mm256_add_epi64(self.0, self.0), _mm256_srli_epi64::<R>(self.0)),
                _ => _mm256_or_si256(_mm256_slli_epi64::<L>(self.0), _mm256_srli_epi64::<R>(self.0)),
            })
        }
    }

    #[inline(always)]
    unsafe fn swap_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let order = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
            Self(_mm256_shuffle_epi8(self.0, _mm256_broadcastsi128_si256(order)))
        }
    }

    #[inline(always)]
    unsafe fn at_most(self, other: Self) -> u32 {
        // SAFETY: the trait's contract.
        unsafe {
            // There is only a signed comparison: the highest bit is turned over on both sides.
            let sign = _mm256_set1_epi64x(i64::MIN);
            let above = _mm256_cmpgt_epi64(_mm256_xor_si256(self.0, sign), _mm256_xor_si256(other.0, sign));
            !(_mm256_movemask_pd(_mm256_castsi256_pd(above)) as u32) & 0xf
        }
    }
}

/// See [`keccak::search`].
///
/// # Safety
/// The processor must have AVX2.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn search(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: the instructions are enabled here, and the caller says that they are there.
    unsafe { keccak::search::<V>(job, first, count, target, hits) }
}
