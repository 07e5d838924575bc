//! Two nonces at once: NEON, alone or with the SHA3 extension of Armv8.2, made for keccak: three-input XOR, XOR and rotate,
//! bit clear and XOR.

use std::arch::aarch64::*;

use crate::{
    device::Hits,
    keccak::{self, Job, Lanes, Rounds},
};

#[derive(Clone, Copy)]
struct V(uint64x2_t);

#[derive(Clone, Copy)]
struct Sha3(uint64x2_t);

macro_rules! common {
    () => {
        const COUNT: usize = 2;

        #[inline(always)]
        unsafe fn splat(value: u64) -> Self {
            // SAFETY: the trait's contract.
            Self(unsafe { vdupq_n_u64(value) })
        }

        #[inline(always)]
        unsafe fn counting_from(first: u64) -> Self {
            // SAFETY: the trait's contract.
            Self(unsafe { vcombine_u64(vcreate_u64(first), vcreate_u64(first.wrapping_add(1))) })
        }

        #[inline(always)]
        unsafe fn add(self, other: Self) -> Self {
            // SAFETY: the trait's contract.
            Self(unsafe { vaddq_u64(self.0, other.0) })
        }

        #[inline(always)]
        unsafe fn xor(self, b: Self) -> Self {
            // SAFETY: the trait's contract.
            Self(unsafe { veorq_u64(self.0, b.0) })
        }

        #[inline(always)]
        unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
            // SAFETY: the trait's contract.
            Self(unsafe { vsriq_n_u64::<R>(vshlq_n_u64::<L>(self.0), self.0) })
        }

        #[inline(always)]
        unsafe fn swap_bytes(self) -> Self {
            // SAFETY: the trait's contract.
            Self(unsafe { vreinterpretq_u64_u8(vrev64q_u8(vreinterpretq_u8_u64(self.0))) })
        }

        #[inline(always)]
        unsafe fn at_most(self, other: Self) -> u32 {
            // SAFETY: the trait's contract.
            unsafe {
                let yes = vcleq_u64(self.0, other.0);
                (vgetq_lane_u64::<0>(yes) & 1 | vgetq_lane_u64::<1>(yes) & 2) as u32
            }
        }
    };
}

// SAFETY: each method uses NEON only, which the trait's contract grants.
unsafe impl Lanes for V {
    const ROUNDS: Rounds = Rounds::TwoInput;
    common!();

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { veorq_u64(self.0, vbicq_u64(c.0, b.0)) })
    }
}

// SAFETY: each method uses NEON and SHA3 only, which the trait's contract grants.
unsafe impl Lanes for Sha3 {
    const ROUNDS: Rounds = Rounds::ThreeInput;
    common!();

    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { eor3(self.0, b.0, c.0) })
    }

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { bcax(self.0, c.0, b.0) })
    }

    #[inline(always)]
    unsafe fn xor_rotl<const L: i32, const R: i32>(self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { xar::<R>(self.0, b.0) })
    }

    #[inline(always)]
    unsafe fn xor_with_rotl1(self, b: Self) -> Self {
        // SAFETY: the trait's contract.
        Self(unsafe { rax1(self.0, b.0) })
    }
}

// The extension's instructions as functions that are inlined where it is enabled, and nowhere else: the library's own insist on
// being inlined into their caller, which for a method above is not yet the place.

#[inline]
#[target_feature(enable = "neon,sha3")]
fn eor3(a: uint64x2_t, b: uint64x2_t, c: uint64x2_t) -> uint64x2_t {
    veor3q_u64(a, b, c)
}

#[inline]
#[target_feature(enable = "neon,sha3")]
fn bcax(a: uint64x2_t, b: uint64x2_t, c: uint64x2_t) -> uint64x2_t {
    vbcaxq_u64(a, b, c)
}

#[inline]
#[target_feature(enable = "neon,sha3")]
fn xar<const R: i32>(a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
    vxarq_u64::<R>(a, b)
}

#[inline]
#[target_feature(enable = "neon,sha3")]
fn rax1(a: uint64x2_t, b: uint64x2_t) -> uint64x2_t {
    vrax1q_u64(a, b)
}

/// See [`keccak::search`].
///
/// # Safety
/// The processor must have NEON.
#[target_feature(enable = "neon")]
pub(super) unsafe fn search(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: the instructions are enabled here, and the caller says that they are there.
    unsafe { keccak::search::<V>(job, first, count, target, hits) }
}

/// The same with the SHA3 extension.
///
/// # Safety
/// The processor must have NEON and SHA3.
#[target_feature(enable = "neon,sha3")]
pub(super) unsafe fn search_sha3(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: the instructions are enabled here, and the caller says that they are there.
    unsafe { keccak::search::<Sha3>(job, first, count, target, hits) }
}
