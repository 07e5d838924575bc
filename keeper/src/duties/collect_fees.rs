//! Fees of closed epochs: to stakers and treasury.

use aiigo_protocol::FeeVault::collectCall;
use alloy::primitives::Address;

use super::{Action, Duty, DutyName};
use crate::view::View;

pub(super) struct CollectFees {
    pub(super) vault: Address,
}

impl Duty for CollectFees {
    fn due(&self, view: &View, _now: u64) -> Vec<Action> {
        view.collectable()
            .map(|(token, epoch)| {
                let subject = format_args!("{token}/epoch {epoch}").to_string();
                Action::new(DutyName::CollectFees, subject, self.vault, &collectCall { token })
            })
            .collect()
    }
}
