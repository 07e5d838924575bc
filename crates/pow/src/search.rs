//! One search: every device on a thread of its own, a stretch of the nonces each, one list of the best.
//!
//! Threads share no references with the caller, so that a device that hangs holds nobody up: what it found before is in the
//! list, and it comes back, or not, later.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender},
    },
    thread,
    time::{Duration, Instant},
};

use crate::{
    Job,
    best::{Best, leading_bits},
    device::{Device, DeviceError, Fault, Hits, discard},
    hash,
};

/// Between two looks at the caller's flag.
pub(crate) const FLAG_POLL: Duration = Duration::from_millis(1);
/// How long the search waits for its devices once it is over; their results are there already.
const FAREWELL: Duration = Duration::from_millis(5);
/// Nonces of a device's first batch, while every nonce is a hit.
const FIRST_BATCH: u64 = 64;

/// Nonces from the first to the last, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) first: u64,
    pub(crate) last: u64,
}

impl Stretch {
    /// All nonces, in so many stretches that do not overlap; the last takes what is left over.
    pub(crate) fn split(stretches: usize) -> impl Iterator<Item = Self> {
        let count = stretches.max(1) as u64;
        let share = u64::MAX / count;
        (0..count).map(move |index| Self {
            first: index * share,
            last: if index == count - 1 { u64::MAX } else { (index + 1) * share - 1 },
        })
    }
}

/// What the threads of a search share.
pub(crate) struct Round {
    job: Job,
    deadline: Instant,
    stop: AtomicBool,
    /// The best's target: hashes that begin with more can't be among them.
    target: AtomicU64,
    found: Mutex<Found>,
}

/// What a search has come to. The list and the counts are of one moment: a device that is late changes both or neither.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    pub(crate) best: Best,
    /// Nonces that each device tried.
    pub(crate) tried: Vec<u64>,
}

/// A device that came back from a search.
pub(crate) struct Returned {
    /// Which search it comes from.
    search: u64,
    pub(crate) index: usize,
    pub(crate) name: String,
    /// The device, or why it must not be used again.
    pub(crate) device: Result<Box<dyn Device>, Fault>,
}

/// A search that runs.
pub(crate) struct Search {
    number: u64,
    round: Arc<Round>,
    running: usize,
}

impl Search {
    /// Sends the devices out; each sends itself back through `home`. A device for which the system gives no thread is lost.
    pub(crate) fn start(
        number: u64,
        devices: Vec<(usize, Box<dyn Device>)>,
        stretches: impl Iterator<Item = Stretch>,
        seed: alloy_primitives::B256,
        deadline: Instant,
        home: &Sender<Returned>,
    ) -> Self {
        let round = Arc::new(Round {
            job: Job::new(seed),
            deadline,
            stop: AtomicBool::new(false),
            target: AtomicU64::new(u64::MAX),
            found: Mutex::new(Found { best: Best::default(), tried: vec![0; devices.len()] }),
        });
        let mut search = Self { number, round, running: 0 };
        for (place, ((index, device), stretch)) in devices.into_iter().zip(stretches).enumerate() {
            let (round, home) = (Arc::clone(&search.round), home.clone());
            let name = device.name();
            let body = {
                let (name, home) = (name.clone(), home.clone());
                move || {
                    let device = run(device, &round, stretch, place);
                    // Nobody waits for it any more: the solver is gone.
                    let _ = home.send(Returned { search: number, index, name, device });
                }
            };
            search.running += 1;
            if let Err(error) = thread::Builder::new().name(format!("pow {index}")).spawn(body) {
                let fault = Fault::Failed(DeviceError(format!("the system gives it no thread: {error}")));
                let _ = home.send(Returned { search: number, index, name, device: Err(fault) });
            }
        }
        search
    }

    /// Waits until the deadline, the flag or the end of all devices, then shortly for the devices; hands each that comes
    /// back to `returned`.
    pub(crate) fn wait(&mut self, cancel: &AtomicBool, home: &Receiver<Returned>, mut returned: impl FnMut(Returned)) {
        let mut over_since: Option<Instant> = None;
        while self.running > 0 {
            let now = Instant::now();
            if over_since.is_none() && (now >= self.round.deadline || cancel.load(Ordering::Relaxed)) {
                self.round.stop.store(true, Ordering::Relaxed);
                over_since = Some(now);
            }
            let patience = match over_since {
                Some(since) => FAREWELL.saturating_sub(now - since),
                None => FLAG_POLL.min(self.round.deadline - now),
            };
            match home.recv_timeout(patience) {
                Ok(device) => {
                    // A device may come home late from an earlier search.
                    self.running -= usize::from(device.search == self.number);
                    returned(device);
                }
                Err(RecvTimeoutError::Timeout) if over_since.is_some() => break,
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break, // can't be: the caller keeps a sender
            }
        }
        self.round.stop.store(true, Ordering::Relaxed);
    }

    /// What there is so far.
    pub(crate) fn found(&self) -> Found {
        self.round.found().clone()
    }
}

impl Round {
    fn found(&self) -> MutexGuard<'_, Found> {
        // A heap is whole between two calls, and these don't panic.
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_over(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || Instant::now() >= self.deadline
    }

    /// Checks each hit by the reference implementation, keeps the good ones, and counts what the device at `place` tried.
    fn take(&self, place: usize, hits: &Hits, first: u64, tried: u64, target: u64) -> Result<(), Fault> {
        let mut found = self.found();
        for &nonce in hits.as_slice() {
            let hash = hash(self.job.seed, nonce);
            let actual = leading_bits(&hash);
            if nonce.wrapping_sub(first) >= tried {
                return Err(Fault::StrayNonce { nonce });
            }
            if actual > target {
                return Err(Fault::WrongHash { nonce, target, actual });
            }
            if !found.best.offer(hash, nonce) {
                return Err(Fault::StrayNonce { nonce });
            }
        }
        if let Some(count) = found.tried.get_mut(place) {
            *count += tried;
        }
        self.target.store(found.best.target(), Ordering::Relaxed);
        Ok(())
    }
}

/// A thread's whole life.
fn run(mut device: Box<dyn Device>, round: &Round, stretch: Stretch, place: usize) -> Result<Box<dyn Device>, Fault> {
    match catch_unwind(AssertUnwindSafe(|| search(&mut *device, round, stretch, place))) {
        Ok(Ok(())) => Ok(device),
        Ok(Err(fault)) => {
            discard(device);
            Err(fault)
        }
        Err(panic) => {
            discard(device);
            Err(Fault::panicked(&*panic))
        }
    }
}

/// Tries nonces until the round is over or none is left.
fn search(device: &mut dyn Device, round: &Round, stretch: Stretch, place: usize) -> Result<(), Fault> {
    device.enter_thread();
    let mut hits = Hits::default();
    let mut pace = Pace { batch: FIRST_BATCH, slice: device.slice() };
    let (mut first, mut done) = (stretch.first, 0_u64);
    while !round.is_over() {
        let left = (stretch.last - first).saturating_add(1);
        // No more than it has tried already: then about 64 hits are to be expected, and they have room.
        let count = pace.batch.min(done.max(FIRST_BATCH)).min(left);
        let target = round.target.load(Ordering::Relaxed);
        hits.clear();
        let started = Instant::now();
        let now_tried = device.search(&round.job, first, count, target, &mut hits)?;
        if now_tried == 0 || now_tried > count {
            return Err(Fault::WrongCount { tried: now_tried, asked: count });
        }
        round.take(place, &hits, first, now_tried, target)?;
        done += now_tried;
        match first.checked_add(now_tried) {
            Some(next) if next <= stretch.last => first = next,
            _ => break, // it tried its last nonce
        }
        pace.took(started.elapsed());
    }
    Ok(())
}

/// Keeps a batch near the time that a device wants to be left alone.
struct Pace {
    batch: u64,
    slice: Duration,
}

impl Pace {
    fn took(&mut self, time: Duration) {
        // Slowly down: what took long was perhaps only interrupted.
        self.batch = if time > 2 * self.slice {
            (self.batch / 2).max(FIRST_BATCH)
        } else if time < self.slice {
            self.batch.saturating_mul(2)
        } else {
            self.batch
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_cover_every_nonce_once() {
        for count in [1, 2, 3, 7, 64, 1000] {
            let stretches: Vec<_> = Stretch::split(count).collect();
            assert_eq!(stretches.len(), count);
            assert_eq!((stretches[0].first, stretches[count - 1].last), (0, u64::MAX));
            assert!(stretches.windows(2).all(|pair| pair[0].last + 1 == pair[1].first));
        }
    }

    #[test]
    fn a_batch_grows_to_the_slice_and_shrinks_when_it_takes_too_long() {
        let mut pace = Pace { batch: FIRST_BATCH, slice: Duration::from_millis(1) };
        pace.took(Duration::from_micros(10));
        assert_eq!(pace.batch, 128);
        pace.took(Duration::from_micros(1500));
        assert_eq!(pace.batch, 128);
        pace.took(Duration::from_millis(9));
        assert_eq!(pace.batch, 64);
        pace.took(Duration::from_millis(9));
        assert_eq!(pace.batch, 64, "never less");
    }
}
