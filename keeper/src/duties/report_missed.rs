//! Challenges that nobody answered.

use aiigo_protocol::ProofOfWorkVerifier::reportMissedCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct ReportMissed {
    pub(super) verifier: Address,
}

impl Duty for ReportMissed {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.challenges()
            .filter(|(_, challenge)| now > challenge.deadline)
            .map(|(node, challenge)| {
                let call = reportMissedCall { nodeId: node.0 };
                Action::new(
                    DutyName::ReportMissed,
                    format_args!("node {node}/challenge {}", challenge.id),
                    self.verifier,
                    &call,
                )
            })
            .collect()
    }
}
