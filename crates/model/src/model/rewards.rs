//! Rewards: the fees' way to the stakers (8.14), and streams (7.6 to 7.9).

use alloy::primitives::U256;

use super::{Model, Refusal, needs, terms::BPS};
use crate::cast::{Holder, Token};

const WEEK: u64 = 7 * 86_400;
/// A unit of a token in the accounts of what was earned.
const SCALE: U256 = U256::from_limbs([0xb34b_9f10_0000_0000, 0x00c0_97ce_7bc9_0715, 0, 0]);

/// Rewards in one token.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stream {
    /// Not released yet.
    undistributed: u128,
    ends_at: u64,
    /// When it was last looked at.
    at: u64,
    /// What a unit of weight has earned since the beginning, scaled.
    per_weight: U256,
    /// Released, and too little for a unit of every weight, scaled.
    remainder: U256,
}

/// What a position earned in one token.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Earnings {
    /// Of the stream, when it was last settled.
    per_weight: U256,
    /// Not paid out yet, scaled.
    earned: U256,
}

impl Earnings {
    pub(super) fn since(stream: &Stream) -> Self {
        Self { per_weight: stream.per_weight, earned: U256::ZERO }
    }

    /// Whether there may be more to take than there was.
    pub(super) fn grows(&self, stream: &Stream, weight: u128) -> bool {
        let growing = weight > 0 && (stream.undistributed > 0 || stream.per_weight > self.per_weight);
        growing || self.earned >= SCALE
    }

    /// Whole units; the fraction stays (7.9).
    pub(super) fn take(&mut self) -> u128 {
        let (whole, fraction) = self.earned.div_rem(SCALE);
        self.earned = fraction;
        whole.saturating_to()
    }
}

impl Stream {
    /// 7.7, 7.8
    fn release(&mut self, now: u64, weight: u128) {
        let elapsed = now - self.at;
        let before = std::mem::replace(&mut self.at, now);
        if weight == 0 {
            self.ends_at += elapsed;
            return;
        }
        let released = if now >= self.ends_at {
            self.undistributed
        } else {
            self.undistributed * u128::from(elapsed) / u128::from(self.ends_at - before)
        };
        // What is too little for a unit of every weight waits for the next release.
        if released == 0 {
            return;
        }
        self.undistributed -= released;
        let (each, rest) = (U256::from(released) * SCALE + self.remainder).div_rem(U256::from(weight));
        self.per_weight += each;
        self.remainder = rest;
    }

    /// 7.7: a week more, weighted by amount.
    fn add(&mut self, amount: u128) {
        let all = self.undistributed + amount;
        let ends =
            U256::from(self.undistributed) * U256::from(self.ends_at) + U256::from(amount) * U256::from(self.at + WEEK);
        self.ends_at = (ends / U256::from(all)).saturating_to();
        self.undistributed = all;
    }
}

impl Model {
    /// 7.6, of a stream that was brought to the present second.
    pub(super) fn stream(&mut self, token: Token, amount: u128) {
        self.streams[token.index()].add(amount);
    }

    /// Brings a stream to the present second.
    pub(super) fn release(&mut self, token: Token) {
        let weight = self.books.positions.iter().map(|position| position.weight).sum();
        self.streams[token.index()].release(self.now, weight);
    }

    /// Brings every stream to the present second, before a weight changes.
    pub(super) fn release_all(&mut self) {
        self.release(Token::Ether);
        self.release(Token::Aiigo);
    }

    /// Settles a position, before its weight changes or it is paid.
    pub(super) fn earn(&mut self, position: usize) {
        let weight = U256::from(self.books.positions[position].weight);
        for (earnings, stream) in self.positions[position].earnings.iter_mut().zip(&self.streams) {
            earnings.earned += weight * (stream.per_weight - earnings.per_weight);
            earnings.per_weight = stream.per_weight;
        }
    }

    /// 7.9: the fractions of a closed position go to those who stay.
    pub(super) fn hand_over(&mut self, position: usize) {
        for (earnings, stream) in self.positions[position].earnings.iter_mut().zip(&mut self.streams) {
            let fraction = earnings.earned % SCALE;
            earnings.earned -= fraction;
            stream.remainder += fraction;
        }
    }

    /// 7.9
    pub(super) fn claim(&mut self, caller: Holder, position: usize, token: Token) -> Result<(), Refusal> {
        let found = self.positions.get(position).ok_or(Refusal("no such position"))?;
        needs(caller == found.owner, "7.9: not the owner")?;
        needs(token != Token::Dollar, "7.5: not listed")?;
        // Only the attempt shows what there is.
        let (streams, earnings) = (self.streams, found.earnings);
        self.release(token);
        self.earn(position);
        let amount = self.positions[position].earnings[token.index()].take();
        if amount == 0 {
            (self.streams, self.positions[position].earnings) = (streams, earnings);
            return Err(Refusal("7.9: nothing to claim"));
        }
        self.pay(Holder::Pool, caller, token, amount)
    }

    /// 8.14
    pub(super) fn collect(&mut self, token: Token) -> Result<(), Refusal> {
        let amount = self.books.credits[Holder::Vault.index()][token.index()];
        needs(amount > 0, "8.14: nothing to collect")?;
        self.withdraw(Holder::Vault, token, Holder::Vault)?;
        let stakers = amount * self.terms.staker_shares[token.index()] / BPS;
        if stakers > 0 {
            self.release(token);
            self.stream(token, stakers);
            self.pay(Holder::Vault, Holder::Pool, token, stakers)?;
        }
        self.pay(Holder::Vault, Holder::Treasury, token, amount - stakers)
    }
}
