//! Kernels that say what can't be.

use super::*;
use alloy_primitives::B256;

/// Says this of every launch.
struct Says(Result<Found, DeviceError>);

impl Kernel for Says {
    fn name(&self) -> String {
        "says".into()
    }

    fn description(&self) -> String {
        self.name()
    }

    fn place(&self) -> String {
        self.name()
    }

    fn launch(&mut self, _: &Job, _: u64, _: u32, _: u64, found: &mut Found) -> Result<(), DeviceError> {
        *found = self.0.clone()?;
        Ok(())
    }
}

fn search(kernel: Says, count: u64) -> (Result<u64, DeviceError>, Hits) {
    let mut hits = Hits::default();
    let tried = Gpu::new(kernel).search(&Job::new(B256::ZERO), 5, count, 0, &mut hits);
    (tried, hits)
}

#[test]
fn more_hits_than_nonces_are_an_error_and_no_endless_loop() {
    let mut found = [0; 1 + HITS];
    found[0] = u32::MAX;
    for count in [1, 256, 257, 1 << 20] {
        let (tried, hits) = search(Says(Ok(found)), count);
        let DeviceError(reason) = tried.expect_err("impossible");
        assert!(reason.contains(&format!("4294967295 of {count} nonces")), "{reason}");
        assert!(hits.as_slice().is_empty());
    }
}

#[test]
fn a_driver_that_fails_is_heard() {
    let (tried, _) = search(Says(Err(DeviceError("fell off the bus".into()))), 64);
    assert_eq!(tried, Err(DeviceError("fell off the bus".into())));
}

#[test]
fn a_launch_is_no_larger_than_its_numbers() {
    let (tried, hits) = search(Says(Ok([0; 1 + HITS])), u64::MAX);
    assert_eq!(tried, Ok(u64::from(MOST)));
    assert!(hits.as_slice().is_empty());
}

#[test]
fn a_crowded_launch_is_repeated_with_fewer_nonces_until_there_is_room() {
    for (count, found) in [(257, 257), (1 << 30, 257), (1 << 30, 1 << 30), (1000, 400)] {
        let next = fewer(count, found);
        assert!(next < count && u64::from(next) >= HITS as u64 / 2, "{count}, {found}: {next}");
    }
}
