//! One nonce at once, in plain Rust: for every processor.

use crate::{
    device::Hits,
    keccak::{self, Job, Lanes, Rounds},
};

#[derive(Clone, Copy)]
struct V(u64);

// SAFETY: plain numbers need no special instruction.
unsafe impl Lanes for V {
    const COUNT: usize = 1;
    const ROUNDS: Rounds = Rounds::TwoInput;

    #[inline(always)]
    unsafe fn splat(value: u64) -> Self {
        Self(value)
    }

    #[inline(always)]
    unsafe fn counting_from(first: u64) -> Self {
        Self(first)
    }

    #[inline(always)]
    unsafe fn add(self, other: Self) -> Self {
        Self(self.0.wrapping_add(other.0))
    }

    #[inline(always)]
    unsafe fn xor(self, b: Self) -> Self {
        Self(self.0 ^ b.0)
    }

    #[inline(always)]
    unsafe fn chi(self, b: Self, c: Self) -> Self {
        Self(self.0 ^ (!b.0 & c.0))
    }

    #[inline(always)]
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self {
        Self(self.0.rotate_left(L as u32))
    }

    #[inline(always)]
    unsafe fn swap_bytes(self) -> Self {
        Self(self.0.swap_bytes())
    }

    #[inline(always)]
    unsafe fn at_most(self, other: Self) -> u32 {
        (self.0 <= other.0).into()
    }
}

/// See [`keccak::search`].
pub(super) fn search(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: plain numbers need no special instruction.
    unsafe { keccak::search::<V>(job, first, count, target, hits) }
}

/// The same with `andn` and `rorx`, which spare moves.
///
/// # Safety
/// The processor must have BMI1 and BMI2.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "bmi1,bmi2")]
pub(super) unsafe fn search_bmi(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: plain numbers need no special instruction.
    unsafe { keccak::search::<V>(job, first, count, target, hits) }
}
