//! Every machine runs the kernels that ship, on an emulator of PTX; one with an NVIDIA GPU also runs them there.

use alloy_primitives::keccak256;
use proptest::prelude::*;

use super::*;
use crate::agreement;

/// A kernel of the PTX that ships, on the emulator.
struct Emulated {
    module: emulator::Module,
    entry: &'static str,
}

/// Few enough that most threads try several nonces.
const BLOCKS: u32 = 3;
const THREADS_OF_BLOCK: u32 = 32;

impl Emulated {
    fn device(entry: &'static str) -> Gpu<Self> {
        Gpu::new(entry.into(), move || Ok(Self { module: emulator::Module::parse(PTX), entry }))
    }
}

impl Kernel for Emulated {
    fn description(&self) -> String {
        self.entry.into()
    }

    fn place(&self) -> String {
        self.entry.into()
    }

    fn launch(&mut self, job: &Job, first: u64, count: u32, target: u64, found: &mut Found) -> Result<(), DeviceError> {
        let search = Search::new(job, first, count, target);
        let mut output = vec![0; size_of::<Found>()];
        self.module.run(
            self.entry,
            emulator::Launch {
                blocks: BLOCKS,
                threads: THREADS_OF_BLOCK,
                parameters: &[Some(&search.bytes()), None],
                output: &mut output,
            },
        );
        for (word, bytes) in found.iter_mut().zip(output.as_chunks::<4>().0) {
            *word = u32::from_le_bytes(*bytes);
        }
        Ok(())
    }
}

impl Search {
    /// As they lie in memory, the padding as zeros.
    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> =
            self.moved.iter().chain([&self.first, &self.target]).flat_map(|number| number.to_le_bytes()).collect();
        bytes.extend([self.count].iter().chain(&self.power).flat_map(|number| number.to_le_bytes()));
        bytes.resize(size_of::<Self>(), 0);
        bytes
    }
}

#[test]
fn the_kernels_that_ship_find_what_the_reference_finds() {
    for backend in CudaBackend::ALL {
        agreement::assert_agrees_everywhere(&mut Emulated::device(backend.entry));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn any_search_finds_what_the_reference_finds(
        seed in any::<[u8; 32]>(),
        first in any::<u64>(),
        count in 1..400_u64,
        shift in 0..8_u32,
    ) {
        for backend in CudaBackend::ALL {
            let job = Job::new(seed.into());
            agreement::assert_agrees(&mut Emulated::device(backend.entry), &job, first, count, u64::MAX >> shift);
        }
    }
}

#[test]
fn the_ptx_was_made_of_the_source() {
    let source = keccak256(SOURCE);
    assert!(PTX.contains(&source.to_string()), "keccak.cu is {source}: make its PTX anew by `cargo xtask ptx`");
}

/// Without a driver each backend says so; with one, its devices pass the same test as the emulator.
#[test]
fn the_processors_of_this_machine_find_what_the_reference_finds() {
    for backend in CudaBackend::ALL {
        match backend.open(&CpuOptions::default()) {
            Ok(devices) => devices.into_iter().for_each(|mut device| agreement::assert_agrees_everywhere(&mut *device)),
            Err(reason) => assert!(reason.to_string().contains("NVIDIA"), "{reason}"),
        }
    }
}
