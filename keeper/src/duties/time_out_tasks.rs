//! Tasks whose provider is late: slash, tip, reopen.

use aiigo_protocol::TaskMarketplace::timeoutTaskCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::{Stage, View};

pub(super) struct TimeOutTasks {
    pub(super) market: Address,
}

impl Duty for TimeOutTasks {
    fn due(&self, view: &View, now: u64) -> Vec<Action> {
        let late = view.tasks().filter_map(|(id, task)| match task.stage {
            // The contract takes results until deadline + grace, that second included; a ban ends tasks at once.
            Stage::Running { node, deadline } if now > deadline + view.grace() || view.is_banned(node) => {
                Some((id, task.attempts))
            }
            _ => None,
        });
        late.map(|(id, attempts)| {
            let call = timeoutTaskCall { taskId: id.0 };
            Action::new(DutyName::TimeOutTasks, format_args!("{id}/{attempts}"), self.market, &call)
        })
        .collect()
    }
}
