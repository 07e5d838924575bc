//! How epochs close, and what providers claim of them.

use super::{FITTING, Step, action::Action};
use crate::{
    call::Call,
    cast::{Holder, ONE},
    model::Model,
};

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

    /// Once somebody can have a bonus, a quarter of the steps are for it.
    pub(super) fn is_for_bonus(&self, model: &Model) -> bool {
        self.which <= FITTING && self.details >> 30 == 0 && !model.with_base().is_empty()
    }

    /// The next step on the way to a bonus.
    pub(super) fn bonus(&self, model: &Model) -> Option<Action> {
        if !model.bonuses().is_empty() && self.details >> 28 & 1 == 0 {
            return Some(Action::ClaimBonus);
        }
        match (model.pending_roots().len(), self.details >> 24 & 7) {
            (0, _) | (1, 0..=2) => Some(Action::PostRoot),
            (_, 3) => Some(Action::VetoRoot),
            _ => Some(Action::FinalizeRoot).filter(|_| !model.final_roots().is_empty()),
        }
    }

    /// For a closed epoch: to most nodes less than they may have, to some more.
    pub(super) fn post_root(&self, model: &Model) -> (Holder, Call) {
        let next = model.books().rewards.next_epoch;
        let epoch = if self.which > FITTING { next } else { next.saturating_sub(1 + u64::from(self.details % 3)) };
        let share = |node: usize| u128::from(self.details.rotate_left(5 * node as u32) >> 16);
        let books = model.books().nodes.iter().enumerate();
        let amounts = books.map(|(node, book)| (book.base_claimed + ONE) * share(node) / 500_000).collect();
        (self.person(), Call::PostRoot { epoch, amounts })
    }

    pub(super) fn finalize_root(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::FinalizeRoot { root: self.among(&model.final_roots(), model.root_count()) })
    }

    pub(super) fn veto_root(&self, model: &Model) -> (Holder, Call) {
        let by = if self.bit(0) { Holder::Guardian } else { Holder::Treasury };
        (by, Call::VetoRoot { root: self.among(&model.pending_roots(), model.root_count()) })
    }

    pub(super) fn claim_bonus(&self, model: &Model) -> (Holder, Call) {
        let all = model.root_count();
        let root = model.present_root().filter(|_| self.which <= FITTING).unwrap_or(self.among(&[], all));
        (self.person(), Call::ClaimBonus { root, node: self.among(&model.bonuses(), model.node_count()) })
    }
}
