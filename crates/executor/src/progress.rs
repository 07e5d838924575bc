//! What can be told of a program while it runs.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

/// Bytes of a stream that are shown: its end.
pub const TAIL_BYTES: usize = 64 << 10;

/// The state of one run; clones share it. Whoever runs the program writes it, and anybody may read.
#[derive(Clone, Debug, Default)]
pub struct Progress(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    fuel: AtomicU64,
    memory: AtomicU64,
    output: AtomicU64,
    stdout: Mutex<Tail>,
    stderr: Mutex<Tail>,
}

/// The end of what a program has printed.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    bytes: VecDeque<u8>,
    total: u64,
}

/// A stream of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

impl Tail {
    fn push(&mut self, bytes: &[u8]) {
        self.total = self.total.saturating_add(bytes.len() as u64);
        let kept = &bytes[bytes.len().saturating_sub(TAIL_BYTES)..];
        let surplus = (self.bytes.len() + kept.len()).saturating_sub(TAIL_BYTES);
        self.bytes.drain(..surplus);
        self.bytes.extend(kept);
    }

    /// The last bytes, [`TAIL_BYTES`] at most.
    pub fn bytes(&self) -> Vec<u8> {
        self.bytes.iter().copied().collect()
    }

    /// All bytes that were printed so far.
    pub fn total(&self) -> u64 {
        self.total
    }
}

impl Progress {
    /// Fuel used so far, as of the program's last call of a function: a loop without any keeps its count to itself. 0 of a
    /// container.
    pub fn fuel(&self) -> u64 {
        self.0.fuel.load(Ordering::Relaxed)
    }

    /// The most memory so far, bytes.
    pub fn peak_memory_bytes(&self) -> u64 {
        self.0.memory.load(Ordering::Relaxed)
    }

    /// Bytes in the program's files now; 0 of a container, whose files are its own.
    pub fn output_bytes(&self) -> u64 {
        self.0.output.load(Ordering::Relaxed)
    }

    /// The end of its standard output.
    pub fn stdout(&self) -> Tail {
        self.tail(Stream::Stdout).clone()
    }

    /// The end of its standard error.
    pub fn stderr(&self) -> Tail {
        self.tail(Stream::Stderr).clone()
    }

    pub(crate) fn set_fuel(&self, fuel: u64) {
        self.0.fuel.fetch_max(fuel, Ordering::Relaxed);
    }

    pub(crate) fn set_memory(&self, bytes: u64) {
        self.0.memory.fetch_max(bytes, Ordering::Relaxed);
    }

    pub(crate) fn set_output(&self, bytes: u64) {
        self.0.output.store(bytes, Ordering::Relaxed);
    }

    pub(crate) fn printed(&self, stream: Stream, bytes: &[u8]) {
        self.tail(stream).push(bytes);
    }

    fn tail(&self, stream: Stream) -> MutexGuard<'_, Tail> {
        let tail = match stream {
            Stream::Stdout => &self.0.stdout,
            Stream::Stderr => &self.0.stderr,
        };
        tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_what_was_printed_is_kept() {
        let progress = Progress::default();
        progress.printed(Stream::Stdout, b"begin");
        progress.printed(Stream::Stdout, &vec![b'x'; TAIL_BYTES - 3]);
        progress.printed(Stream::Stdout, b"end");
        let tail = progress.stdout();
        assert_eq!((tail.bytes().len(), tail.total()), (TAIL_BYTES, TAIL_BYTES as u64 + 5));
        assert!(tail.bytes().ends_with(b"xend") && !tail.bytes().contains(&b'b'));
        progress.printed(Stream::Stdout, &vec![b'y'; 3 * TAIL_BYTES]);
        assert_eq!(progress.stdout().bytes(), vec![b'y'; TAIL_BYTES]);
        assert_eq!(progress.stderr().total(), 0);
    }
}
