//! What an operator watches: per duty, what is due and what became of it; and the money.

use alloy::primitives::U256;
use metrics::{counter, describe_counter, describe_gauge, gauge};

use crate::duties::DutyName;

/// How an attempt ended, as a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// Done.
    Landed,
    /// Sent and reverted.
    Reverted,
    /// Refused by simulation, nothing sent.
    Refused,
    /// Not included in time.
    Expired,
    /// Too expensive for the limits.
    Unaffordable,
    /// The RPC or the outbox failed.
    Failed,
}

impl Ending {
    pub(crate) const fn label(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::Reverted => "reverted",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Unaffordable => "unaffordable",
            Self::Failed => "failed",
        }
    }
}

/// Says what each metric means; once, after the recorder is installed.
pub(crate) fn describe() {
    describe_gauge!("aiigo_keeper_due", "Actions that are due, by duty");
    describe_counter!("aiigo_keeper_attempts_total", "Attempts by duty and how they ended");
    describe_counter!("aiigo_keeper_gas_total", "Gas used, by duty");
    describe_gauge!("aiigo_keeper_spent_eth", "ETH paid for gas in the last 24 hours");
    describe_gauge!("aiigo_keeper_block", "The last block that was taken in");
    describe_gauge!("aiigo_keeper_tasks", "Live tasks");
    describe_gauge!("aiigo_keeper_challenges", "Open challenges");
}

#[allow(clippy::cast_precision_loss)] // counts and block numbers are far below 2^52
pub(crate) fn set_due(duty: DutyName, count: usize) {
    gauge!("aiigo_keeper_due", "duty" => duty.name()).set(count as f64);
}

pub(crate) fn count_attempt(duty: DutyName, ending: Ending) {
    counter!("aiigo_keeper_attempts_total", "duty" => duty.name(), "ending" => ending.label()).increment(1);
}

pub(crate) fn count_gas(duty: DutyName, gas: u64) {
    counter!("aiigo_keeper_gas_total", "duty" => duty.name()).increment(gas);
}

pub(crate) fn set_spent(wei: U256) {
    gauge!("aiigo_keeper_spent_eth").set(f64::from(wei) / 1e18);
}

#[allow(clippy::cast_precision_loss)] // counts and block numbers are far below 2^52
pub(crate) fn set_view(block: u64, tasks: usize, challenges: usize) {
    gauge!("aiigo_keeper_block").set(block as f64);
    gauge!("aiigo_keeper_tasks").set(tasks as f64);
    gauge!("aiigo_keeper_challenges").set(challenges as f64);
}
