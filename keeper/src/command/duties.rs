//! `aiigo-keeper duties`.

use alloy::primitives::utils::format_ether;
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
            max_cost: policy.max_cost.map(format_ether),
            min_profit: policy.min_profit.map(format_ether),
            retry: policy.retry,
        })
        .collect()
}

/// The list for people.
#[allow(clippy::ptr_arg)] // it prints what `list` returns
pub(crate) fn table(list: &Vec<Listed>) -> String {
    list.iter()
        .map(|duty| format!("{:19} {:4} {}\n", duty.name, if duty.enabled { "on" } else { "off" }, duty.about))
        .collect()
}
