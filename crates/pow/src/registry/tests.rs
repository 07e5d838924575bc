//! Which devices are used, given what was found.

use std::{thread, time::Duration};

use super::*;
use crate::{DeviceError, Hits, Job, Unavailable};

fn found(device: &str, place: &str, hash_rate: Result<f64, Fault>) -> Found {
    Found { device: device.into(), description: device.into(), place: place.into(), units: 1, hash_rate, used: false }
}

fn finding(backend: &'static str, outcome: Result<Vec<Found>, Unavailable>) -> Finding {
    Finding { backend, kind: DeviceKind::Gpu, outcome }
}

fn used(findings: &mut [Finding]) -> Vec<String> {
    choose(findings);
    let used = findings.iter().flat_map(|finding| finding.outcome.iter().flatten()).filter(|found| found.used);
    used.map(|found| found.device.clone()).collect()
}

#[test]
fn of_several_ways_to_one_processor_the_fastest_is_used_and_others_add_up() {
    let mut findings = [
        finding("a", Ok(vec![found("a 0", "0000:01:00.0", Ok(3.0)), found("a 1", "0000:02:00.0", Ok(3.0))])),
        finding("b", Err(Unavailable::Absent("no driver".into()))),
        finding("c", Ok(vec![found("c 0", "0000:02:00.0", Ok(4.0)), found("c 1", "0000:01:00.0", Ok(2.0))])),
        finding("d", Ok(vec![found("d 0", "d 0", Ok(0.1))])),
    ];
    assert_eq!(used(&mut findings), ["a 0", "c 0", "d 0"]);
}

#[test]
fn many_slow_units_beat_a_fast_one_and_a_fault_is_never_used() {
    let fault = || Fault::Failed(DeviceError("out of memory".into()));
    let many = Found { units: 8, ..found("many 0", "processor", Ok(1.0)) };
    let mut findings = [
        finding("few", Ok(vec![found("few 0", "processor", Ok(7.0))])),
        finding("many", Ok(vec![many])),
        finding("bad", Ok(vec![found("bad 0", "0000:01:00.0", Err(fault()))])),
    ];
    assert_eq!(used(&mut findings), ["many 0"]);
    assert_eq!(findings[2].problems(), ["bad 0: out of memory"]);
    assert!(!findings[2].is_used() && findings[1].is_used());
}

/// Opens what it is told to.
struct Opens(fn() -> Result<Devices, Unavailable>);

impl Backend for Opens {
    fn name(&self) -> &'static str {
        "opens"
    }

    fn kind(&self) -> DeviceKind {
        DeviceKind::Gpu
    }

    fn open(&self, _: &CpuOptions) -> Result<Devices, Unavailable> {
        (self.0)()
    }
}

#[test]
fn without_any_device_every_backend_says_why() {
    let absent = Opens(|| Err(Unavailable::Absent("no driver".into())));
    let panics = Opens(|| panic!("a driver's own"));
    let registry = Registry::new(vec![Arc::new(absent), Arc::new(panics)]);
    let error = registry.solver(&CpuOptions::default()).expect_err("no device");
    assert_eq!(
        error.to_string(),
        "no device can be used: opens: no driver; opens: its thread panicked: a driver's own"
    );
}

/// Searches by the reference; of a batch of more than so many nonces it reports no hit.
struct Skips {
    above: u64,
    slice: Duration,
}

const HONEST: Skips = Skips { above: u64::MAX, slice: Duration::from_millis(1) };

impl Device for Skips {
    fn name(&self) -> String {
        format!("skips above {}", self.above)
    }

    fn slice(&self) -> Duration {
        self.slice
    }

    fn search(&mut self, job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> Result<u64, DeviceError> {
        for nonce in (0..count).map(|offset| first + offset).filter(|_| count <= self.above) {
            if job.leading_bits(nonce) <= target {
                hits.push(nonce);
            }
        }
        Ok(count)
    }
}

/// Never comes back.
struct Hangs;

impl Device for Hangs {
    fn name(&self) -> String {
        "hangs".into()
    }

    fn search(&mut self, _: &Job, _: u64, _: u64, _: u64, _: &mut Hits) -> Result<u64, DeviceError> {
        loop {
            thread::park();
        }
    }
}

#[test]
fn a_device_that_skips_the_nonces_of_large_batches_is_found_out() {
    // A slice that no machine is too busy for: batches grow until it is caught.
    let mut skips = Skips { above: 512, slice: Duration::from_secs(600) };
    let fault = trial::run(&mut skips, DeviceKind::Cpu).expect_err("it skips");
    assert!(matches!(fault, Fault::Implausible { tried: 1024, expected: 64, found: 0 }), "{fault}");
    let rate = trial::run(&mut { HONEST }, DeviceKind::Cpu).expect("honest");
    assert!(rate > 0.0);
}

#[test]
fn a_device_that_hangs_while_it_is_tried_takes_no_other_along() {
    let backend: Arc<dyn Backend> = Arc::new(Opens(|| Ok(vec![Box::new(Hangs), Box::new(HONEST) as Box<dyn Device>])));
    // Long enough for the honest one, which is measured for less than half a second.
    let (finding, devices) = probe(&backend, CpuOptions::default(), Duration::from_secs(5));
    let found = finding.outcome.expect("two devices");
    assert_eq!(found[0].hash_rate, Err(Fault::Hung));
    assert!(found[1].hash_rate.is_ok(), "{:?}", found[1].hash_rate);
    assert_eq!(devices.iter().map(Vec::len).collect::<Vec<_>>(), [0, 1]);
}
