//! Jurors who left: their positions are theirs again once the hold period, and the last of their seats, are over.

use aiigo_protocol::DisputeCourt::releasePositionCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct ReleaseJurors {
    pub(super) court: Address,
}

impl Duty for ReleaseJurors {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.releasable_jurors(now)
            .map(|(juror, since)| {
                let subject = format!("{juror}/held until {since}");
                Action::new(DutyName::ReleaseJurors, subject, self.court, &releasePositionCall { juror })
            })
            .collect()
    }
}
