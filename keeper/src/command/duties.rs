//! `aiigo-keeper duties`.

use serde::Serialize;

use crate::duties::DutyName;

/// A duty as it is listed.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Listed {
    name: &'static str,
    default: bool,
    about: &'static str,
}

/// Every duty.
pub(crate) fn list() -> Vec<Listed> {
    DutyName::ALL
        .iter()
        .map(|duty| Listed { name: duty.name(), default: duty.is_default(), about: duty.about() })
        .collect()
}

/// The list for people.
#[allow(clippy::ptr_arg)] // it prints what `list` returns
pub(crate) fn table(list: &Vec<Listed>) -> String {
    list.iter()
        .map(|duty| format!("{:19} {:4} {}\n", duty.name, if duty.default { "on" } else { "off" }, duty.about))
        .collect()
}
