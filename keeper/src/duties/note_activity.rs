//! Nodes that became Active without a transaction, by the end of a review or another parameter: the verifier is told, so
//! that they are due in audits again.

use aiigo_protocol::NodeRegistry::syncActivityCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct NoteActivity {
    pub(super) registry: Address,
}

impl Duty for NoteActivity {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.silently_active(now)
            .map(|node| {
                let call = syncActivityCall { nodeId: node.0 };
                Action::new(DutyName::NoteActivity, format_args!("node {node}"), self.registry, &call)
            })
            .collect()
    }
}
