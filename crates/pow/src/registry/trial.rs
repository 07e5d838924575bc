//! Whether a device computes rightly, and how fast it is.

use std::time::{Duration, Instant};

use alloy_primitives::B256;

use crate::{
    Job,
    device::{Device, DeviceKind, Fault, Hits},
};

/// How long each thread of the processor is measured …
const MEASURE_CPU: Duration = Duration::from_millis(25);
/// … and each graphics processor, whose clock takes its time to rise.
const MEASURE_GPU: Duration = Duration::from_millis(400);
/// Hits that a measured batch has on average: enough to tell a device that skips nonces from chance, and few to check.
const EXPECTED: u64 = 64;

/// Tests a device and tells its hashes per second.
pub(super) fn run(device: &mut dyn Device, kind: DeviceKind) -> Result<f64, Fault> {
    let time = match kind {
        DeviceKind::Cpu => MEASURE_CPU,
        DeviceKind::Gpu => MEASURE_GPU,
    };
    self_test(device).and_then(|()| measure(device, time))
}

/// Compares a device with the reference: all nonces at first, when all are hits, then across the 32-bit boundary and up to
/// the end of the nonce space, where about one in eight is.
pub(super) fn self_test(device: &mut dyn Device) -> Result<(), Fault> {
    const NONCES: u64 = 512;
    let job = Job::new(B256::repeat_byte(0xa1));
    let near_32_bits = (1 << 32) - NONCES / 2 - 3;
    let ranges =
        [(0, 37, u64::MAX), (near_32_bits, NONCES, u64::MAX >> 3), (u64::MAX - (NONCES - 1), NONCES, u64::MAX >> 3)];
    device.enter_thread();
    for (first, count, target) in ranges {
        let mut hits = Hits::default();
        let tried = device.search(&job, first, count, target, &mut hits)?;
        if tried != count {
            return Err(Fault::WrongCount { tried, asked: count });
        }
        for nonce in (0..count).map(|offset| first + offset) {
            let bits = job.leading_bits(nonce);
            let times = hits.as_slice().iter().filter(|hit| **hit == nonce).count();
            match (bits <= target, times) {
                (true, 1) | (false, 0) => {}
                (true, 0) => return Err(Fault::Missed { nonce }),
                (true, _) => return Err(Fault::StrayNonce { nonce }),
                (false, _) => return Err(Fault::WrongHash { nonce, target, actual: bits }),
            }
        }
        let strays = hits.as_slice().iter().find(|hit| hit.wrapping_sub(first) >= count);
        if let Some(nonce) = strays {
            return Err(Fault::StrayNonce { nonce: *nonce });
        }
    }
    Ok(())
}

/// Hashes per second, by batches that grow to the device's slice. The fastest batch counts: what slows one down is other work
/// on the machine.
fn measure(device: &mut dyn Device, time: Duration) -> Result<f64, Fault> {
    let job = Job::new(B256::repeat_byte(0xa2));
    let (mut hits, slice) = (Hits::default(), device.slice());
    let (mut batch, mut first, mut fastest) = (EXPECTED, 0, 0.0_f64);
    let started = Instant::now();
    while started.elapsed() < time || fastest == 0.0 {
        hits.clear();
        let target = (u64::MAX / batch).saturating_mul(EXPECTED);
        let batch_started = Instant::now();
        let tried = device.search(&job, first, batch, target, &mut hits)?;
        let took = batch_started.elapsed();
        check(&job, first, tried, batch, target, &hits)?;
        first += tried;
        // A device that reaches its limit before its slice is over is as fast as that.
        if took < slice && tried == batch {
            batch = batch.saturating_mul(2);
        } else {
            fastest = fastest.max(tried as f64 / took.as_secs_f64());
        }
    }
    Ok(fastest)
}

/// Whether a batch's hits are what they should be, and as many as so many nonces have. Their number has a Poisson distribution: a
/// quarter or two and a half times of 64 come once in 10¹² batches.
fn check(job: &Job, first: u64, tried: u64, asked: u64, target: u64, hits: &Hits) -> Result<(), Fault> {
    if tried == 0 || tried > asked {
        return Err(Fault::WrongCount { tried, asked });
    }
    for &nonce in hits.as_slice() {
        let actual = job.leading_bits(nonce);
        if nonce.wrapping_sub(first) >= tried {
            return Err(Fault::StrayNonce { nonce });
        }
        if actual > target {
            return Err(Fault::WrongHash { nonce, target, actual });
        }
    }
    let (found, whole) = (hits.as_slice().len(), tried == asked);
    if whole && !(EXPECTED as usize / 4..=EXPECTED as usize * 5 / 2).contains(&found) {
        return Err(Fault::Implausible { tried, expected: EXPECTED, found });
    }
    Ok(())
}
