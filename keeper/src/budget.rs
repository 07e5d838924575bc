//! What the keeper may spend in 24 hours. What it has spent, the outbox knows: over restarts, and cancellations too.

use aiigo_chain::Spending;
use alloy::primitives::U256;

use crate::duties::DutyName;

/// The period that the budget covers, seconds.
const PERIOD: u64 = 24 * 3600;
/// The part of it that is kept for what nobody but time makes due.
const KEPT: u64 = 5;

/// A limit on what gas costs in any 24 hours.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    limit: U256,
}

impl Budget {
    /// So many wei.
    pub const fn new(limit: U256) -> Self {
        Self { limit }
    }

    /// When the 24 hours before `now` began.
    pub(crate) const fn since(now: u64) -> u64 {
        now.saturating_sub(PERIOD)
    }

    /// Whether a duty may spend so many more wei, given what was spent since.
    pub(crate) fn allows(self, spending: Spending, duty: DutyName, amount: U256) -> bool {
        spending.paid.saturating_add(spending.committed).saturating_add(amount) <= self.part_of(duty)
    }

    /// Of most duties anybody can make work, as much as he pays for; that must not keep rounds from being opened.
    fn part_of(self, duty: DutyName) -> U256 {
        match duty.is_made_by_time() {
            true => self.limit,
            false => self.limit - self.limit / U256::from(KEPT),
        }
    }
}

/// This machine's clock, by which the outbox counts too, unix seconds.
pub(crate) fn unix_now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_others_make_leaves_a_fifth_for_what_time_makes_due() {
        let wei = U256::from::<u64>;
        let budget = Budget::new(wei(100));
        let spending = |paid, committed| Spending { paid: wei(paid), committed: wei(committed) };
        let (common, rare) = (DutyName::TimeOutTasks, DutyName::OpenRounds);
        assert!(budget.allows(spending(50, 20), common, wei(10)));
        assert!(!budget.allows(spending(50, 20), common, wei(11)), "what is on its way counts too");
        assert!(budget.allows(spending(60, 20), rare, wei(20)));
        assert!(!budget.allows(spending(60, 20), rare, wei(21)));
    }
}
