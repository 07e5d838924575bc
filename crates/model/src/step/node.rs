//! What owners, operators and governance do with nodes.

use super::Step;
use crate::{
    call::Call,
    cast::{Holder, ONE},
    model::{Model, survey::Keys},
};

impl Step {
    pub(super) fn node(&self, model: &Model) -> usize {
        usize::from(self.which) % model.node_count()
    }

    fn keys(&self, model: &Model) -> Keys {
        model.keys(self.node(model))
    }

    /// The node's owner or its operator.
    pub(super) fn acting(&self, model: &Model) -> Holder {
        let keys = self.keys(model);
        if self.bit(0) { keys.owner } else { keys.operator }
    }

    pub(super) fn register(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::RegisterNode { value: self.off(model.registration_fee()) })
    }

    pub(super) fn stake_more(&self, model: &Model) -> (Holder, Call) {
        (self.keys(model).owner, Call::StakeForNode { node: self.node(model), amount: self.portion(600 * ONE) })
    }

    pub(super) fn unstake(&self, model: &Model) -> (Holder, Call) {
        let node = self.node(model);
        (self.keys(model).owner, Call::Unstake { node, amount: self.portion(model.books().nodes[node].stake) })
    }

    pub(super) fn withdraw_stake(&self, model: &Model) -> (Holder, Call) {
        (self.keys(model).owner, Call::WithdrawStake { node: self.node(model) })
    }

    pub(super) fn online(&self, model: &Model) -> (Holder, Call) {
        (self.acting(model), Call::SetOnline { node: self.node(model), online: !self.bit(1) })
    }

    pub(super) fn payout(&self, model: &Model) -> (Holder, Call) {
        (self.keys(model).owner, Call::SetPayout { node: self.node(model), payout: self.anyone() })
    }

    pub(super) fn operator(&self, model: &Model) -> (Holder, Call) {
        (self.keys(model).owner, Call::SetOperator { node: self.node(model), operator: self.anyone() })
    }

    pub(super) fn review(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::PutUnderReview { node: self.among(&model.failing(), model.node_count()) })
    }

    pub(super) fn end_review(&self, model: &Model) -> (Holder, Call) {
        (Holder::Treasury, Call::EndReview { node: self.among(&model.under_review(), model.node_count()) })
    }
}
