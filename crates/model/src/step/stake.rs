//! What stakers do, and how money that waits moves on.

use super::{FITTING, Step, action::Action};
use crate::{
    call::Call,
    cast::{Holder, ONE, Token},
    model::Model,
};

impl Step {
    pub(super) fn open_position(&self) -> (Holder, Call) {
        let lock = [0, 600, 30 * 86_400, 365 * 86_400, 365 * 86_400 + 1][self.details as usize % 5];
        // Some of them are enough for a juror.
        let is_large = matches!(self.action, Action::JoinJury) || self.details >> 5 & 7 == 7;
        let least = if is_large { 9_990 * ONE } else { 0 };
        (self.person(), Call::OpenPosition { amount: least + self.portion(2_000 * ONE), lock })
    }

    pub(super) fn close_position(&self, model: &Model) -> (Holder, Call) {
        let position = self.among(&model.free_positions(1), model.position_count());
        (model.position_owner(position), Call::ClosePosition { position })
    }

    pub(super) fn reset_weight(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::ResetWeight { position: usize::from(self.which) % model.position_count().max(1) })
    }

    pub(super) fn claim(&self, model: &Model) -> (Holder, Call) {
        let earned = model.claimable();
        let fitting = earned.get(usize::from(self.which) % earned.len().max(1)).filter(|_| self.which <= FITTING);
        match fitting {
            Some((position, token)) => {
                (model.position_owner(*position), Call::Claim { position: *position, token: *token })
            }
            None => {
                let token = Token::ALL[usize::from(self.which) % Token::COUNT];
                (self.person(), Call::Claim { position: 0, token })
            }
        }
    }

    pub(super) fn collect(&self, model: &Model) -> (Holder, Call) {
        let owed = model.books().credits[Holder::Vault.index()];
        let owed: Vec<_> = Token::ALL.into_iter().filter(|token| owed[token.index()] > 0).collect();
        let token = owed.get(usize::from(self.which) % owed.len().max(1)).copied().unwrap_or(Token::Ether);
        (self.person(), Call::Collect { token })
    }

    pub(super) fn burn(&self) -> (Holder, Call) {
        (self.person(), Call::Burn { amount: self.portion(1_000 * ONE) })
    }

    pub(super) fn withdraw_tips(&self, model: &Model) -> (Holder, Call) {
        let tipped = Holder::PEOPLE.iter().find(|person| model.books().tips[person.index()] > 0);
        (tipped.copied().unwrap_or(self.person()), Call::WithdrawTips { to: self.anyone() })
    }
}
