//! Cases of the court: juries to draw, periods that are over.

use aiigo_protocol::DisputeCourt::advanceCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::{
    payload::Payload,
    view::{Period, View},
};

pub(super) struct AdvanceDisputes {
    pub(super) court: Address,
}

impl Duty for AdvanceDisputes {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        let step = |(case, period): (_, Period)| match period {
            period if now > period.until() => {
                let subject = format_args!("case {case}/until {}", period.until()).to_string();
                Some(Action::new(DutyName::AdvanceDisputes, subject, self.court, &advanceCall { caseId: case }))
            }
            Period::Drawing { block, tries, .. } if view.head() > block => Some(Action {
                duty: DutyName::AdvanceDisputes,
                subject: format!("case {case}/block {block}/try {tries}"),
                to: self.court,
                payload: Payload::Draw { case, block },
            }),
            _ => None,
        };
        view.disputes().filter_map(step).collect()
    }
}
