//! What the search needs of a device, and what a device may do wrong.

use std::{
    any::Any,
    fmt,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    thread,
    time::Duration,
};

use crate::Job;

/// Most nonces that one call of [`Device::search`] can report.
pub(crate) const HITS: usize = 256;

/// The kind of a part of the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DeviceKind {
    /// Threads of the processor.
    Cpu,
    /// A graphics processor or another accelerator.
    Gpu,
}

impl fmt::Display for DeviceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cpu => "CPU",
            Self::Gpu => "GPU",
        })
    }
}

/// A way to search that this machine may have: an instruction set or a driver.
pub trait Backend: Send + Sync {
    /// Its short name, lower case, as in `--backend`.
    fn name(&self) -> &'static str;

    /// What its devices are.
    fn kind(&self) -> DeviceKind;

    /// The devices that it reaches: of a processor backend one a thread, else all there are.
    ///
    /// # Errors
    /// If the machine lacks what it needs.
    fn open(&self, cpu: &CpuOptions) -> Result<Vec<Box<dyn Device>>, Unavailable>;
}

/// How the processor's threads are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CpuOptions {
    /// Threads; `None`: one for each processor that this process may use.
    pub threads: Option<NonZeroUsize>,
    /// Bind each thread to a processor of its own (Linux).
    pub pin: bool,
    /// Leave the processor to others who want it (Linux: a niceness of 10).
    pub nice: bool,
}

impl Default for CpuOptions {
    fn default() -> Self {
        Self { threads: None, pin: false, nice: true }
    }
}

/// Something that tries nonces, on a thread of its own.
pub trait Device: Send {
    /// Which it is, unique enough for a log line: `avx512 thread 3`, `cuda 0`.
    fn name(&self) -> String;

    /// What it is, for people: the product's name.
    fn description(&self) -> String {
        self.name()
    }

    /// The part of the machine that it occupies: where devices of several backends share one, only the fastest is used. For a
    /// GPU its address on the bus, as in `0000:01:00.0`.
    fn place(&self) -> String {
        self.name()
    }

    /// How long one call of [`search`](Self::search) should take: the search can be stopped between two calls only.
    fn slice(&self) -> Duration {
        Duration::from_millis(1)
    }

    /// Called once on the thread that will search, before each search.
    fn enter_thread(&mut self) {}

    /// Tries the nonces from `first` on and puts those whose hash begins with 64 bits that are at most `target` (a
    /// big-endian number) into `hits`, which is empty, in any order. Returns how many nonces it tried, all of them from
    /// `first` on: at least one and at most `count`, fewer than `count` only when `hits` has no room or when there are more
    /// than 2³⁰. `count` is at least 1
    /// and never runs over the end of the nonce space.
    ///
    /// # Errors
    /// If the device failed; it will not be used again.
    fn search(&mut self, job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> Result<u64, DeviceError>;
}

/// Nonces that a device found: a fixed space, so that nothing is allocated in the search.
#[derive(Clone, Debug)]
pub struct Hits {
    nonces: [u64; HITS],
    len: usize,
}

impl Default for Hits {
    fn default() -> Self {
        Self { nonces: [0; HITS], len: 0 }
    }
}

impl Hits {
    /// How many more it takes.
    #[inline]
    pub fn room(&self) -> usize {
        HITS - self.len
    }

    /// Adds one; whether there was room.
    #[inline]
    pub fn push(&mut self, nonce: u64) -> bool {
        match self.nonces.get_mut(self.len) {
            Some(place) => {
                *place = nonce;
                self.len += 1;
                true
            }
            None => false,
        }
    }

    /// Forgets all.
    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Those that were found.
    pub fn as_slice(&self) -> &[u64] {
        &self.nonces[..self.len]
    }
}

/// A backend can't be used here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unavailable {
    /// The machine has nothing for it.
    #[error("{0}")]
    Absent(String),
    /// What it has does not work.
    #[error("{0}")]
    Broken(String),
}

/// A device failed: what its driver said.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DeviceError(pub String);

/// Why a device is no longer used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A nonce that it reported has another hash than it claimed.
    #[error("it reported nonce {nonce} for a hash of at most {target:#018x}, but that begins with {actual:#018x}")]
    WrongHash {
        /// The nonce.
        nonce: u64,
        /// The first 64 bits that it was asked not to exceed.
        target: u64,
        /// The first 64 bits of the true hash.
        actual: u64,
    },
    /// A nonce that it reported is not one of those it was to try, or came twice.
    #[error("it reported nonce {nonce}, which it was not asked to try or had reported already")]
    StrayNonce {
        /// The nonce.
        nonce: u64,
    },
    /// It says that it tried a number of nonces that can't be.
    #[error("it says that it tried {tried} nonces of {asked}")]
    WrongCount {
        /// What it said.
        tried: u64,
        /// What it was asked.
        asked: u64,
    },
    /// It missed a hash that the reference finds; seen in the self-test only.
    #[error("it did not find nonce {nonce} in the self-test")]
    Missed {
        /// The nonce.
        nonce: u64,
    },
    /// It found too few or too many hashes to have tried what it says; seen while it is measured only.
    #[error("of {tried} nonces {expected} should be hits, and it found {found}")]
    Implausible {
        /// What it said that it tried.
        tried: u64,
        /// Hits among so many, on average.
        expected: u64,
        /// What it found.
        found: usize,
    },
    /// Its driver failed.
    #[error(transparent)]
    Failed(#[from] DeviceError),
    /// Its thread panicked.
    #[error("its thread panicked: {0}")]
    Panicked(String),
    /// It did not come back in time.
    #[error("it has not come back")]
    Hung,
}

impl Fault {
    /// From what a thread left when it panicked.
    pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Self {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self::Panicked(text.or_else(|| panic.downcast_ref().cloned()).unwrap_or_else(|| "no message".into()))
    }
}

/// Drops a device that is not used; its driver may fail again at that, or hang.
pub(crate) fn discard(device: Box<dyn Device>) {
    let drop = move || {
        let _ = catch_unwind(AssertUnwindSafe(|| drop(device)));
    };
    // Without a thread it is dropped with the closure.
    let _ = thread::Builder::new().name("discard".into()).spawn(drop);
}

/// A device that is no longer used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LostDevice {
    /// Its name.
    pub device: String,
    /// Why.
    pub fault: Fault,
}

impl fmt::Display for LostDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is no longer used: {}", self.device, self.fault)
    }
}
