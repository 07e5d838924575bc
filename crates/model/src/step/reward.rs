//! How epochs close, and what providers claim of them.

use super::{FITTING, Step};
use crate::{call::Call, cast::Holder, model::Model};

impl Step {
    pub(super) fn close_epoch(&self, model: &Model) -> (Holder, Call) {
        let next = model.books().rewards.next_epoch;
        (self.person(), Call::CloseEpoch { epoch: if self.which > FITTING { next + 1 } else { next } })
    }

    pub(super) fn claim_base(&self, model: &Model) -> (Holder, Call) {
        let owed = model.base_claimable();
        let (epoch, node) = owed.get(usize::from(self.which) % owed.len().max(1)).copied().unwrap_or_default();
        (self.person(), Call::ClaimBase { epoch, node: if self.which > FITTING { self.node(model) } else { node } })
    }
}
