//! Graphics processors: what all drivers have in common.
//!
//! A kernel tries a number of nonces at once and writes how many hits there were, and where. Whatever it says is checked
//! again by the search, as of any device.

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(feature = "wgpu")]
mod wgpu;

use std::time::Duration;

#[cfg(feature = "cuda")]
pub(crate) use cuda::CudaBackend;
#[cfg(feature = "wgpu")]
pub(crate) use wgpu::WgpuBackend;
#[cfg(feature = "wgpu")]
pub use wgpu::{GraphicsProcessor, graphics_processors};

use crate::{
    Job,
    device::{Device, DeviceError, HITS, Hits},
};

/// Most nonces that one launch tries: offsets within it are 32-bit numbers that never run over.
const MOST: u32 = 1 << 30;

/// Long enough that starting and waiting for a kernel, some 30 µs, costs less than a hundredth; a tenth of a second below
/// what drivers take for a hang, and short enough that a screen on the same processor stays smooth.
const SLICE: Duration = Duration::from_millis(5);

/// What a kernel leaves: the number of hits, also of those for which there was no room, then their offsets from the first
/// nonce.
type Found = [u32; 1 + HITS];

/// A graphics processor by one driver.
trait Kernel: Send {
    /// As of [`Device`].
    fn name(&self) -> String;

    /// As of [`Device`].
    fn description(&self) -> String;

    /// As of [`Device`].
    fn place(&self) -> String;

    /// Tries `count` nonces from `first` on, and waits for the end.
    fn launch(&mut self, job: &Job, first: u64, count: u32, target: u64, found: &mut Found) -> Result<(), DeviceError>;
}

/// A kernel as a device.
struct Gpu<K> {
    kernel: K,
    found: Found,
}

impl<K: Kernel> Gpu<K> {
    fn new(kernel: K) -> Self {
        Self { kernel, found: [0; 1 + HITS] }
    }
}

impl<K: Kernel> Device for Gpu<K> {
    fn name(&self) -> String {
        self.kernel.name()
    }

    fn description(&self) -> String {
        self.kernel.description()
    }

    fn place(&self) -> String {
        self.kernel.place()
    }

    fn slice(&self) -> Duration {
        SLICE
    }

    fn search(&mut self, job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> Result<u64, DeviceError> {
        let mut count = u32::try_from(count).unwrap_or(MOST).min(MOST);
        loop {
            self.kernel.launch(job, first, count, target, &mut self.found)?;
            let [found, offsets @ ..] = &self.found;
            if *found > count {
                return Err(DeviceError(format!("it says that {found} of {count} nonces are hits")));
            }
            if let Some(offsets) = offsets.get(..*found as usize) {
                for offset in offsets {
                    hits.push(first.wrapping_add((*offset).into()));
                }
                return Ok(count.into());
            }
            count = fewer(count, *found);
        }
    }
}

/// How many of `count` nonces to try again when `found` hits were more than there is room for: about half of the room's worth.
/// Fewer than `count`, and at least half of the room, since no more than all can be hits.
fn fewer(count: u32, found: u32) -> u32 {
    (u64::from(count) * (HITS as u64 / 2) / u64::from(found)) as u32 // less than `count`
}

/// A device that is there and can't be opened. Its first search says why, so that it is reported as any other that fails.
struct Broken {
    name: String,
    error: DeviceError,
}

impl Device for Broken {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn search(&mut self, _: &Job, _: u64, _: u64, _: u64, _: &mut Hits) -> Result<u64, DeviceError> {
        Err(self.error.clone())
    }
}

/// The device, or what stands in for it.
fn or_broken<K: Kernel + 'static>(name: String, opened: Result<K, DeviceError>) -> Box<dyn Device> {
    match opened {
        Ok(kernel) => Box::new(Gpu::new(kernel)),
        Err(error) => Box::new(Broken { name, error }),
    }
}

#[cfg(test)]
mod tests;
