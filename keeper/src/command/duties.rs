//! `aiigo-keeper duties`.

use aiigo_protocol::units::format_amount;
use serde::Serialize;

use crate::{cli::DutyArgs, policy::Retry};

/// A duty as it is listed.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    name: &'static str,
    enabled: bool,
    /// Whether it is on unless told otherwise.
    default: bool,
    about: &'static str,
    /// ETH.
    max_cost: Option<String>,
    /// ETH.
    min_profit: Option<String>,
    retry: Retry,
}

/// Every duty.
pub(crate) fn list(args: &DutyArgs) -> Vec<Listed> {
    args.all()
        .map(|(duty, enabled, policy)| Listed {
            name: duty.name(),
            enabled,
            default: duty.is_default(),
            about: duty.about(),
            max_cost: policy.max_cost.map(format_amount),
            min_profit: policy.min_profit.map(format_amount),
            retry: policy.retry,
        })
        .collect()
}

/// The list for people.
#[allow(clippy::ptr_arg)] // it prints what `list` returns
pub(crate) fn table(list: &Vec<Listed>) -> String {
    let line = |duty: &Listed| {
        let state = if duty.enabled { "on" } else { "off" };
        format!("{:20} {state:3} {}{}\n", duty.name, duty.about, duty.limits())
    };
    list.iter().map(line).collect()
}

impl Listed {
    /// What differs from the usual, in brackets.
    fn limits(&self) -> String {
        let Retry { after, every, attempts } = self.retry;
        let usual = Retry::default();
        let limits: Vec<String> = [
            self.max_cost.as_ref().map(|cost| format!("max-cost {cost} ETH")),
            self.min_profit.as_ref().map(|profit| format!("min-profit {profit} ETH")),
            (after != usual.after).then(|| format!("retry-after {} s", after.as_secs_f64())),
            (every != usual.every).then(|| format!("retry-every {} s", every.as_secs_f64())),
            attempts.map(|attempts| format!("attempts {attempts}")),
        ]
        .into_iter()
        .flatten()
        .collect();
        if limits.is_empty() { String::new() } else { format!(" [{}]", limits.join(", ")) }
    }
}
