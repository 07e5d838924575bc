//! What the keeper may spend, kept over restarts: a crash loop must not spend the limit many times.

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

/// The period that the budget covers, seconds.
const PERIOD: u64 = 24 * 3600;

/// The gas paid for one transaction.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Payment {
    /// Unix seconds.
    at: u64,
    /// Wei.
    amount: U256,
}

/// Spending of the last 24 hours against a limit.
#[derive(Debug)]
pub struct Budget {
    limit: U256,
    payments: VecDeque<Payment>,
    /// Where it is kept; a dry run keeps nothing.
    file: Option<PathBuf>,
}

impl Budget {
    /// Reads what was spent before. `limit` in wei per 24 hours.
    pub fn open(dir: &Path, limit: U256) -> io::Result<Self> {
        let file = dir.join("spending.json");
        let payments = match fs::read(&file) {
            Ok(bytes) => serde_json::from_slice(&bytes)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => VecDeque::new(),
            Err(error) => return Err(error),
        };
        Ok(Self { limit, payments, file: Some(file) })
    }

    /// A budget that nothing is taken from.
    pub const fn unused(limit: U256) -> Self {
        Self { limit, payments: VecDeque::new(), file: None }
    }

    /// Wei spent in the 24 hours before `now`.
    pub(crate) fn spent(&self, now: u64) -> U256 {
        let recent = self.payments.iter().filter(|payment| payment.at.saturating_add(PERIOD) > now);
        recent.fold(U256::ZERO, |sum, payment| sum.saturating_add(payment.amount))
    }

    /// Whether `amount` more wei are within the limit, `reserved` of it promised to what is on its way.
    pub(crate) fn allows(&self, now: u64, reserved: U256, amount: U256) -> bool {
        self.spent(now).saturating_add(reserved).saturating_add(amount) <= self.limit
    }

    /// Records a payment.
    pub(crate) fn pay(&mut self, now: u64, amount: U256) -> io::Result<()> {
        self.payments.retain(|payment| payment.at.saturating_add(PERIOD) > now);
        self.payments.push_back(Payment { at: now, amount });
        let Some(file) = &self.file else { return Ok(()) };
        // Renaming is atomic: a crash leaves the old record or the new one.
        let fresh = file.with_extension("new");
        let mut written = fs::File::create(&fresh)?;
        written.write_all(&serde_json::to_vec(&self.payments)?)?;
        written.sync_all()?;
        fs::rename(fresh, file)
    }
}

/// This machine's clock, by which the outbox counts too, unix seconds.
pub(crate) fn unix_now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wei(amount: u64) -> U256 {
        U256::from(amount)
    }

    #[test]
    fn a_restart_does_not_refill_the_budget() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut budget = Budget::open(dir.path(), wei(100)).expect("a budget");
        budget.pay(1_000, wei(70)).expect("a payment");
        drop(budget);
        let budget = Budget::open(dir.path(), wei(100)).expect("a budget");
        assert!(budget.allows(1_001, U256::ZERO, wei(30)));
        assert!(!budget.allows(1_001, U256::ZERO, wei(31)));
        assert!(!budget.allows(1_001, wei(1), wei(30)), "what is on its way counts too");
    }

    #[test]
    fn a_day_later_it_is_full_again() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut budget = Budget::open(dir.path(), wei(100)).expect("a budget");
        budget.pay(1_000, wei(100)).expect("a payment");
        assert!(!budget.allows(1_000 + PERIOD - 1, U256::ZERO, wei(1)));
        assert!(budget.allows(1_000 + PERIOD, U256::ZERO, wei(100)));
    }
}
