//! Eight nonces at once: AVX-512 with its three-input logic and its rotation.

use std::arch::x86_64::*;

use crate::{
    device::Hits,
    keccak::{self, Job, Lanes, Rounds},
};

/// `DIRECT`: see [`Rounds`].
#[derive(Clone, Copy)]
struct V<const DIRECT: bool>(__m512i);

/// `vpternlogq`'s truth tables: a ⊕ b ⊕ c, and a ⊕ (¬b ∧ c).
const XOR3: i32 = 0x96;
const CHI: i32 = 0xd2;

// SAFETY: each method uses AVX-512 F or BW only, which the trait's contract grants.
unsafe impl<const DIRECT: bool> Lanes for V<DIRECT> {
    const COUNT: usize = 8;
    const ROUNDS: Rounds = if DIRECT { Rounds::ThreeInputDirect } else { Rounds::ThreeInput };

    #[inline(always)]
    unsafe fn splat(value: u64) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_set1_epi64(value as i64) })
    }

    #[inline(always)]
    unsafe fn counting_from(first: u64) -> Self {
        // SAFETY: the trait's contract.
        unsafe { Self(_mm512_set_epi64(7, 6, 5, 4, 3, 2, 1, 0)).add(Self::splat(first)) }
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_add_epi64(self.0, other.0) })
    }

    #[inline(always)]
    unsafe fn xor(self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_xor_si512(self.0, b.0) })
    }

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_ternarylogic_epi64::<XOR3>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_ternarylogic_epi64::<CHI>(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { _mm512_rol_epi64::<L>(self.0) })
    }

    #[inline(always)]
    unsafe fn swap_bytes(self) -> Self {
        // SAFETY: the trait's contract.
        unsafe {
            let order = _mm_set_epi8(8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
            Self(_mm512_shuffle_epi8(self.0, _mm512_broadcast_i32x4(order)))
        }
    }

    #[inline(always)]
    unsafe fn at_most(self, other: Self) -> u32 {
        // SAFETY: the trait's contract.
        unsafe { _mm512_cmple_epu64_mask(self.0, other.0) }.into()
    }
}

/// See [`keccak::search`].
///
/// # Safety
/// The processor must have AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn search(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: the instructions are enabled here, and the caller says that they are there.
    unsafe { keccak::search::<V<false>>(job, first, count, target, hits) }
}

/// The same with fewer operations and more spills: faster on Intel's, slower on AMD's Zen 4.
///
/// # Safety
/// The processor must have AVX-512 F and BW.
#[target_feature(enable = "avx512f,avx512bw")]
pub(super) unsafe fn search_direct(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: the instructions are enabled here, and the caller says that they are there.
    unsafe { keccak::search::<V<true>>(job, first, count, target, hits) }
}
