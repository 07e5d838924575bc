//! How fast content is hashed into CIDs, beside SHA-256 alone: `cargo bench -p aiigo-storage --bench cid`.
//!
//! The contenders run in turn, many times over, so that whatever else the machine does meets all alike; ratios are taken
//! within a turn, and the median of all turns is printed, as JSON. One thread.

#![allow(missing_docs)] // a program
#![allow(clippy::print_stdout)] // its result
#![allow(clippy::unwrap_used)] // a bench fails by panicking

use std::{hint::black_box, time::Instant};

use aiigo_storage::{cid_of, cid_of_reader};
use serde_json::json;
use sha2::{Digest, Sha256};

/// More than the caches hold, and more leaves than one node links to.
const BYTES: usize = 64 << 20;
const TURNS: usize = 15;

fn main() {
    let content: Vec<u8> = (0..BYTES).map(|i| ((i * 167) ^ (i >> 11) ^ ((i >> 18) * 13)) as u8).collect();
    let (mut plain, mut cid, mut reader, mut ratio) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..TURNS {
        plain.push(seconds(|| Sha256::digest(black_box(&content))));
        cid.push(seconds(|| cid_of(black_box(&content))));
        reader.push(seconds(|| cid_of_reader(black_box(&*content)).unwrap()));
        ratio.push(plain.last().unwrap() / cid.last().unwrap());
    }
    let mb_per_s = |times: Vec<f64>| (BYTES as f64 / median(times) / 1e6).round();
    let result = json!({
        "cid_mb_per_s": mb_per_s(cid),
        "sha256_mb_per_s": mb_per_s(plain),
        "ratio": (median(ratio) * 1000.0).round() / 1000.0,
        "cid_and_sha256_mb_per_s": mb_per_s(reader),
    });
    println!("{result}");
}

fn seconds<T>(work: impl FnOnce() -> T) -> f64 {
    let started = Instant::now();
    black_box(work());
    started.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
