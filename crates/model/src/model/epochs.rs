//! Section 8.1 to 8.7: what is minted, by epochs.

use std::collections::{BTreeMap, HashSet};

use super::{Model, Refusal, money::product, needs, terms::BPS};
use crate::cast::{Holder, ONE, Token};

/// The community's part, AIIGO wei (8.1).
const TOTAL: u128 = 400_000_000 * ONE;
/// Of the schedule, seconds.
const DURATION: u64 = 4 * 365 * 86_400;
/// A rate is of so many units of a fee (8.6).
const RATE_UNIT: u128 = ONE;

/// Of the schedule.
#[derive(Clone, Debug, Default)]
pub(super) struct Epochs {
    /// Those that had a fee.
    of: BTreeMap<u64, Epoch>,
    /// In force until then, inclusive: the rate of ether.
    rate_until: u64,
}

#[derive(Clone, Debug, Default)]
struct Epoch {
    /// AIIGO wei by node.
    weights: BTreeMap<usize, u128>,
    /// For base rewards; of a closed one.
    budget: Option<u128>,
    claimed: HashSet<usize>,
}

impl Epoch {
    fn weight(&self) -> u128 {
        self.weights.values().sum()
    }

    /// 8.7
    fn base_reward(&self, node: usize) -> u128 {
        let weight = self.weights.get(&node).copied().unwrap_or(0);
        let (total, budget) = (self.weight(), self.budget.unwrap_or(0));
        if total <= budget { weight } else { product(budget, weight, total) }
    }
}

impl Epochs {
    pub(super) fn new(rate_until: u64) -> Self {
        Self { of: BTreeMap::new(), rate_until }
    }
}

impl Model {
    /// 8.1
    fn schedule_at(&self, moment: u64) -> u128 {
        let elapsed = moment.saturating_sub(self.terms.rewards.start).min(DURATION);
        TOTAL * u128::from(elapsed) / u128::from(DURATION)
    }

    pub(crate) fn epoch_end(&self, epoch: u64) -> u64 {
        self.terms.rewards.start + (epoch + 1) * self.terms.rewards.epoch_length
    }

    fn current_epoch(&self) -> u64 {
        (self.now - self.terms.rewards.start) / self.terms.rewards.epoch_length
    }

    /// 8.6
    fn rate(&self, token: Token) -> u128 {
        match token {
            Token::Aiigo => self.terms.rewards.aiigo_rate,
            Token::Ether if self.now <= self.epochs.rate_until => self.terms.rewards.ether_rate,
            _ => 0,
        }
    }

    /// When the rate of ether lapses.
    pub(crate) fn rate_until(&self) -> u64 {
        self.epochs.rate_until
    }

    /// 8.5
    pub(super) fn record_fee(&mut self, node: usize, token: Token, fee: u128) {
        let weight = product(fee, self.rate(token), RATE_UNIT);
        if weight > 0 {
            let epoch = self.current_epoch();
            *self.epochs.of.entry(epoch).or_default().weights.entry(node).or_default() += weight;
        }
    }

    /// 8.2 to 8.4
    pub(super) fn close_epoch(&mut self, epoch: u64) -> Result<(), Refusal> {
        needs(epoch == self.books.rewards.next_epoch, "8.2: not the next")?;
        let end = self.epoch_end(epoch);
        needs(self.now >= end, "8.2: not over")?;
        let released = self.schedule_at(end);
        let release = TOTAL * u128::from(self.terms.rewards.epoch_length) / u128::from(DURATION);
        let stakers = (released - self.schedule_at(end - self.terms.rewards.epoch_length))
            * self.terms.rewards.staker_share_bps
            / BPS;
        let most = 2 * (release - release * self.terms.rewards.staker_share_bps / BPS);
        let lane = most.min(released - self.books.rewards.committed - stakers);
        let budget = lane * 10 / 11;
        let mut base = 0;
        if let Some(found) = self.epochs.of.get_mut(&epoch) {
            found.budget = Some(budget);
            base = found.weight().min(budget);
        }
        self.books.rewards.next_epoch += 1;
        self.books.rewards.committed += stakers + base + base.div_ceil(10);
        if stakers > 0 {
            self.release(Token::Aiigo);
            self.stream(Token::Aiigo, stakers);
            self.mint(Holder::Pool, stakers);
        }
        Ok(())
    }

    /// Of the schedule (1.1).
    pub(super) fn mint(&mut self, to: Holder, amount: u128) {
        self.books.rewards.minted += amount;
        self.books.supply[Token::Aiigo.index()] += amount;
        self.books.wallets[to.index()][Token::Aiigo.index()] += amount;
    }

    /// 8.7
    pub(super) fn claim_base(&mut self, epoch: u64, node: usize) -> Result<(), Refusal> {
        needs(epoch < self.books.rewards.next_epoch, "8.7: not closed")?;
        let payout = self.node(node)?.payout;
        let found = self.epochs.of.get_mut(&epoch).ok_or(Refusal("8.7: no fee"))?;
        let amount = found.base_reward(node);
        let budget_ends = found.budget.is_some_and(|budget| budget < found.weight());
        needs(amount > 0, "8.7: nothing to claim")?;
        needs(found.claimed.insert(node), "8.7: claimed")?;
        self.books.nodes[node].base_claimed += amount;
        self.mint(payout, amount);
        self.reached(if budget_ends { "budget shared" } else { "budget enough" });
        Ok(())
    }

    /// Base rewards that can be claimed: epoch and node.
    pub(crate) fn base_claimable(&self) -> Vec<(u64, usize)> {
        let closed = self.epochs.of.range(..self.books.rewards.next_epoch);
        closed
            .flat_map(|(epoch, found)| found.weights.keys().map(move |node| (*epoch, *node, found)))
            .filter(|(_, node, found)| !found.claimed.contains(node) && found.base_reward(*node) > 0)
            .map(|(epoch, node, _)| (epoch, node))
            .collect()
    }

    /// Whether an epoch that is not closed yet has fees.
    pub(crate) fn epochs_wait(&self) -> bool {
        self.epochs.of.range(self.books.rewards.next_epoch..).next().is_some()
    }

    /// Whether the next epoch can be closed.
    pub(crate) fn epoch_is_over(&self) -> bool {
        self.now >= self.epoch_end(self.books.rewards.next_epoch)
    }
}
