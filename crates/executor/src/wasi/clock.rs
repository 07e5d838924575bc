//! Time as the program sees it: the same in every run.

/// Where both clocks stand at the start: 2020-01-01T00:00:00Z, nanoseconds since 1970.
const START: u64 = 1_577_836_800_000_000_000;
/// What each reading adds, so that programs that wait for time to pass come to an end.
const TICK: u64 = 1_000;

/// A clock that moves when it is read and when the program sleeps.
#[derive(Debug, Default)]
pub(super) struct Clock {
    elapsed: u64,
}

impl Clock {
    /// Nanoseconds since 1970 for the wall clock, since the start for the others.
    pub(super) fn read(&mut self, wall: bool) -> u64 {
        self.elapsed = self.elapsed.saturating_add(TICK);
        self.now(wall)
    }

    /// Without a tick.
    pub(super) fn now(&self, wall: bool) -> u64 {
        if wall { START.saturating_add(self.elapsed) } else { self.elapsed }
    }

    /// Moves on by a sleep.
    pub(super) fn sleep(&mut self, nanoseconds: u64) {
        self.elapsed = self.elapsed.saturating_add(nanoseconds);
    }

    /// Nanoseconds between two readings at least.
    pub(super) const fn resolution() -> u64 {
        TICK
    }
}
