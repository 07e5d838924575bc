//! Kernels that say what can't be.

use super::*;
use alloy_primitives::B256;

/// Says this of every launch.
struct Says(Result<Found, DeviceError>);

impl Kernel for Says {
    fn description(&self) -> String {
        "a kernel".into()
    }

    fn place(&self) -> String {
        "0000:01:00.0".into()
    }

    fn launch(&mut self, _: &Job, _: u64, _: u32, _: u64, found: &mut Found) -> Result<(), DeviceError> {
        *found = self.0.clone()?;
        Ok(())
    }
}

fn search(kernel: Says, count: u64) -> (Result<u64, DeviceError>, Hits) {
    let mut hits = Hits::default();
    let tried = Gpu::new("says".into(), || Ok(kernel)).search(&Job::new(B256::ZERO), 5, count, 0, &mut hits);
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

#[test]
fn a_device_is_opened_once_and_one_that_cant_be_says_so_each_time() {
    let mut good = Gpu::new("gpu 0".into(), || Ok(Says(Ok([0; 1 + HITS]))));
    assert_eq!((good.name(), good.place()), ("gpu 0".into(), "gpu 0".into()));
    for _ in 0..2 {
        let tried = good.search(&Job::new(B256::ZERO), 0, 64, 0, &mut Hits::default());
        assert_eq!(tried, Ok(64));
        assert_eq!((good.description(), good.place()), ("a kernel".into(), "0000:01:00.0".into()));
    }
    let mut bad = Gpu::<Says>::new("gpu 1".into(), || Err(DeviceError("out of memory".into())));
    for _ in 0..2 {
        let tried = bad.search(&Job::new(B256::ZERO), 0, 64, 0, &mut Hits::default());
        assert_eq!(tried, Err(DeviceError("out of memory".into())));
    }
    assert_eq!(bad.description(), "gpu 1");
}
