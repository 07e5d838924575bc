//! The processor: one device a thread, with the widest instructions that it has.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "aarch64")]
mod neon;
mod portable;
mod thread;

use std::num::NonZeroUsize;

pub use thread::processor_name;

use crate::{
    Job,
    device::{Backend, CpuOptions, Device, DeviceError, DeviceKind, Hits, Unavailable},
};

/// One way to use the processor.
#[derive(Clone, Copy)]
pub(crate) struct CpuBackend {
    name: &'static str,
    needs: &'static str,
    is_there: fn() -> bool,
    /// See [`crate::keccak::search`].
    ///
    /// # Safety
    /// `is_there` must have returned true.
    search: unsafe fn(&Job, u64, u64, u64, &mut Hits) -> u64,
}

/// All that are built in for this architecture, the most promising first.
pub(crate) const BACKENDS: &[CpuBackend] = &[
    #[cfg(target_arch = "x86_64")]
    CpuBackend { name: "avx512", needs: "AVX-512 F and BW", is_there: has_avx512, search: avx512::search_direct },
    #[cfg(target_arch = "x86_64")]
    CpuBackend { name: "avx512-lean", needs: "AVX-512 F and BW", is_there: has_avx512, search: avx512::search },
    #[cfg(target_arch = "x86_64")]
    CpuBackend { name: "avx2", needs: "AVX2", is_there: || is_x86_feature_detected!("avx2"), search: avx2::search },
    #[cfg(target_arch = "x86_64")]
    CpuBackend {
        name: "bmi",
        needs: "BMI1 and BMI2",
        is_there: || is_x86_feature_detected!("bmi1") && is_x86_feature_detected!("bmi2"),
        search: portable::search_bmi,
    },
    #[cfg(target_arch = "aarch64")]
    CpuBackend {
        name: "neon-sha3",
        needs: "NEON with the SHA3 extension",
        is_there: || std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("sha3"),
        search: neon::search_sha3,
    },
    #[cfg(target_arch = "aarch64")]
    CpuBackend {
        name: "neon",
        needs: "NEON",
        is_there: || std::arch::is_aarch64_feature_detected!("neon"),
        search: neon::search,
    },
    CpuBackend { name: "portable", needs: "nothing", is_there: || true, search: portable::search },
];

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw")
}

impl Backend for CpuBackend {
    fn name(&self) -> &'static str {
        self.name
    }

    fn kind(&self) -> DeviceKind {
        DeviceKind::Cpu
    }

    fn open(&self, options: &CpuOptions) -> Result<Vec<Box<dyn Device>>, Unavailable> {
        if !(self.is_there)() {
            return Err(Unavailable::Absent(format!("this processor lacks {}", self.needs)));
        }
        let threads = options.threads.unwrap_or_else(available_threads).get();
        let mut processors = thread::usable_processors();
        if !options.pin {
            processors.clear();
        }
        Ok((0..threads)
            .map(|index| -> Box<dyn Device> {
                Box::new(CpuThread {
                    backend: *self,
                    index,
                    pin_to: processors.get(index % processors.len().max(1)).copied(),
                    nice: options.nice,
                })
            })
            .collect())
    }
}

/// Threads that can run at once.
pub(crate) fn available_threads() -> NonZeroUsize {
    std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN)
}

/// A thread of the processor. Exists only where its backend's instructions were detected.
struct CpuThread {
    backend: CpuBackend,
    index: usize,
    pin_to: Option<usize>,
    nice: bool,
}

impl Device for CpuThread {
    fn name(&self) -> String {
        format!("{} thread {}", self.backend.name, self.index)
    }

    fn description(&self) -> String {
        thread::processor_name()
    }

    fn place(&self) -> String {
        "processor".into()
    }

    fn enter_thread(&mut self) {
        thread::settle(self.nice, self.pin_to);
    }

    fn search(&mut self, job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> Result<u64, DeviceError> {
        // SAFETY: `CpuBackend::open` makes a thread only if `is_there`.
        Ok(unsafe { (self.backend.search)(job, first, count, target, hits) })
    }
}

#[cfg(test)]
mod tests;
