//! What each duty has come to since the start: for the metrics and for `aiigo-keeper status`.

use std::{collections::BTreeMap, time::Duration};

use aiigo_telemetry::Health;
use alloy::primitives::{U256, utils::format_ether};
use serde::Serialize;
use serde_json::{Value, json};

use crate::{duties::DutyName, metrics, report::Ending};

/// The sums of one duty.
#[derive(Clone, Debug, Default)]
struct Sums {
    due: usize,
    sent: u64,
    endings: BTreeMap<Ending, u64>,
    /// Wei, of what landed and what reverted.
    cost: U256,
    /// Of what landed, from when it was seen to be due.
    latency: Duration,
}

/// What came of an attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) ending: Ending,
    /// What its transaction cost, wei.
    pub(crate) cost: U256,
    /// Since it was seen to be due.
    pub(crate) latency: Duration,
}

/// The sums of all duties.
#[derive(Debug)]
pub(crate) struct Ledger {
    sums: BTreeMap<DutyName, Sums>,
    health: Health,
}

impl Ledger {
    pub(crate) fn new(duties: impl Iterator<Item = DutyName>, health: Health) -> Self {
        let ledger = Self { sums: duties.map(|duty| (duty, Sums::default())).collect(), health };
        ledger.publish();
        ledger
    }

    /// How many actions are due, by duty.
    pub(crate) fn set_due(&mut self, due: impl Fn(DutyName) -> usize) {
        for (duty, sums) in &mut self.sums {
            sums.due = due(*duty);
            metrics::set_due(*duty, sums.due);
        }
        self.publish();
    }

    /// An attempt is over.
    pub(crate) fn enter(&mut self, duty: DutyName, entry: Entry) {
        let Entry { ending, cost, latency } = entry;
        let sums = self.sums.entry(duty).or_default();
        *sums.endings.entry(ending).or_default() += 1;
        metrics::count_attempt(duty, ending);
        if ending.was_sent() {
            sums.sent += 1;
            sums.cost = sums.cost.saturating_add(cost);
            metrics::count_sent(duty, cost);
        }
        if ending == Ending::Landed {
            sums.latency = sums.latency.saturating_add(latency);
            metrics::record_latency(duty, latency);
        }
        self.publish();
    }

    fn publish(&self) {
        let duties = self.sums.iter().map(|(duty, sums)| (duty.name().to_owned(), sums.document()));
        self.health.set_status("duties", Value::Object(duties.collect()));
    }
}

impl Sums {
    fn document(&self) -> Value {
        let count = |ending: Ending| self.endings.get(&ending).copied().unwrap_or(0);
        let landed = count(Ending::Landed);
        let mean = self.latency.checked_div(u32::try_from(landed).unwrap_or(u32::MAX));
        json!(Shown {
            due: self.due,
            sent: self.sent,
            landed,
            reverted: count(Ending::Reverted),
            refused: count(Ending::Refused),
            expired: count(Ending::Expired),
            unaffordable: count(Ending::Unaffordable),
            failed: count(Ending::Failed),
            cost_eth: format_ether(self.cost),
            mean_latency_seconds: mean.map(|mean| mean.as_secs_f64()),
        })
    }
}

/// The sums of a duty as they are shown.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Shown {
    due: usize,
    sent: u64,
    landed: u64,
    reverted: u64,
    refused: u64,
    expired: u64,
    unaffordable: u64,
    failed: u64,
    cost_eth: String,
    mean_latency_seconds: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_tell_sent_from_tried_and_landed_from_lost() {
        let health = Health::new();
        let mut ledger = Ledger::new([DutyName::ExpireTasks].into_iter(), health.clone());
        let wei = U256::from(10).pow(U256::from(18));
        let entry = |ending, seconds| Entry { ending, cost: wei, latency: Duration::from_secs(seconds) };
        ledger.set_due(|_| 7);
        ledger.enter(DutyName::ExpireTasks, entry(Ending::Landed, 2));
        ledger.enter(DutyName::ExpireTasks, entry(Ending::Landed, 4));
        ledger.enter(DutyName::ExpireTasks, entry(Ending::Reverted, 9));
        ledger.enter(DutyName::ExpireTasks, entry(Ending::Refused, 9));
        let shown = &health.document()["duties"]["expire-tasks"];
        let wanted = json!({
            "due": 7, "sent": 3, "landed": 2, "reverted": 1, "refused": 1, "expired": 0, "unaffordable": 0, "failed": 0,
            "costEth": "3.000000000000000000", "meanLatencySeconds": 3.0,
        });
        assert_eq!(shown, &wanted);
    }
}
