//! What a keccak round needs of a vector of 64-bit lanes, one message each.

/// How a round is computed; all give the same. Operations a round are counted for a machine with the instructions named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounds {
    /// For two-input logic and few registers: row by row, each adding its part to the next round's parities.
    TwoInput,
    /// For three-input logic: parities at once, then θ as one XOR a lane. 95 operations (66 where XOR and rotate are one).
    ThreeInput,
    /// For three-input logic: θ's two parities go into each lane at once. 90 operations, but more values are in use at a
    /// time than there are registers: which of the two is faster depends on the processor.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code))]
    ThreeInputDirect,
}

/// So many 64-bit numbers side by side as one register holds, each belonging to another nonce's state.
///
/// # Safety
/// Every method may use instructions that the implementor's name promises: call them only inside a function that enables
/// these instructions (`#[target_feature]`) and that runs only where they were detected.
pub(crate) unsafe trait Lanes: Copy {
    /// Nonces side by side.
    const COUNT: usize;
    /// The rounds that suit its instructions.
    const ROUNDS: Rounds;

    /// The same number in each lane.
    unsafe fn splat(value: u64) -> Self;

    /// `first`, `first + 1`, …; wrapping.
    unsafe fn counting_from(first: u64) -> Self;

    /// Adds the same number to each lane; wrapping.
    unsafe fn add(self, other: Self) -> Self;

    /// a ⊕ b.
    unsafe fn xor(self, b: Self) -> Self;

    /// a ⊕ b ⊕ c.
    #[inline(always)]
    unsafe fn xor3(self, b: Self, c: Self) -> Self {
        // SAFETY: as for this method.
        unsafe { self.xor(b).xor(c) }
    }

    /// χ: a ⊕ (¬b ∧ c).
    unsafe fn chi(self, b: Self, c: Self) -> Self;

    /// Rotates left by `L` bits; `R` is 64 − `L`.
    unsafe fn rotl<const L: i32, const R: i32>(self) -> Self;

    /// Rotates a ⊕ b left by `L` bits.
    #[inline(always)]
    unsafe fn xor_rotl<const L: i32, const R: i32>(self, b: Self) -> Self {
        // SAFETY: as for this method.
        unsafe { self.xor(b).rotl::<L, R>() }
    }

    /// a ⊕ rotl(b, 1).
    #[inline(always)]
    unsafe fn xor_with_rotl1(self, b: Self) -> Self {
        // SAFETY: as for this method.
        unsafe { self.xor(b.rotl::<1, 63>()) }
    }

    /// Reverses the bytes of each lane.
    unsafe fn swap_bytes(self) -> Self;

    /// One bit a lane, the first the lowest: whether it is at most the other, unsigned.
    unsafe fn at_most(self, other: Self) -> u32;
}
