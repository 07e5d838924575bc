//! Which devices are used, given what was found.

use super::*;
use crate::{DeviceError, Unavailable};

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
