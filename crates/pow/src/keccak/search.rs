//! The inner loop, written once for every width.
//!
//! Compared with 24 full rounds a hash:
//! - the first round's θ, ρ and π are done once a seed ([`Job`]); a nonce only XORs rotated copies of itself into 11 lanes;
//! - the last round yields lane 0 alone, which decides whether a hash can be among the smallest.

use super::{
    Job, RC,
    lanes::{Lanes, Rounds},
};
use crate::device::Hits;

macro_rules! rotl {
    ($a:expr, $n:literal) => {
        $a.rotl::<$n, { 64 - $n }>()
    };
}

/// Tries `count` nonces from `first` on, wrapping; returns how many it tried, fewer only when `hits` is full. Each tried
/// nonce whose hash begins with 64 bits that are at most `target` is in `hits`.
///
/// # Safety
/// As for [`Lanes`].
#[inline(always)]
pub(crate) unsafe fn search<V: Lanes>(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> u64 {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        let (width, limit) = (V::COUNT as u64, V::splat(target));
        let (mut nonces, step) = (V::counting_from(first), V::splat(width));
        let mut tried = 0;
        while tried < count {
            if hits.room() < V::COUNT {
                return tried;
            }
            let mut found = leading_bits(job, nonces.swap_bytes()).swap_bytes().at_most(limit);
            if found != 0 {
                if count - tried < width {
                    found &= (1 << (count - tried)) - 1;
                }
                note(hits, found, first.wrapping_add(tried));
            }
            nonces = nonces.add(step);
            tried += width;
        }
        count
    }
}

/// Rare once the target is low: out of the loop's way.
#[cold]
#[inline(never)]
fn note(hits: &mut Hits, mut found: u32, first: u64) {
    while found != 0 {
        hits.push(first.wrapping_add(found.trailing_zeros().into()));
        found &= found - 1;
    }
}

/// Lane 0 of each hash, in keccak's byte order, for nonces in keccak's byte order.
#[inline(always)]
unsafe fn leading_bits<V: Lanes>(job: &Job, n: V) -> V {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        let mut a = first_round(job, n);
        let mut c = parities(&a);
        // Two rounds in the loop's body: with one the compiler moves the state about to where it began, with all 22 the loop
        // outgrows the cache of decoded instructions of older processors. Both were slower.
        let mut round = 1;
        while round < 23 {
            (a, c) = one_round(a, c, RC[round]);
            (a, c) = one_round(a, c, RC[round + 1]);
            round += 2;
        }
        last_round(a, c)
    }
}

/// The kind of round that suits the instructions.
#[inline(always)]
unsafe fn one_round<V: Lanes>(a: [V; 25], c: [V; 5], rc: u64) -> ([V; 25], [V; 5]) {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        match V::ROUNDS {
            Rounds::TwoInput => round_by_rows(a, c, rc),
            Rounds::ThreeInput | Rounds::ThreeInputDirect => round_at_once(a, rc),
        }
    }
}

/// The first round. The nonce stands in lane 4; through θ it reaches column 0 as it is and column 3 rotated by one.
#[inline(always)]
unsafe fn first_round<V: Lanes>(job: &Job, n: V) -> [V; 25] {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        let k = &job.moved;
        let c = |i: usize| V::splat(k[i]);
        let v = |i: usize, rotated: V| V::splat(k[i]).xor(rotated);
        let mut a = chi([
            v(0, n),
            c(1),
            c(2),
            v(3, rotl!(n, 22)),
            c(4),
            v(5, rotl!(n, 29)),
            c(6),
            v(7, rotl!(n, 3)),
            c(8),
            c(9),
            c(10),
            c(11),
            v(12, rotl!(n, 26)),
            c(13),
            v(14, rotl!(n, 18)),
            v(15, rotl!(n, 27)),
            v(16, rotl!(n, 36)),
            c(17),
            c(18),
            v(19, rotl!(n, 57)),
            c(20),
            v(21, rotl!(n, 56)),
            c(22),
            v(23, rotl!(n, 41)),
            c(24),
        ]);
        a[0] = a[0].xor(V::splat(RC[0]));
        a
    }
}

/// What θ adds to the lanes of each column: the parities of its neighbours.
struct Theta<V> {
    c: [V; 5],
    c_rotated: [V; 5],
    d: [V; 5],
}

impl<V: Lanes> Theta<V> {
    #[inline(always)]
    unsafe fn new(c: [V; 5]) -> Self {
        // SAFETY: the caller keeps the contract of `Lanes`. What a kind of rounds does not use is optimised away.
        unsafe {
            Self {
                c,
                c_rotated: [rotl!(c[0], 1), rotl!(c[1], 1), rotl!(c[2], 1), rotl!(c[3], 1), rotl!(c[4], 1)],
                d: [
                    c[4].xor_with_rotl1(c[1]),
                    c[0].xor_with_rotl1(c[2]),
                    c[1].xor_with_rotl1(c[3]),
                    c[2].xor_with_rotl1(c[4]),
                    c[3].xor_with_rotl1(c[0]),
                ],
            }
        }
    }

    /// θ and ρ of a lane in column `X`: it is rotated by `L`; `R` is 64 − `L`.
    #[inline(always)]
    unsafe fn lane<const X: usize, const L: i32, const R: i32>(&self, a: V) -> V {
        // SAFETY: the caller keeps the contract of `Lanes`.
        unsafe {
            match V::ROUNDS {
                Rounds::TwoInput | Rounds::ThreeInput => a.xor_rotl::<L, R>(self.d[X]),
                Rounds::ThreeInputDirect => a.xor3(self.c[(X + 4) % 5], self.c_rotated[(X + 1) % 5]).rotl::<L, R>(),
            }
        }
    }

    /// θ of lane 0, which is not rotated.
    #[inline(always)]
    unsafe fn lane_0(&self, a: V) -> V {
        // SAFETY: the caller keeps the contract of `Lanes`.
        unsafe {
            match V::ROUNDS {
                Rounds::TwoInput | Rounds::ThreeInput => a.xor(self.d[0]),
                Rounds::ThreeInputDirect => a.xor3(self.c[4], self.c_rotated[1]),
            }
        }
    }
}

/// θ, ρ and π of a row.
macro_rules! moved_row {
    (0, $t:ident, $a:ident) => {
        [
            $t.lane_0($a[0]),
            $t.lane::<1, 44, 20>($a[6]),
            $t.lane::<2, 43, 21>($a[12]),
            $t.lane::<3, 21, 43>($a[18]),
            $t.lane::<4, 14, 50>($a[24]),
        ]
    };
    (1, $t:ident, $a:ident) => {
        [
            $t.lane::<3, 28, 36>($a[3]),
            $t.lane::<4, 20, 44>($a[9]),
            $t.lane::<0, 3, 61>($a[10]),
            $t.lane::<1, 45, 19>($a[16]),
            $t.lane::<2, 61, 3>($a[22]),
        ]
    };
    (2, $t:ident, $a:ident) => {
        [
            $t.lane::<1, 1, 63>($a[1]),
            $t.lane::<2, 6, 58>($a[7]),
            $t.lane::<3, 25, 39>($a[13]),
            $t.lane::<4, 8, 56>($a[19]),
            $t.lane::<0, 18, 46>($a[20]),
        ]
    };
    (3, $t:ident, $a:ident) => {
        [
            $t.lane::<4, 27, 37>($a[4]),
            $t.lane::<0, 36, 28>($a[5]),
            $t.lane::<1, 10, 54>($a[11]),
            $t.lane::<2, 15, 49>($a[17]),
            $t.lane::<3, 56, 8>($a[23]),
        ]
    };
    (4, $t:ident, $a:ident) => {
        [
            $t.lane::<2, 62, 2>($a[2]),
            $t.lane::<3, 55, 9>($a[8]),
            $t.lane::<4, 39, 25>($a[14]),
            $t.lane::<0, 41, 23>($a[15]),
            $t.lane::<1, 2, 62>($a[21]),
        ]
    };
}

/// A round, given the parities; with those of the next. Each row is finished before the next is begun, so that few values
/// are in use at a time, and each lane is loaded and stored once.
#[inline(always)]
unsafe fn round_by_rows<V: Lanes>(a: [V; 25], c: [V; 5], rc: u64) -> ([V; 25], [V; 5]) {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        let t = Theta::new(c);
        let mut r0 = chi_row(moved_row!(0, t, a));
        r0[0] = r0[0].xor(V::splat(rc));
        let r1 = chi_row(moved_row!(1, t, a));
        let c = add_row(r0, r1);
        let r2 = chi_row(moved_row!(2, t, a));
        let c = add_row(c, r2);
        let r3 = chi_row(moved_row!(3, t, a));
        let c = add_row(c, r3);
        let r4 = chi_row(moved_row!(4, t, a));
        let c = add_row(c, r4);
        (joined([r0, r1, r2, r3, r4]), c)
    }
}

/// A round with everything in registers; with the parities of the next.
#[inline(always)]
unsafe fn round_at_once<V: Lanes>(a: [V; 25], rc: u64) -> ([V; 25], [V; 5]) {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        let t = Theta::new(parities(&a));
        let b =
            [moved_row!(0, t, a), moved_row!(1, t, a), moved_row!(2, t, a), moved_row!(3, t, a), moved_row!(4, t, a)];
        let mut a = chi(joined(b));
        a[0] = a[0].xor(V::splat(rc));
        (a, parities(&a))
    }
}

/// Rows as lanes.
#[inline(always)]
fn joined<V: Copy>(r: [[V; 5]; 5]) -> [V; 25] {
    std::array::from_fn(|i| r[i / 5][i % 5])
}

/// χ of a row.
#[inline(always)]
unsafe fn chi_row<V: Lanes>(b: [V; 5]) -> [V; 5] {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        [b[0].chi(b[1], b[2]), b[1].chi(b[2], b[3]), b[2].chi(b[3], b[4]), b[3].chi(b[4], b[0]), b[4].chi(b[0], b[1])]
    }
}

/// Parities with another row.
#[inline(always)]
unsafe fn add_row<V: Lanes>(c: [V; 5], row: [V; 5]) -> [V; 5] {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe { [c[0].xor(row[0]), c[1].xor(row[1]), c[2].xor(row[2]), c[3].xor(row[3]), c[4].xor(row[4])] }
}

/// Lane 0 after the last round: it depends on three lanes and the parities.
#[inline(always)]
unsafe fn last_round<V: Lanes>(a: [V; 25], c: [V; 5]) -> V {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        let t = Theta::new(c);
        let b = [t.lane_0(a[0]), t.lane::<1, 44, 20>(a[6]), t.lane::<2, 43, 21>(a[12])];
        b[0].chi(b[1], b[2]).xor(V::splat(RC[23]))
    }
}

/// The parity of each column.
#[inline(always)]
unsafe fn parities<V: Lanes>(a: &[V; 25]) -> [V; 5] {
    // SAFETY: the caller keeps the contract of `Lanes`.
    unsafe {
        [
            a[0].xor3(a[5], a[10]).xor3(a[15], a[20]),
            a[1].xor3(a[6], a[11]).xor3(a[16], a[21]),
            a[2].xor3(a[7], a[12]).xor3(a[17], a[22]),
            a[3].xor3(a[8], a[13]).xor3(a[18], a[23]),
            a[4].xor3(a[9], a[14]).xor3(a[19], a[24]),
        ]
    }
}

/// χ in each row.
#[inline(always)]
unsafe fn chi<V: Lanes>(b: [V; 25]) -> [V; 25] {
    let mut a = b;
    let mut y = 0;
    while y < 25 {
        // SAFETY: the caller keeps the contract of `Lanes`.
        let row = unsafe { chi_row([b[y], b[y + 1], b[y + 2], b[y + 3], b[y + 4]]) };
        a[y..y + 5].copy_from_slice(&row);
        y += 5;
    }
    a
}
