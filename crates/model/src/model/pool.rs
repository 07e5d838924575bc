//! Section 7: positions, their weights, and what leaving early costs.

use super::{Model, Refusal, money::product, needs, rewards::Earnings, terms::BPS};
use crate::{
    books::PositionBook,
    cast::{Holder, Token},
};

const YEAR: u64 = 365 * 86_400;
const EARLY_BPS: u128 = 500;

/// A position apart from its money.
#[derive(Clone, Debug)]
pub(super) struct Position {
    pub(super) owner: Holder,
    pub(super) unlocks_at: u64,
    /// Of each stream.
    pub(super) earnings: [Earnings; 2],
}

/// A juror of the prepared chain, and since when its position is.
#[derive(Clone, Debug)]
pub(crate) struct Sworn {
    pub(crate) juror: Holder,
    pub(crate) unlocks_at: u64,
    /// The first epoch that it weighs in.
    pub(crate) from_epoch: u64,
}

impl Position {
    pub(super) fn sworn(sworn: &Sworn) -> Self {
        Self { owner: sworn.juror, unlocks_at: sworn.unlocks_at, earnings: [Earnings::default(); 2] }
    }
}

impl Model {
    /// 7.1
    pub(super) fn open_position(&mut self, caller: Holder, amount: u128, lock: u64) -> Result<(), Refusal> {
        needs(amount > 0, "7.1: nothing")?;
        needs(lock <= YEAR, "7.1: too long a lock")?;
        self.pay(caller, Holder::Pool, Token::Aiigo, amount)?;
        self.release_all();
        let earnings = self.streams.map(|stream| Earnings::since(&stream));
        self.positions.push(Position { owner: caller, unlocks_at: self.now + lock, earnings });
        let weight = amount + amount * u128::from(lock) / u128::from(YEAR);
        self.books.positions.push(PositionBook { amount, weight, frozen: 0 });
        Ok(())
    }

    pub(super) fn open(&self, position: usize) -> Result<&Position, Refusal> {
        let found = self.positions.get(position).ok_or(Refusal("no such position"))?;
        needs(self.books.positions[position].amount > 0, "7.2: closed")?;
        Ok(found)
    }

    /// 7.2
    pub(super) fn close_position(&mut self, caller: Holder, position: usize) -> Result<(), Refusal> {
        let Position { owner, unlocks_at, .. } = *self.open(position)?;
        needs(caller == owner, "7.2: not the owner")?;
        let PositionBook { amount, frozen, .. } = self.books.positions[position];
        needs(frozen == 0, "7.2: frozen")?;
        let burned = if self.now < unlocks_at { amount * EARLY_BPS / BPS } else { 0 };
        self.release_all();
        self.earn(position);
        self.books.positions[position] = PositionBook::default();
        let rewards = self.positions[position].earnings[Token::Aiigo.index()].take();
        self.hand_over(position);
        self.burn(Holder::Pool, burned)?;
        self.pay(Holder::Pool, owner, Token::Aiigo, amount - burned + rewards)
    }

    /// 7.3
    pub(super) fn reset_weight(&mut self, position: usize) -> Result<(), Refusal> {
        needs(self.now >= self.open(position)?.unlocks_at, "7.3: locked")?;
        let PositionBook { amount, weight, .. } = self.books.positions[position];
        if weight == amount {
            return Ok(());
        }
        self.release_all();
        self.earn(position);
        self.books.positions[position].weight = amount;
        Ok(())
    }

    /// 7.14, by the court, which burns it.
    pub(super) fn seize(&mut self, position: usize, amount: u128) -> Result<(), Refusal> {
        self.release_all();
        self.earn(position);
        let book = &mut self.books.positions[position];
        let left = book.amount - amount;
        *book = PositionBook {
            amount: left,
            weight: product(book.weight, left, book.amount),
            frozen: book.frozen - amount,
        };
        self.burn(Holder::Pool, amount)
    }
}
