//! The devices that search together, kept from one challenge to the next.

use std::{
    num::NonZeroUsize,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use alloy_primitives::{B256, U256};

use crate::{
    Registry,
    device::{CpuOptions, Device, Fault, LostDevice},
    search::{FLAG_POLL, Found, Returned, Search, Stretch},
};

/// Nonces in a solution: k.
pub const NONCES: usize = 64;
/// Bytes of an encoded solution.
pub const SOLUTION_BYTES: usize = NONCES * 8;

/// A search waits for devices that an earlier one sent out for at most this part of its time …
const PATIENCE_SHARE: u32 = 20;
/// … and for no longer than this.
const MAX_PATIENCE: Duration = Duration::from_secs(1);

/// Searches with all its devices at once. `solve` blocks for the whole window: keep it off an asynchronous runtime. One
/// search at a time: a second waits for the first.
pub struct Solver {
    pool: Mutex<Pool>,
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Solution {
    /// The nonces of the 64 smallest hashes, strictly increasing.
    pub nonces: [u64; NONCES],
    /// The largest of these hashes.
    pub largest_hash: U256,
    /// Hashes that were tried.
    pub tried: u64,
    /// Hashes that each device tried.
    pub devices: Vec<DeviceCount>,
}

/// How much a device did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceCount {
    /// Its name.
    pub device: String,
    /// Hashes that it tried.
    pub tried: u64,
}

/// Why there is no solution.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PowError {
    /// The flag was raised before the deadline.
    #[error("the search was cancelled after {tried} hashes")]
    Cancelled {
        /// Hashes that were tried.
        tried: u64,
    },
    /// The time was too short for 64 hashes.
    #[error("only {tried} hashes were tried before the deadline; a solution needs {NONCES}")]
    TooFew {
        /// Hashes that were tried.
        tried: u64,
    },
    /// Every device was lost, and there are not 64 hashes.
    #[error("no device is left to search with")]
    NoDevice,
    /// No backend has a device that can be used.
    #[error("no device can be used: {reasons}")]
    NothingUsable {
        /// What each backend said.
        reasons: String,
    },
    /// No such backend is built in.
    #[error("there is no backend {name:?}; there are {known}")]
    UnknownBackend {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
}

struct Pool {
    /// Those that wait for work, by number.
    idle: Vec<(usize, Box<dyn Device>)>,
    /// Those that had not come back when their search ended.
    late: Vec<Late>,
    /// Not yet asked for.
    lost: Vec<LostDevice>,
    searches: u64,
    sender: Sender<Returned>,
    home: Receiver<Returned>,
}

struct Late {
    index: usize,
    name: String,
    reported: bool,
}

impl Default for Solver {
    /// A thread for each processor that this process may use.
    fn default() -> Self {
        Self::of_processor(&CpuOptions::default())
    }
}

impl Solver {
    /// So many threads of the processor, with the widest instructions that it has. To use everything that the machine
    /// has, see [`Registry::solver`].
    pub fn new(threads: NonZeroUsize) -> Self {
        Self::of_processor(&CpuOptions { threads: Some(threads), ..CpuOptions::default() })
    }

    /// The processor's threads used like this, with the first backend that is there and computes rightly.
    pub fn of_processor(options: &CpuOptions) -> Self {
        Self::with_devices(Registry::first_processor_backend(options))
    }

    /// Exactly these devices, untested.
    pub fn with_devices(devices: Vec<Box<dyn Device>>) -> Self {
        let (sender, home) = mpsc::channel();
        let idle = devices.into_iter().enumerate().collect();
        let pool = Pool { idle, late: Vec::new(), lost: Vec::new(), searches: 0, sender, home };
        Self { pool: Mutex::new(pool) }
    }

    /// Tries nonces until the deadline and returns the 64 best. Leave time for the transaction: a solution counts only if it
    /// is included before the challenge's deadline, and nothing is gained by sending it early.
    ///
    /// A device that fails, panics, hangs or reports a wrong hash does not end the search: see [`take_lost`](Self::take_lost).
    ///
    /// # Errors
    /// If `cancel` is raised, fewer than 64 hashes could be tried, or no device is left.
    pub fn solve(&self, seed: B256, deadline: Instant, cancel: &AtomicBool) -> Result<Solution, PowError> {
        self.with_pool(|pool| pool.solve(seed, deadline, cancel))
    }

    /// The devices that were lost since this was last asked.
    pub fn take_lost(&self) -> Vec<LostDevice> {
        self.with_pool(|pool| std::mem::take(&mut pool.lost))
    }

    /// The devices that wait for work.
    pub fn devices(&self) -> Vec<String> {
        self.with_pool(|pool| pool.idle.iter().map(|(_, device)| device.name()).collect())
    }

    fn with_pool<T>(&self, work: impl FnOnce(&mut Pool) -> T) -> T {
        // Each step leaves the pool whole.
        work(&mut self.pool.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl std::fmt::Debug for Solver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Solver").finish_non_exhaustive()
    }
}

impl Pool {
    fn solve(&mut self, seed: B256, deadline: Instant, cancel: &AtomicBool) -> Result<Solution, PowError> {
        self.welcome_late(deadline, cancel);
        if self.idle.is_empty() {
            let all_lost = self.late.is_empty();
            return Err(match cancel.load(Ordering::Relaxed) {
                true => PowError::Cancelled { tried: 0 },
                false if all_lost => PowError::NoDevice,
                false => PowError::TooFew { tried: 0 },
            });
        }
        self.idle.sort_unstable_by_key(|(index, _)| *index);
        let devices = std::mem::take(&mut self.idle);
        let out: Vec<(usize, String)> = devices.iter().map(|(index, device)| (*index, device.name())).collect();
        self.late.extend(out.iter().map(|(index, name)| Late { index: *index, name: name.clone(), reported: false }));

        self.searches += 1;
        let stretches = Stretch::split(devices.len());
        let sender = self.sender.clone();
        let mut search = Search::start(self.searches, devices, stretches, seed, deadline, &sender);
        let mut returned = Vec::new();
        search.wait(cancel, &self.home, |device| returned.push(device));
        for device in returned {
            self.welcome(device);
        }

        let Found { best, tried: counts } = search.found();
        let tried = counts.iter().sum();
        if cancel.load(Ordering::Relaxed) && Instant::now() < deadline {
            return Err(PowError::Cancelled { tried });
        }
        let Some((largest, nonces)) = best.finish() else {
            let all_lost = self.idle.is_empty() && self.late.is_empty();
            return Err(if all_lost { PowError::NoDevice } else { PowError::TooFew { tried } });
        };
        let devices = out.into_iter().zip(counts).map(|((_, device), tried)| DeviceCount { device, tried }).collect();
        Ok(Solution { nonces, largest_hash: U256::from_be_bytes(largest.0), tried, devices })
    }

    /// Takes back who came home since, waits a little for the others, for the last one as long as there is time, and reports
    /// who did not come.
    fn welcome_late(&mut self, deadline: Instant, cancel: &AtomicBool) {
        let started = Instant::now();
        let patience = (deadline.saturating_duration_since(started) / PATIENCE_SHARE).min(MAX_PATIENCE);
        loop {
            while let Ok(device) = self.home.try_recv() {
                self.welcome(device);
            }
            let now = Instant::now();
            let is_awaited = self.late.iter().any(|late| !late.reported) && now < started + patience;
            let is_needed = self.idle.is_empty() && !self.late.is_empty() && now < deadline;
            if !(is_awaited || is_needed) || cancel.load(Ordering::Relaxed) {
                break;
            }
            if let Ok(device) = self.home.recv_timeout(FLAG_POLL) {
                self.welcome(device);
            }
        }
        for late in self.late.iter_mut().filter(|late| !late.reported) {
            late.reported = true;
            self.lost.push(LostDevice { device: late.name.clone(), fault: Fault::Hung });
        }
    }

    fn welcome(&mut self, Returned { index, name, device, .. }: Returned) {
        self.late.retain(|late| late.index != index);
        match device {
            Ok(device) => self.idle.push((index, device)),
            Err(fault) => self.lost.push(LostDevice { device: name, fault }),
        }
    }
}

impl Solution {
    /// As the verifier takes it: 64 nonces, 8 bytes big-endian each.
    pub fn encode(&self) -> [u8; SOLUTION_BYTES] {
        let mut bytes = [0; SOLUTION_BYTES];
        for (to, nonce) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.nonces) {
            *to = nonce.to_be_bytes();
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
