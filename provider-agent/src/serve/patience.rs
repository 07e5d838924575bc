//! How often a machine that can't do its part tries again before the task goes back to the market.

use std::time::Duration;

/// Seconds of the chain for which an engine that restarts, or a gateway that is down, is waited for.
const WAIT: u64 = 45;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// Seconds of the time for giving back that are kept for the transaction; never more than half of what is left.
const RESERVE: u64 = 15;

/// Failures in a row, on the chain's clock.
#[derive(Debug, Default)]
pub(super) struct Patience {
    since: Option<u64>,
    tries: u32,
}

/// What to do after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again after a pause.
    Again(Duration),
    /// Give the task back, while that is allowed.
    GiveBack,
    /// It is too late to give it back: trying again costs nothing more.
    Stuck(Duration),
}

impl Patience {
    /// After a failure at a time of the chain, of a task that can be given back until then.
    pub(super) fn after_failure(&mut self, now: u64, returnable_until: u64) -> Next {
        let since = *self.since.get_or_insert(now);
        let pause = (FIRST_PAUSE * 2_u32.saturating_pow(self.tries)).min(LONGEST_PAUSE);
        self.tries = self.tries.saturating_add(1);
        let left = returnable_until.saturating_sub(since);
        let last = since + WAIT.min(left - RESERVE.min(left / 2));
        match (now <= returnable_until, now < last) {
            (false, _) => Next::Stuck(pause),
            (true, false) => Next::GiveBack,
            (true, true) => Next::Again(pause),
        }
    }

    /// Failures so far.
    pub(super) fn tries(&self) -> u32 {
        self.tries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_is_given_back_in_time() {
        let mut patience = Patience::default();
        assert_eq!(patience.after_failure(100, 400), Next::Again(FIRST_PAUSE));
        assert_eq!(patience.after_failure(101, 400), Next::Again(FIRST_PAUSE * 2));
        for _ in 0..10 {
            assert!(matches!(patience.after_failure(144, 400), Next::Again(pause) if pause <= LONGEST_PAUSE));
        }
        assert_eq!(patience.after_failure(145, 400), Next::GiveBack);
        assert_eq!(patience.tries(), 13);
    }

    #[test]
    fn a_short_time_for_giving_back_is_not_missed() {
        let mut patience = Patience::default();
        assert!(matches!(patience.after_failure(100, 120), Next::Again(_)));
        assert!(matches!(patience.after_failure(109, 120), Next::Again(_)));
        assert_eq!(patience.after_failure(110, 120), Next::GiveBack);
        assert_eq!(Patience::default().after_failure(110, 110), Next::GiveBack);
        assert!(matches!(Patience::default().after_failure(111, 110), Next::Stuck(_)));
    }
}
