//! Every way to use this processor finds what the reference finds.

use std::{num::NonZeroUsize, sync::Arc};

use alloy_primitives::{Address, B256, U256, hex};
use proptest::prelude::*;
use serde::Deserialize;

use super::*;
use crate::{Registry, Solution, agreement::assert_agrees, estimate_hash_rate, hash, node_seed};

fn devices() -> Vec<Box<dyn Device>> {
    let one = CpuOptions { threads: Some(NonZeroUsize::MIN), ..CpuOptions::default() };
    let devices: Vec<_> = BACKENDS.iter().filter_map(|backend| backend.open(&one).ok()).flatten().collect();
    assert!(!devices.is_empty());
    devices
}

fn assert_all_agree(job: &Job, first: u64, count: u64, target: u64) {
    for mut device in devices() {
        assert_agrees(&mut *device, job, first, count, target);
    }
}

proptest! {
    #[test]
    fn all_backends_find_what_the_reference_finds(
        seed in any::<[u8; 32]>(),
        first in prop_oneof![any::<u64>(), 0..100_u64, (u64::MAX - 400)..],
        count in 1..400_u64,
        shift in 0..10_u32,
    ) {
        assert_all_agree(&Job::new(seed.into()), first, count, u64::MAX >> shift);
    }

    /// Carries into every byte of the nonce, from every lane.
    #[test]
    fn carries_reach_every_byte(seed in any::<[u8; 32]>(), byte in 1..8_u32, before in 1..17_u64, high in any::<u64>()) {
        let boundary = (high | 1) << (8 * byte);
        assert_all_agree(&Job::new(seed.into()), boundary.wrapping_sub(before), 32, u64::MAX);
    }
}

#[test]
fn the_32_bit_boundary_and_the_last_nonce_are_nothing_special() {
    let job = Job::new(B256::repeat_byte(7));
    for first in [(1 << 32) - 5, u64::MAX - 20, u64::MAX - 7, u64::MAX] {
        let count = (u64::MAX - first).saturating_add(1).min(21);
        assert_all_agree(&job, first, count, u64::MAX);
    }
}

#[test]
fn a_hash_that_equals_the_target_is_a_hit() {
    let job = Job::new(B256::repeat_byte(8));
    for nonce in 0..8 {
        let bits = job.leading_bits(nonce);
        assert_all_agree(&job, 0, 8, bits);
        assert_all_agree(&job, 0, 8, bits - 1);
    }
}

#[test]
fn more_hits_than_there_is_room_for_are_found_in_several_calls() {
    assert_all_agree(&Job::new(B256::ZERO), 3, 5000, u64::MAX);
}

#[test]
fn this_processor_has_what_its_flags_say() {
    let names: Vec<String> = devices().iter().map(|device| device.name()).collect();
    assert!(names.last().unwrap().starts_with("portable"));
    #[cfg(target_arch = "x86_64")]
    assert_eq!(names.iter().any(|name| name.starts_with("avx2 ")), is_x86_feature_detected!("avx2"));
    #[cfg(target_arch = "aarch64")]
    assert_eq!(names[0].starts_with("neon-sha3 "), std::arch::is_aarch64_feature_detected!("sha3"));
}

#[test]
fn only_the_fastest_backend_of_the_processor_is_used() {
    let options = CpuOptions { threads: NonZeroUsize::new(2), pin: true, nice: true };
    let backends = BACKENDS.iter().map(|backend| Arc::new(*backend) as Arc<dyn Backend>);
    let (solver, findings) = Registry::new(backends.collect()).solver(&options).unwrap();
    let used: Vec<_> = findings.iter().filter(|finding| finding.is_used()).collect();
    assert_eq!(used.len(), 1);
    assert_eq!(solver.devices().len(), 2);
    assert!(findings.iter().all(|finding| finding.hash_rate() <= used[0].hash_rate()));

    let only = Registry::builtin().only(&["portable".into()]).unwrap();
    let (solver, _) = only.solver(&options).unwrap();
    assert_eq!(solver.devices(), ["portable thread 0", "portable thread 1"]);
    assert!(Registry::builtin().only(&["abacus".into()]).is_err());
}

#[test]
fn the_vectors_of_the_contract_are_met() {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Case {
        chain_id: u64,
        verifier: Address,
        challenge_seed: B256,
        node_id: String,
        seed: B256,
        nonces: String,
        largest_hash: B256,
        window: u64,
        hash_rate: String,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Estimate {
        largest_hash: B256,
        window: u64,
        hash_rate: String,
    }
    #[derive(Deserialize)]
    struct Vectors {
        cases: Vec<Case>,
        estimates: Vec<Estimate>,
    }
    let vectors: Vectors = serde_json::from_str(include_str!("../../../../contracts/test/vectors/pow.json")).unwrap();
    assert!(!vectors.cases.is_empty() && !vectors.estimates.is_empty());
    for Estimate { largest_hash, window, hash_rate } in vectors.estimates {
        let rate = estimate_hash_rate(U256::from_be_bytes(largest_hash.0), window);
        assert_eq!(rate.to_string(), hash_rate, "{largest_hash} over {window} s");
    }
    for case in vectors.cases {
        let seed = node_seed(case.chain_id, case.verifier, case.challenge_seed, case.node_id.parse().unwrap());
        assert_eq!(seed, case.seed);
        let bytes = hex::decode(&case.nonces).unwrap();
        let nonces: Vec<u64> = bytes.as_chunks::<8>().0.iter().map(|bytes| u64::from_be_bytes(*bytes)).collect();
        for nonce in &nonces {
            assert_all_agree(&Job::new(seed), *nonce, 1, u64::MAX >> 1);
        }
        let largest = nonces.iter().map(|nonce| hash(seed, *nonce)).max().unwrap();
        assert_eq!(largest, case.largest_hash);
        let rate = estimate_hash_rate(U256::from_be_bytes(largest.0), case.window);
        assert_eq!(rate.to_string(), case.hash_rate);
        let largest_hash = U256::from_be_bytes(largest.0);
        let solution = Solution { nonces: nonces.try_into().unwrap(), largest_hash, tried: 0, devices: Vec::new() };
        assert_eq!(solution.encode()[..], bytes);
    }
}
