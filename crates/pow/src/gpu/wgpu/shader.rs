//! The kernel in WGSL, written out of keccak's tables.
//!
//! A lane is a `vec2<u32>`, its low word first. The language has no 64-bit numbers and no three-input logic; drivers make
//! their own of the two-input expressions. State and parities are single variables, and the rounds' constants come with the
//! arguments: an array that is indexed may end up in memory, a constant one too.

use std::fmt::Write;

use super::{HITS, TURNS, WORKGROUP};
use crate::keccak::{FROM, RC, ROT};

/// How far the nonce is rotated where it reaches a lane in the first round: it stands in lane 4, and θ takes it to column 0 as
/// it is and to column 3 rotated by one.
fn nonce_rotation(place: usize) -> Option<u32> {
    match FROM[place] {
        4 => Some(ROT[place]),
        from if from % 5 == 0 => Some(ROT[place]),
        from if from % 5 == 3 => Some((ROT[place] + 1) % 64),
        _ => None,
    }
}

/// Rotates a lane left.
fn rotl(lane: &str, n: u32) -> String {
    let (own, other) = if n < 32 { ("", ".yx") } else { (".yx", "") };
    match n % 32 {
        0 => format!("{lane}{own}"),
        n => format!("(({lane}{own} << vec2({n}u)) | ({lane}{other} >> vec2({}u)))", 32 - n),
    }
}

fn constant(lane: u64) -> String {
    format!("vec2({}u, {}u)", lane as u32, lane >> 32)
}

/// `let c0 = …` to `c4`: the parity of each column of `a`; and `r0` to `r4`, the same rotated by one.
fn parities(text: &mut String) {
    for x in 0..5 {
        let column: Vec<String> = (0..5).map(|y| format!("a{}", x + 5 * y)).collect();
        *text += &format!("let c{x} = {};\n", column.join(" ^ "));
    }
    for x in 0..5 {
        *text += &format!("let r{x} = {};\n", rotl(&format!("c{x}"), 1));
    }
}

/// θ, ρ and π for one place of the state that follows.
fn moved(place: usize) -> String {
    let (from, x) = (FROM[place], FROM[place] % 5);
    rotl(&format!("(a{from} ^ c{} ^ r{})", (x + 4) % 5, (x + 1) % 5), ROT[place])
}

/// χ of one place of `b`.
fn chi(place: usize) -> String {
    let beside = |n| place / 5 * 5 + (place + n) % 5;
    format!("b{place} ^ (~b{} & b{})", beside(1), beside(2))
}

fn chi_rows(text: &mut String) {
    for place in 0..25 {
        *text += &format!("a{place} = {};\n", chi(place));
    }
}

/// A round on `a0` to `a24`, in a scope of its own.
fn round(text: &mut String, constant: &str) {
    *text += "{\n";
    parities(text);
    for place in 0..25 {
        *text += &format!("let b{place} = {};\n", moved(place));
    }
    chi_rows(text);
    *text += &format!("a0 ^= {constant};\n}}\n");
}

/// The whole text. Its one entry point, `search`, takes `Search` at binding 0 and `Found` at binding 1.
pub(super) fn source() -> String {
    let mut text = format!(
        "struct Search {{
    moved: array<vec4<u32>, 13>, // two lanes each
    first: vec2<u32>,
    bound: vec2<u32>,
    count: u32,
    rc: array<vec4<u32>, {TURNS}>, // of two rounds each
}}
struct Found {{
    count: atomic<u32>,
    offsets: array<u32, {HITS}>,
}}
@group(0) @binding(0) var<uniform> s: Search;
@group(0) @binding(1) var<storage, read_write> found: Found;

fn swap_bytes(lane: vec2<u32>) -> vec2<u32> {{
    let twice = ((lane & vec2(0x00ff00ffu)) << vec2(8u)) | ((lane >> vec2(8u)) & vec2(0x00ff00ffu));
    return ((twice << vec2(16u)) | (twice >> vec2(16u))).yx;
}}

/// The first 64 bits of a nonce's hash as a big-endian number.
fn leading_bits(nonce: vec2<u32>) -> vec2<u32> {{
let n = swap_bytes(nonce);
{}
{{
",
        (0..25).map(|place| format!("var a{place}: vec2<u32>;\n")).collect::<String>(),
    );
    for place in 0..25 {
        let half = if place % 2 == 0 { "xy" } else { "zw" };
        let nonce = nonce_rotation(place).map(|n| format!(" ^ {}", rotl("n", n))).unwrap_or_default();
        text += &format!("let b{place} = s.moved[{}].{half}{nonce};\n", place / 2);
    }
    chi_rows(&mut text);
    text += &format!("a0 ^= {};\n}}\nfor (var turn = 0u; turn < {TURNS}u; turn += 1u) {{\n", constant(RC[0]));
    round(&mut text, "s.rc[turn].xy");
    round(&mut text, "s.rc[turn].zw");
    text += "}\n";
    parities(&mut text);
    for place in 0..3 {
        text += &format!("let b{place} = {};\n", moved(place));
    }
    let _ = write!(
        text, // a string takes everything
        "return swap_bytes({} ^ {});
}}

@compute @workgroup_size({WORKGROUP})
fn search(@builtin(global_invocation_id) id: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {{
    for (var i = id.x; i < s.count; i += groups.x * {WORKGROUP}u) {{
        let low = s.first.x + i;
        let bits = leading_bits(vec2(low, s.first.y + u32(low < i)));
        if bits.y < s.bound.y || (bits.y == s.bound.y && bits.x <= s.bound.x) {{
            let place = atomicAdd(&found.count, 1u);
            if place < {HITS}u {{
                found.offsets[place] = i;
            }}
        }}
    }}
}}
",
        chi(0),
        constant(RC[23])
    );
    text
}
