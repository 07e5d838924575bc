//! Wallets, and what EscrowManager owes.

use alloy::primitives::U256;

use super::{Model, Refusal, needs, terms::Duty};
use crate::cast::{Holder, Token};

const WEEK: u64 = 7 * 86_400;

/// `amount × part / whole`, rounded down.
pub(super) fn product(amount: u128, part: u128, whole: u128) -> u128 {
    (U256::from(amount) * U256::from(part) / U256::from(whole)).saturating_to()
}

impl Model {
    pub(super) fn has(&self, holder: Holder, token: Token, amount: u128) -> Result<(), Refusal> {
        needs(self.books.wallets[holder.index()][token.index()] >= amount, "too little in the wallet")
    }

    /// Everybody here has approved every contract that pulls tokens.
    pub(super) fn pay(&mut self, from: Holder, to: Holder, token: Token, amount: u128) -> Result<(), Refusal> {
        self.has(from, token, amount)?;
        self.books.wallets[from.index()][token.index()] -= amount;
        self.books.wallets[to.index()][token.index()] += amount;
        Ok(())
    }

    pub(super) fn burn(&mut self, from: Holder, amount: u128) -> Result<(), Refusal> {
        self.has(from, Token::Aiigo, amount)?;
        self.books.wallets[from.index()][Token::Aiigo.index()] -= amount;
        self.books.supply[Token::Aiigo.index()] -= amount;
        Ok(())
    }

    pub(super) fn credit(&mut self, to: Holder, token: Token, amount: u128) {
        self.books.credits[to.index()][token.index()] += amount;
    }

    /// 1.2
    pub(super) fn burn_own(&mut self, caller: Holder, amount: u128) -> Result<(), Refusal> {
        self.burn(caller, amount)
    }

    /// EscrowManager's `withdraw`: the caller's whole balance.
    pub(super) fn withdraw(&mut self, caller: Holder, token: Token, to: Holder) -> Result<(), Refusal> {
        let amount = self.books.credits[caller.index()][token.index()];
        needs(amount > 0, "nothing to withdraw")?;
        self.books.credits[caller.index()][token.index()] = 0;
        self.pay(Holder::Escrow, to, token, amount)
    }

    /// 8.16: as long as the week's budget and the money last.
    pub(super) fn tip(&mut self, duty: Duty, to: Holder) {
        let week = self.now / WEEK;
        if self.tipped.0 != week {
            self.tipped = (week, [0; Duty::COUNT]);
        }
        let tip = &self.terms.tips[duty as usize];
        let tipped = &mut self.tipped.1[duty as usize];
        let owed: u128 = self.books.tips.iter().sum();
        let free = self.books.wallets[Holder::Tips.index()][Token::Ether.index()] - owed;
        if *tipped + tip.amount <= tip.weekly_budget && tip.amount <= free {
            *tipped += tip.amount;
            self.books.tips[to.index()] += tip.amount;
        }
    }

    /// 8.17
    pub(super) fn withdraw_tips(&mut self, caller: Holder, to: Holder) -> Result<(), Refusal> {
        let amount = self.books.tips[caller.index()];
        needs(amount > 0, "8.17: nothing to withdraw")?;
        self.books.tips[caller.index()] = 0;
        self.pay(Holder::Tips, to, Token::Ether, amount)
    }
}
