//! On whatever adapters there are, software among them: `cargo xtask test` sees to it that there is one.

use std::{
    num::NonZeroUsize,
    sync::{LazyLock, atomic::AtomicBool},
    time::Instant,
};

use alloy_primitives::{B256, U256};
use proptest::prelude::*;

use super::*;
use crate::{Registry, agreement, cpu, hash};

const SOFTWARE: WgpuBackend = WgpuBackend { software: true };

#[test]
fn every_adapter_finds_what_the_reference_finds() {
    let devices = SOFTWARE.open(&CpuOptions::default()).expect("an adapter: on Debian, install mesa-vulkan-drivers");
    for mut device in devices {
        agreement::assert_agrees_everywhere(&mut *device);
    }
}

/// With so few that each thread tries many nonces, as on a real processor.
#[test]
fn threads_go_on_from_nonce_to_nonce() {
    let adapter = SOFTWARE.usable(adapters()).expect("an adapter").remove(0);
    for workgroups in [1, 3] {
        let open = {
            let adapter = adapter.clone();
            move || Ok(Wgpu { workgroups, ..block_on(Wgpu::open(&adapter, "a place".into()))? })
        };
        agreement::assert_agrees_everywhere(&mut Gpu::new("few".into(), open));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_search_finds_what_the_reference_finds(
        seed in any::<[u8; 32]>(),
        first in prop_oneof![any::<u64>(), (u64::MAX - 3000)..],
        count in 1..3000_u64,
        shift in 2..12_u32,
    ) {
        static DEVICE: LazyLock<Mutex<Box<dyn Device>>> = LazyLock::new(|| {
            Mutex::new(SOFTWARE.open(&CpuOptions::default()).expect("an adapter").remove(0))
        });
        let mut device = DEVICE.lock().unwrap_or_else(PoisonError::into_inner);
        agreement::assert_agrees(&mut **device, &Job::new(seed.into()), first, count, u64::MAX >> shift);
    }
}

#[test]
fn software_is_no_graphics_processor() {
    let software = |adapter: &Adapter| adapter.get_info().device_type == DeviceType::Cpu;
    match WgpuBackend::HARDWARE.usable(adapters()) {
        Ok(adapters) => assert!(!adapters.iter().any(software)),
        Err(reason) => assert!(reason.to_string().starts_with("only software renders here: "), "{reason}"),
    }
    let reason = SOFTWARE.usable(Vec::new()).expect_err("there is no adapter").to_string();
    assert!(reason.starts_with("no driver"), "{reason}");
}

/// A device whose work fails says so once and is no longer used; nothing hangs.
#[test]
fn a_driver_that_complains_ends_the_search_of_its_device() {
    let adapter = SOFTWARE.usable(adapters()).expect("an adapter").remove(0);
    let mut kernel = block_on(Wgpu::open(&adapter, "a place".into())).expect("a device");
    kernel.device.destroy();
    let lost = kernel.launch(&Job::new(Default::default()), 0, 64, 0, &mut [0; 1 + HITS]);
    let DeviceError(reason) = lost.expect_err("the device is gone");
    assert!(!reason.is_empty());
}

#[test]
fn a_search_uses_it_beside_the_processor() {
    let processor = cpu::BACKENDS.last().expect("the portable one");
    let registry = Registry::new(vec![Arc::new(SOFTWARE), Arc::new(*processor)]);
    let one = CpuOptions { threads: NonZeroUsize::new(1), ..CpuOptions::default() };
    let (solver, findings) = registry.solver(&one).expect("devices");
    assert!(findings.iter().all(|finding| finding.is_used() && finding.hash_rate() > 0.0), "{findings:?}");

    let seed = B256::repeat_byte(0x6e);
    // Until both had a turn: how fast they are is the machine's business.
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut window = Duration::from_millis(200);
    let solution = loop {
        let solution = solver.solve(seed, Instant::now() + window, &AtomicBool::new(false)).expect("a solution");
        if solution.devices.len() >= 2 && solution.devices.iter().all(|device| device.tried > 0) {
            break solution;
        }
        assert!(Instant::now() < deadline, "{:?}", solution.devices);
        window *= 2;
    };
    assert!(solver.take_lost().iter().all(|lost| lost.fault == crate::Fault::Hung));
    assert!(solution.nonces.is_sorted_by(|a, b| a < b));
    let largest = solution.nonces.iter().map(|nonce| hash(seed, *nonce)).max().expect("64");
    assert_eq!(solution.largest_hash, U256::from_be_bytes(largest.0));
}
