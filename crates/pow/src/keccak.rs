//! Keccak-f\[1600\] for one message length: a 32-byte seed and an 8-byte nonce, a single block.
//!
//! Two things are left out of the inner loop: the first round's linear steps, in which a nonce only adds to what the seed
//! fixed beforehand, and, in the last round, every lane but the first, which alone decides whether a hash can be among the
//! smallest.
//!
//! Lanes are numbered x + 5y as in FIPS 202.

use alloy::primitives::B256;

/// Round constants of ι, FIPS 202 section 3.2.5.
const RC: [u64; 24] = [
    0x0000_0000_0000_0001,
    0x0000_0000_0000_8082,
    0x8000_0000_0000_808a,
    0x8000_0000_8000_8000,
    0x0000_0000_0000_808b,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8009,
    0x0000_0000_0000_008a,
    0x0000_0000_0000_0088,
    0x0000_0000_8000_8009,
    0x0000_0000_8000_000a,
    0x0000_0000_8000_808b,
    0x8000_0000_0000_008b,
    0x8000_0000_0000_8089,
    0x8000_0000_0000_8003,
    0x8000_0000_0000_8002,
    0x8000_0000_0000_0080,
    0x0000_0000_0000_800a,
    0x8000_0000_8000_000a,
    0x8000_0000_8000_8081,
    0x8000_0000_0000_8080,
    0x0000_0000_8000_0001,
    0x8000_0000_8000_8008,
];

/// Rotation of ρ for the lane that π moves to each place, and where it comes from: `B[i] = rotl(A[FROM[i]], ROT[i])`.
/// FIPS 202 sections 3.2.2 and 3.2.3.
const FROM: [usize; 25] = [0, 6, 12, 18, 24, 3, 9, 10, 16, 22, 1, 7, 13, 19, 20, 4, 5, 11, 17, 23, 2, 8, 14, 15, 21];
const ROT: [u32; 25] = [0, 44, 43, 21, 14, 28, 20, 3, 45, 61, 1, 6, 25, 8, 18, 27, 36, 10, 15, 56, 62, 55, 39, 41, 2];

/// The hashes of one seed.
#[derive(Clone, Debug)]
pub(crate) struct SeedHasher {
    /// The first round's state after θ, ρ and π, for a nonce of zero.
    moved: [u64; 25],
}

impl SeedHasher {
    pub(crate) fn new(seed: B256) -> Self {
        let mut lanes = [0; 25];
        for (lane, bytes) in lanes.iter_mut().zip(seed.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*bytes);
        }
        lanes[5] = 0x01; // Keccak's padding begins at byte 40 and ends in the rate's last byte, 135
        lanes[16] = 0x80 << 56;
        theta(&mut lanes);
        Self { moved: rho_pi(&lanes) }
    }

    /// The first 8 bytes of a nonce's hash as a big-endian number.
    #[inline]
    pub(crate) fn leading_bits(&self, nonce: u64) -> u64 {
        // The nonce stands in lane 4, big-endian where lanes are little-endian. Through θ it reaches the columns right and
        // left of its own: x = 0 as it is, x = 3 rotated by one.
        let nonce = nonce.swap_bytes();
        let rotated = nonce.rotate_left(1);
        let mut b = self.moved;
        for i in 0..25 {
            match FROM[i] {
                from if from % 5 == 0 || from == 4 => b[i] ^= nonce.rotate_left(ROT[i]),
                from if from % 5 == 3 => b[i] ^= rotated.rotate_left(ROT[i]),
                _ => {}
            }
        }
        let mut a = chi_iota(&b, RC[0]);
        for rc in &RC[1..23] {
            theta(&mut a);
            a = chi_iota(&rho_pi(&a), *rc);
        }
        last_lane(&a).swap_bytes()
    }
}

/// XORs the parity of two neighbouring columns into each lane.
#[inline(always)]
fn theta(a: &mut [u64; 25]) {
    let c = parities(a);
    for x in 0..5 {
        let d = c[(x + 4) % 5] ^ c[(x + 1) % 5].rotate_left(1);
        for y in 0..5 {
            a[x + 5 * y] ^= d;
        }
    }
}

#[inline(always)]
fn parities(a: &[u64; 25]) -> [u64; 5] {
    [0, 1, 2, 3, 4].map(|x| a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20])
}

/// Rotates each lane and moves it.
#[inline(always)]
fn rho_pi(a: &[u64; 25]) -> [u64; 25] {
    let mut b = [0; 25];
    for i in 0..25 {
        b[i] = a[FROM[i]].rotate_left(ROT[i]);
    }
    b
}

/// Mixes within rows and breaks the symmetry.
#[inline(always)]
fn chi_iota(b: &[u64; 25], rc: u64) -> [u64; 25] {
    let mut a = [0; 25];
    for y in 0..5 {
        for x in 0..5 {
            a[x + 5 * y] = b[x + 5 * y] ^ (!b[(x + 1) % 5 + 5 * y] & b[(x + 2) % 5 + 5 * y]);
        }
    }
    a[0] ^= rc;
    a
}

/// Lane 0 after the last round: it depends on three lanes only.
#[inline(always)]
fn last_lane(a: &[u64; 25]) -> u64 {
    let c = parities(a);
    let b0 = a[0] ^ c[4] ^ c[1].rotate_left(1);
    let b1 = (a[6] ^ c[0] ^ c[2].rotate_left(1)).rotate_left(44);
    let b2 = (a[12] ^ c[1] ^ c[3].rotate_left(1)).rotate_left(43);
    b0 ^ (!b1 & b2) ^ RC[23]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hash;

    #[test]
    fn tables_follow_from_the_definitions() {
        // ρ and π, FIPS 202: B[y, 2x + 3y] = rotl(A[x, y], offset); offsets along the walk (x, y) → (y, 2x + 3y).
        let mut offsets = [0_u32; 25];
        let (mut x, mut y) = (1, 0);
        for t in 0..24 {
            offsets[x + 5 * y] = ((t + 1) * (t + 2) / 2) % 64;
            (x, y) = (y, (2 * x + 3 * y) % 5);
        }
        for x in 0..5 {
            for y in 0..5 {
                let to = y + 5 * ((2 * x + 3 * y) % 5);
                assert_eq!((FROM[to], ROT[to]), (x + 5 * y, offsets[x + 5 * y]), "lane ({x}, {y})");
            }
        }
    }

    proptest! {
        #[test]
        fn leading_bits_are_those_of_keccak_256(seed in any::<[u8; 32]>(), nonce in any::<u64>()) {
            let full = hash(B256::from(seed), nonce);
            let expected = u64::from_be_bytes(*full.first_chunk().unwrap());
            prop_assert_eq!(SeedHasher::new(B256::from(seed)).leading_bits(nonce), expected);
        }
    }
}
