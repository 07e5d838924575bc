//! Cases of the court: juries to draw, periods that are over.

use aiigo_protocol::DisputeCourt::advanceCall;
use alloy::primitives::{Address, U256};

use super::{Action, Duty, DutyName};
use crate::{
    payload::{Draw, Payload},
    view::{Period, View},
};

/// Points drawn for a jury until the rest is left to its deadline, or to whoever wants more.
const MAX_POINTS: u64 = 24 * 16;

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
            // One key for all calls: the pauses between them grow, should nobody be left to draw.
            Period::Drawing { block, tries, .. } if view.head() > block && tries < U256::from(MAX_POINTS) => {
                Some(Action {
                    duty: DutyName::AdvanceDisputes,
                    subject: format!("case {case}/block {block}"),
                    to: self.court,
                    payload: Payload::Draw { draw: Draw::Jury(case), block },
                })
            }
            _ => None,
        };
        view.disputes().filter_map(step).collect()
    }
}
