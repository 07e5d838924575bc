//! Nodes that fail too often: under review.

use aiigo_protocol::NodeRegistry::putUnderReviewCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct ReviewNodes {
    pub(super) registry: Address,
}

impl Duty for ReviewNodes {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.failing(now)
            .map(|node| {
                let call = putUnderReviewCall { nodeId: node.0 };
                Action::new(DutyName::ReviewNodes, format_args!("node {node}"), self.registry, &call)
            })
            .collect()
    }
}
