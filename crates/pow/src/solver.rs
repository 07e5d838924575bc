//! The search.

use std::{
    num::NonZeroUsize,
    ops::ControlFlow,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Instant,
};

use alloy::primitives::{B256, U256};

use crate::{
    best::{Best, leading_bits},
    hash,
    keccak::SeedHasher,
};

/// Nonces in a solution: k.
pub const NONCES: usize = 64;
/// Bytes of an encoded solution.
pub const SOLUTION_BYTES: usize = NONCES * 8;

/// Hashes between two looks at the clock and the flag: far less than a millisecond's worth on a fast core, a few on a
/// slow one.
const BATCH: u64 = 2048;

/// Searches on the processor. `solve` blocks for the whole window: keep it off an asynchronous runtime.
#[derive(Clone, Copy, Debug)]
pub struct Solver {
    threads: NonZeroUsize,
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
    /// Two computations of one hash differ.
    #[error("the hash of nonce {nonce} came out differently a second time: this machine does not compute reliably")]
    Unreliable {
        /// The nonce.
        nonce: u64,
    },
}

impl Default for Solver {
    /// A thread for each processor that this process may use.
    fn default() -> Self {
        Self { threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) }
    }
}

impl Solver {
    /// A solver with so many threads.
    pub fn new(threads: NonZeroUsize) -> Self {
        Self { threads }
    }

    /// Its threads.
    pub fn threads(&self) -> NonZeroUsize {
        self.threads
    }

    /// Tries nonces until the deadline and returns the 64 best. Leave time for the transaction: a solution counts only if it
    /// is included before the challenge's deadline, and nothing is gained by sending it early.
    ///
    /// # Errors
    /// If `cancel` is raised, fewer than 64 hashes could be tried, or the machine computes wrongly.
    pub fn solve(&self, seed: B256, deadline: Instant, cancel: &AtomicBool) -> Result<Solution, PowError> {
        self.search(seed, || {
            if cancel.load(Ordering::Relaxed) || Instant::now() >= deadline {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(BATCH)
            }
        })
        .and_then(|(best, tried)| {
            if cancel.load(Ordering::Relaxed) && Instant::now() < deadline {
                return Err(PowError::Cancelled { tried });
            }
            let (largest, nonces) = best.finish().ok_or(PowError::TooFew { tried })?;
            Ok(Solution { nonces, largest_hash: U256::from_be_bytes(largest.0), tried })
        })
    }

    /// Searches with all threads. Before each batch a thread asks how long it may be.
    fn search(
        &self,
        seed: B256,
        next_batch: impl Fn() -> ControlFlow<(), u64> + Sync,
    ) -> Result<(Best, u64), PowError> {
        let hasher = SeedHasher::new(seed);
        let threads = self.threads.get() as u64;
        let share = u64::MAX / threads; // more nonces than a thread can try in its life
        let results: Vec<Result<(Best, u64), PowError>> = thread::scope(|scope| {
            let (hasher, next_batch) = (&hasher, &next_batch);
            let workers: Vec<_> = (0..threads)
                .map(|index| scope.spawn(move || search_from(index * share, seed, hasher, next_batch)))
                .collect();
            workers
                .into_iter()
                .map(|worker| worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
                .collect()
        });
        let (mut best, mut tried) = (Best::default(), 0);
        for result in results {
            let (found, count) = result?;
            best.merge(found);
            tried += count;
        }
        Ok((best, tried))
    }
}

/// One thread's search through its own range of nonces.
fn search_from(
    first: u64,
    seed: B256,
    hasher: &SeedHasher,
    next_batch: impl Fn() -> ControlFlow<(), u64>,
) -> Result<(Best, u64), PowError> {
    let mut best = Best::default();
    let mut nonce = first;
    while let ControlFlow::Continue(count) = next_batch() {
        let end = nonce + count;
        while nonce < end {
            let bits = hasher.leading_bits(nonce);
            if bits <= best.target() {
                // Rare once the heap is full, so it is cheap to compute the whole hash, by another implementation.
                let full = hash(seed, nonce);
                if leading_bits(&full) != bits {
                    return Err(PowError::Unreliable { nonce });
                }
                best.offer(full, nonce);
            }
            nonce += 1;
        }
    }
    Ok((best, nonce - first))
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
