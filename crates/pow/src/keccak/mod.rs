//! Keccak-f\[1600\] for one message length: a 32-byte seed and an 8-byte nonce, a single block.
//!
//! Lanes are numbered x + 5y as in FIPS 202.

mod lanes;
mod search;

use alloy_primitives::B256;

pub(crate) use lanes::{Lanes, Rounds};
pub(crate) use search::search;

/// Round constants of ι, FIPS 202 section 3.2.5.
pub(crate) const RC: [u64; 24] = [
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
pub(crate) const FROM: [usize; 25] =
    [0, 6, 12, 18, 24, 3, 9, 10, 16, 22, 1, 7, 13, 19, 20, 4, 5, 11, 17, 23, 2, 8, 14, 15, 21];
pub(crate) const ROT: [u32; 25] =
    [0, 44, 43, 21, 14, 28, 20, 3, 45, 61, 1, 6, 25, 8, 18, 27, 36, 10, 15, 56, 62, 55, 39, 41, 2];

/// What a device searches for: the hashes of one seed.
#[derive(Clone, Debug)]
pub struct Job {
    pub(crate) seed: B256,
    /// The first round's state after θ, ρ and π, for a nonce of zero.
    pub(crate) moved: [u64; 25],
}

impl Job {
    /// The search of this seed.
    pub fn new(seed: B256) -> Self {
        let mut lanes = [0_u64; 25];
        for (lane, bytes) in lanes.iter_mut().zip(seed.as_chunks::<8>().0) {
            *lane = u64::from_le_bytes(*bytes);
        }
        lanes[5] = 0x01; // Keccak's padding begins at byte 40 and ends in the rate's last byte, 135
        lanes[16] = 0x80 << 56;
        let parity: [u64; 5] = std::array::from_fn(|x| (0..5).fold(0, |sum, y| sum ^ lanes[x + 5 * y]));
        for (i, lane) in lanes.iter_mut().enumerate() {
            *lane ^= parity[(i + 4) % 5] ^ parity[(i + 1) % 5].rotate_left(1);
        }
        Self { seed, moved: std::array::from_fn(|i| lanes[FROM[i]].rotate_left(ROT[i])) }
    }

    /// The seed.
    pub fn seed(&self) -> B256 {
        self.seed
    }

    /// The first 8 bytes of a nonce's hash as a big-endian number, by the reference implementation: what every device's
    /// hits are measured against.
    pub fn leading_bits(&self, nonce: u64) -> u64 {
        crate::best::leading_bits(&crate::hash(self.seed, nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
