//! What an operator watches: per duty, what is due and what became of it; and the money.

use std::time::Duration;

use alloy::primitives::U256;
use metrics::{counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

use crate::{duties::DutyName, report::Ending};

/// Says what each metric means; once, after the recorder is installed.
pub(crate) fn describe() {
    describe_gauge!("aiigo_keeper_due", "Actions that are due, by duty");
    describe_counter!("aiigo_keeper_attempts_total", "Attempts by duty and how they ended");
    describe_counter!("aiigo_keeper_sent_total", "Transactions sent, by duty");
    describe_counter!("aiigo_keeper_cost_gwei_total", "Paid for transactions, landed and reverted, by duty");
    describe_histogram!(
        "aiigo_keeper_latency_seconds",
        "From when an action was seen to be due to its landing, by duty"
    );
    describe_gauge!("aiigo_keeper_spent_eth", "ETH paid for gas in the last 24 hours");
    describe_gauge!("aiigo_keeper_block", "The last block that was taken in");
    describe_gauge!("aiigo_keeper_tasks", "Live tasks");
    describe_gauge!("aiigo_keeper_challenges", "Open challenges");
    describe_gauge!(
        "aiigo_keeper_wrong_roots",
        "Roots of bonuses, pending or in force, that differ from the keeper's own"
    );
    describe_gauge!("aiigo_keeper_differing_root", "1 while the indexer computes another root of bonuses");
}

#[allow(clippy::cast_precision_loss)] // counts and block numbers are far below 2^52
pub(crate) fn set_due(duty: DutyName, count: usize) {
    gauge!("aiigo_keeper_due", "duty" => duty.name()).set(count as f64);
}

pub(crate) fn count_attempt(duty: DutyName, ending: Ending) {
    counter!("aiigo_keeper_attempts_total", "duty" => duty.name(), "ending" => ending.label()).increment(1);
}

/// `cost` in wei.
pub(crate) fn count_sent(duty: DutyName, cost: U256) {
    counter!("aiigo_keeper_sent_total", "duty" => duty.name()).increment(1);
    let gwei = cost / U256::from(1_000_000_000);
    counter!("aiigo_keeper_cost_gwei_total", "duty" => duty.name()).increment(gwei.saturating_to());
}

pub(crate) fn record_latency(duty: DutyName, latency: Duration) {
    histogram!("aiigo_keeper_latency_seconds", "duty" => duty.name()).record(latency);
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

/// Whether the indexer has another root.
pub(crate) fn set_differing_root(differs: bool) {
    gauge!("aiigo_keeper_differing_root").set(f64::from(u8::from(differs)));
}

#[allow(clippy::cast_precision_loss)] // a handful
pub(crate) fn set_wrong_roots(count: usize) {
    gauge!("aiigo_keeper_wrong_roots").set(count as f64);
}
