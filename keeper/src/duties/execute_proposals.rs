//! Proposals that passed: into the timelock, and out of it when their delay is over.

use aiigo_protocol::AIIGOGovernor::{executeCall, queueCall};
use alloy::primitives::{Address, U256};

use super::{Action, Duty, DutyName};
use crate::view::{Phase, Proposal, View};

/// A proposal that nobody could queue so long after its vote failed to reach the quorum, seconds.
const QUEUE_FOR: u64 = 7 * 86_400;
/// One whose calls fail for so long is left to whoever made it, seconds.
const EXECUTE_FOR: u64 = 30 * 86_400;

pub(super) struct ExecuteProposals {
    pub(super) governor: Address,
}

impl Duty for ExecuteProposals {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.proposals().filter_map(|(id, proposal)| self.step(id, proposal, now)).collect()
    }
}

impl ExecuteProposals {
    fn step(&self, id: U256, proposal: &Proposal, now: u64) -> Option<Action> {
        let Proposal { targets, values, calldatas, description_hash, phase } = proposal.clone();
        match phase {
            Phase::Voting { until, is_ahead: true } if now > until && now <= until + QUEUE_FOR => {
                let call = queueCall { targets, values, calldatas, descriptionHash: description_hash };
                Some(Action::new(DutyName::ExecuteProposals, format_args!("queue {id}"), self.governor, &call))
            }
            Phase::Queued { from } if now >= from && now <= from + EXECUTE_FOR => {
                let call = executeCall { targets, values, calldatas, descriptionHash: description_hash };
                Some(Action::new(DutyName::ExecuteProposals, format_args!("execute {id}"), self.governor, &call))
            }
            _ => None,
        }
    }
}
