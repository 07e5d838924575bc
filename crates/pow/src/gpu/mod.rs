//! Graphics processors: what all drivers have in common.
//!
//! A kernel tries a number of nonces at once and writes how many hits there were, and where. Whatever it says is checked
//! again by the search, as of any device.

#[cfg(feature = "cuda")]
mod cuda;
#[cfg(feature = "wgpu")]
mod wgpu;

use std::{mem, time::Duration};

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

/// Long enough that starting and waiting for a kernel, some 30 µs, costs less than a hundredth; a thousandth of what drivers
/// take for a hang, and short enough that a screen on the same processor stays smooth.
const SLICE: Duration = Duration::from_millis(5);

/// What a kernel leaves: the number of hits, also of those for which there was no room, then their offsets from the first
/// nonce.
type Found = [u32; 1 + HITS];

/// A graphics processor by one driver.
trait Kernel: Send {
    /// As of [`Device`].
    fn description(&self) -> String;

    /// As of [`Device`].
    fn place(&self) -> String;

    /// Tries `count` nonces from `first` on, and waits for the end.
    fn launch(&mut self, job: &Job, first: u64, count: u32, target: u64, found: &mut Found) -> Result<(), DeviceError>;
}

/// A kernel as a device. It is opened by its first search, so that a driver that hangs at that holds up no other.
struct Gpu<K> {
    name: String,
    state: State<K>,
    found: Found,
}

enum State<K> {
    Closed(Open<K>),
    Open(K),
    Broken(DeviceError),
}

type Open<K> = Box<dyn FnOnce() -> Result<K, DeviceError> + Send>;

impl<K: Kernel> Gpu<K> {
    fn new(name: String, open: impl FnOnce() -> Result<K, DeviceError> + Send + 'static) -> Self {
        Self { name, state: State::Closed(Box::new(open)), found: [0; 1 + HITS] }
    }

    fn kernel(&self) -> Option<&K> {
        match &self.state {
            State::Open(kernel) => Some(kernel),
            State::Closed(_) | State::Broken(_) => None,
        }
    }

    fn open(&mut self) -> Result<(&mut K, &mut Found), DeviceError> {
        if matches!(self.state, State::Closed(_)) {
            let panicked = State::Broken(DeviceError("its driver panicked".into()));
            if let State::Closed(open) = mem::replace(&mut self.state, panicked) {
                self.state = open().map_or_else(State::Broken, State::Open);
            }
        }
        match &mut self.state {
            State::Open(kernel) => Ok((kernel, &mut self.found)),
            State::Broken(error) => Err(error.clone()),
            State::Closed(_) => Err(DeviceError("it was not opened".into())), // can't be: it was, just now
        }
    }
}

impl<K: Kernel> Device for Gpu<K> {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn description(&self) -> String {
        self.kernel().map_or_else(|| self.name(), Kernel::description)
    }

    fn place(&self) -> String {
        self.kernel().map_or_else(|| self.name(), Kernel::place)
    }

    fn slice(&self) -> Duration {
        SLICE
    }

    fn search(&mut self, job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> Result<u64, DeviceError> {
        let (kernel, found) = self.open()?;
        let mut count = u32::try_from(count).unwrap_or(MOST).min(MOST);
        loop {
            kernel.launch(job, first, count, target, found)?;
            let [number, offsets @ ..] = &*found;
            if *number > count {
                return Err(DeviceError(format!("it says that {number} of {count} nonces are hits")));
            }
            if let Some(offsets) = offsets.get(..*number as usize) {
                for offset in offsets {
                    hits.push(first.wrapping_add((*offset).into()));
                }
                return Ok(count.into());
            }
            count = fewer(count, *number);
        }
    }
}

/// How many of `count` nonces to try again when `found` hits were more than there is room for: about half of the room's worth.
/// Fewer than `count`, and at least half of the room, since no more than all can be hits.
fn fewer(count: u32, found: u32) -> u32 {
    (u64::from(count) * (HITS as u64 / 2) / u64::from(found)) as u32 // less than `count`
}

#[cfg(test)]
mod tests;
