//! Proposals that passed: into the timelock, and out of it when their delay is over.

use aiigo_protocol::AIIGOGovernor::{executeCall, queueCall};
use alloy::primitives::{Address, U256};

use super::{Action, Duty, DutyName};
use crate::view::{Phase, Proposal, View};

pub(super) struct ExecuteProposals {
    pub(super) governor: Address,
}

impl Duty for ExecuteProposals {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        view.proposals().filter_map(|(id, proposal, phase)| self.step(id, proposal, phase, now)).collect()
    }
}

impl ExecuteProposals {
    fn step(&self, id: U256, proposal: &Proposal, phase: Phase, now: u64) -> Option<Action> {
        match phase {
            Phase::Voting { until, .. } if now > until && phase.is_ahead() => {
                let Proposal { targets, values, calldatas, description_hash } = proposal.clone();
                let call = queueCall { targets, values, calldatas, descriptionHash: description_hash };
                Some(Action::new(DutyName::ExecuteProposals, format_args!("queue {id}"), self.governor, &call))
            }
            Phase::Queued { from } if now >= from => {
                let Proposal { targets, values, calldatas, description_hash } = proposal.clone();
                let call = executeCall { targets, values, calldatas, descriptionHash: description_hash };
                Some(Action::new(DutyName::ExecuteProposals, format_args!("execute {id}"), self.governor, &call))
            }
            _ => None,
        }
    }
}
