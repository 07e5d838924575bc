//! For tests: whether a device finds exactly what the reference finds.

use alloy_primitives::B256;

use crate::{
    Job,
    device::{Device, HITS, Hits},
};

/// The nonces from `first` on, wrapping, whose hash begins with at most `target`.
fn reference(job: &Job, first: u64, count: u64, target: u64) -> Vec<u64> {
    (0..count).map(|n| first.wrapping_add(n)).filter(|nonce| job.leading_bits(*nonce) <= target).collect()
}

/// Asks the device for all of a range, in as many calls as it takes.
pub(crate) fn assert_agrees(device: &mut dyn Device, job: &Job, first: u64, count: u64, target: u64) {
    let (mut hits, mut found, mut tried) = (Hits::default(), Vec::new(), 0);
    while tried < count {
        hits.clear();
        let now = device.search(job, first.wrapping_add(tried), count - tried, target, &mut hits).unwrap();
        assert!((1..=count - tried).contains(&now), "{} tried {now}", device.name());
        let is_crowded = hits.as_slice().len() >= HITS / 4;
        assert!(now == count - tried || is_crowded, "{} stopped early with room", device.name());
        found.extend_from_slice(hits.as_slice());
        tried += now;
    }
    found.sort_unstable_by_key(|nonce| nonce.wrapping_sub(first));
    assert_eq!(found, reference(job, first, count, target), "{} from {first} on", device.name());
}

/// The places where a search could go wrong, for a device that takes its time.
pub(crate) fn assert_agrees_everywhere(device: &mut dyn Device) {
    device.enter_thread();
    for seed in [B256::ZERO, B256::repeat_byte(0xff), alloy_primitives::keccak256("a seed")] {
        let job = Job::new(seed);
        assert_agrees(device, &job, 0, 1, u64::MAX);
        assert_agrees(device, &job, 3, 700, u64::MAX); // more hits than there is room for
        assert_agrees(device, &job, 0, 2000, u64::MAX >> 4);
        assert_agrees(device, &job, 0, 300, 0);
        // Carries into each byte, and the last nonces.
        for byte in 1..8 {
            assert_agrees(device, &job, (1 << (8 * byte)) - 37, 75, u64::MAX >> 1);
        }
        assert_agrees(device, &job, (1 << 32) - 150, 300, u64::MAX >> 2);
        assert_agrees(device, &job, u64::MAX - 299, 300, u64::MAX >> 2);
        assert_agrees(device, &job, u64::MAX, 1, u64::MAX);
        // A hash that equals the target is a hit.
        let bits = job.leading_bits(77);
        assert_agrees(device, &job, 0, 200, bits);
        assert_agrees(device, &job, 0, 200, bits - 1);
    }
}
