//! Jurors whom penalties have made poorer: they are drawn by what they still hold.

use aiigo_protocol::DisputeCourt::reweighJurorCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct ReweighJurors {
    pub(super) court: Address,
}

impl Duty for ReweighJurors {
    fn due(&self, view: &View, _now: u64) -> Vec<Action> {
        view.overweight_jurors()
            .map(|(juror, left)| {
                let subject = format!("{juror}/{left} wei");
                Action::new(DutyName::ReweighJurors, subject, self.court, &reweighJurorCall { juror })
            })
            .collect()
    }
}
