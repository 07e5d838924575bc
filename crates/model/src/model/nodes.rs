//! Section 2: nodes, their stake, what they answer for.

use std::collections::HashSet;

use super::{Model, Refusal, audits::Audits, needs, terms::BPS};
use crate::{
    books::NodeBook,
    cast::{Holder, Token},
};

const REPUTATION_AT_FIRST: u128 = 5_000;
const MOST_REPUTATION: u128 = 10_000;
/// A buyer's tasks at a node count once in it.
const DAY: u64 = 86_400;

/// A node of the prepared chain.
#[derive(Clone, Debug)]
pub(crate) struct Proven {
    pub(crate) owner: Holder,
    pub(crate) operator: Holder,
    pub(crate) payout: Holder,
    /// Shown by its onboarding, hashes/s.
    pub(crate) hash_rate: u64,
    /// Last second that this counts.
    pub(crate) power_until: u64,
}

/// What a node is apart from its money.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) owner: Holder,
    pub(super) operator: Holder,
    pub(super) payout: Holder,
    pub(super) verified: bool,
    pub(super) online: bool,
    pub(super) banned: bool,
    pub(super) audits: Audits,
    running_power: u64,
    pub(super) unbonding_ready_at: u64,
    /// Last second of the review.
    pub(super) review_until: Option<u64>,
    /// Counters when the last review began or was ended: verified, failed.
    counted_at_review: (u128, u128),
    pub(super) bid_epoch: u32,
    pub(super) used_nonces: HashSet<u64>,
    pub(super) commitments: Vec<Commitment>,
}

/// A sealed wish to take a task (4.8).
#[derive(Clone, Copy, Debug)]
pub(super) struct Commitment {
    /// None: something that is no task.
    pub(super) task: Option<usize>,
    /// A new one replaces the sender's in the same place.
    pub(super) place: u8,
    pub(super) sender: Holder,
    pub(super) block: u64,
    pub(super) expires_at: u64,
}

/// Why a node ends its part in a task.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    Abandoned,
    TimedOut,
    LostDispute,
}

impl Node {
    pub(super) fn proven(proven: &Proven) -> Self {
        Self {
            verified: true,
            online: true,
            audits: Audits::proven(proven.hash_rate, proven.power_until),
            ..Self::registered(proven.owner, proven.operator, proven.payout)
        }
    }

    fn registered(owner: Holder, operator: Holder, payout: Holder) -> Self {
        Self {
            owner,
            operator,
            payout,
            verified: false,
            online: false,
            banned: false,
            audits: Audits::default(),
            running_power: 0,
            unbonding_ready_at: 0,
            review_until: None,
            counted_at_review: (0, 0),
            bid_epoch: 0,
            used_nonces: HashSet::new(),
            commitments: Vec::new(),
        }
    }

    pub(super) fn acts(&self, account: Holder) -> bool {
        account == self.owner || account == self.operator
    }

    fn is_key(&self, account: Holder) -> bool {
        self.acts(account) || account == self.payout
    }

    pub(super) fn under_review(&self, now: u64) -> bool {
        self.review_until.is_some_and(|until| now <= until)
    }
}

impl Model {
    pub(super) fn node(&self, node: usize) -> Result<&Node, Refusal> {
        self.nodes.get(node).ok_or(Refusal("no such node"))
    }

    fn owned(&self, caller: Holder, node: usize) -> Result<&Node, Refusal> {
        let found = self.node(node)?;
        needs(caller == found.owner, "2.3: not the owner")?;
        Ok(found)
    }

    /// A node that the caller acts for.
    pub(super) fn operated(&self, caller: Holder, node: usize) -> Result<&Node, Refusal> {
        let found = self.node(node)?;
        needs(found.acts(caller), "2.3: neither owner nor operator")?;
        Ok(found)
    }

    /// 2.1, with the caller for all keys.
    pub(super) fn register_node(&mut self, caller: Holder, value: u128) -> Result<(), Refusal> {
        needs(value == self.terms.registry.registration_fee, "2.1: not the fee")?;
        self.pay(caller, Holder::Treasury, Token::Ether, value)?;
        self.nodes.push(Node::registered(caller, caller, caller));
        self.books.nodes.push(NodeBook { reputation: REPUTATION_AT_FIRST, ..NodeBook::default() });
        Ok(())
    }

    /// 2.9, 2.23
    pub(super) fn stake_for_node(&mut self, caller: Holder, node: usize, amount: u128) -> Result<(), Refusal> {
        needs(!self.owned(caller, node)?.banned, "2.23: banned")?;
        needs(amount > 0, "2.9: nothing")?;
        self.pay(caller, Holder::Registry, Token::Aiigo, amount)?;
        self.note_activity(node);
        self.books.nodes[node].stake += amount;
        self.note_activity(node);
        Ok(())
    }

    /// 2.9
    pub(super) fn unstake(&mut self, caller: Holder, node: usize, amount: u128) -> Result<(), Refusal> {
        self.owned(caller, node)?;
        needs(amount > 0, "2.9: nothing")?;
        needs(amount <= self.books.nodes[node].stake, "2.9: more than the stake")?;
        self.start_unbonding(node, amount);
        Ok(())
    }

    fn start_unbonding(&mut self, node: usize, amount: u128) {
        self.note_activity(node);
        self.books.nodes[node].stake -= amount;
        self.books.nodes[node].unbonding += amount;
        self.note_activity(node);
        self.nodes[node].unbonding_ready_at = self.now + self.terms.registry.unbonding_period;
    }

    /// 2.9
    pub(super) fn withdraw_stake(&mut self, caller: Holder, node: usize) -> Result<(), Refusal> {
        let ready_at = self.owned(caller, node)?.unbonding_ready_at;
        let NodeBook { unbonding, running, reviewing, .. } = self.books.nodes[node];
        needs(unbonding > 0, "2.9: nothing unbonds")?;
        needs(self.now >= ready_at, "2.9: the period runs")?;
        needs(running + reviewing == 0, "2.9: a task is open")?;
        self.books.nodes[node].unbonding = 0;
        self.pay(Holder::Registry, caller, Token::Aiigo, unbonding)
    }

    /// 2.7, 2.4
    pub(super) fn set_online(&mut self, caller: Holder, node: usize, online: bool) -> Result<(), Refusal> {
        let found = self.operated(caller, node)?;
        needs(!found.banned, "2.7: banned")?;
        needs(found.online != online, "2.7: a repetition")?;
        self.note_activity(node);
        self.nodes[node].online = online;
        self.nodes[node].bid_epoch += u32::from(!online);
        self.note_activity(node);
        Ok(())
    }

    /// 2.3
    pub(super) fn set_payout(&mut self, caller: Holder, node: usize, payout: Holder) -> Result<(), Refusal> {
        self.owned(caller, node)?;
        self.nodes[node].payout = payout;
        Ok(())
    }

    /// 2.3, 2.4
    pub(super) fn set_operator(&mut self, caller: Holder, node: usize, operator: Holder) -> Result<(), Refusal> {
        self.owned(caller, node)?;
        self.nodes[node].operator = operator;
        self.nodes[node].bid_epoch += 1;
        Ok(())
    }

    /// 2.22
    pub(super) fn put_under_review(&mut self, node: usize) -> Result<(), Refusal> {
        self.needs_failing(node)?;
        self.note_activity(node);
        self.nodes[node].review_until = Some(self.now + self.terms.registry.review_period);
        self.note_activity(node);
        self.restart_counters(node);
        Ok(())
    }

    pub(super) fn needs_failing(&self, node: usize) -> Result<(), Refusal> {
        let found = self.node(node)?;
        needs(!found.banned, "2.22: banned")?;
        needs(!found.under_review(self.now), "2.22: under review")?;
        let (verified, failed) = self.since_review(node);
        let counted = verified + failed;
        needs(counted >= self.terms.registry.review_min_tasks, "2.22: too few tasks counted")?;
        needs(failed * BPS > counted * self.terms.registry.review_failure_bps, "2.22: not failing")
    }

    /// 2.22
    pub(super) fn end_review(&mut self, caller: Holder, node: usize) -> Result<(), Refusal> {
        needs(caller == Holder::Treasury, "2.22: not governance")?;
        needs(self.node(node)?.under_review(self.now), "2.22: not under review")?;
        self.nodes[node].review_until = None;
        self.note_activity(node);
        self.restart_counters(node);
        Ok(())
    }

    fn since_review(&self, node: usize) -> (u128, u128) {
        let (verified, failed) = self.nodes[node].counted_at_review;
        (self.books.nodes[node].verified - verified, self.books.nodes[node].failed - failed)
    }

    fn restart_counters(&mut self, node: usize) {
        let NodeBook { verified, failed, .. } = self.books.nodes[node];
        self.nodes[node].counted_at_review = (verified, failed);
    }

    /// 2.23
    pub(super) fn ban(&mut self, caller: Holder, node: usize) -> Result<(), Refusal> {
        needs(caller == Holder::Treasury, "2.23: not governance")?;
        needs(!self.node(node)?.banned, "2.23: banned")?;
        self.slash(node, self.terms.registry.misuse_slash_bps)?;
        self.nodes[node].banned = true;
        self.start_unbonding(node, self.books.nodes[node].stake);
        Ok(())
    }

    /// 2.11: of both together, rounded down; of what unbonds, rounded down; of the stake, the rest.
    fn slash(&mut self, node: usize, bps: u128) -> Result<(), Refusal> {
        let NodeBook { stake, unbonding, .. } = self.books.nodes[node];
        let total = (stake + unbonding) * bps / BPS;
        let of_unbonding = unbonding * bps / BPS;
        self.note_activity(node);
        self.books.nodes[node].unbonding -= of_unbonding;
        self.books.nodes[node].stake -= total - of_unbonding;
        self.note_activity(node);
        self.burn(Holder::Registry, total)
    }

    /// 2.12: the court's fee, from the stake first.
    pub(super) fn take_case_fee(&mut self, node: usize, amount: u128) -> Result<u128, Refusal> {
        self.note_activity(node);
        let book = &mut self.books.nodes[node];
        let of_stake = amount.min(book.stake);
        let of_unbonding = (amount - of_stake).min(book.unbonding);
        book.stake -= of_stake;
        book.unbonding -= of_unbonding;
        let taken = of_stake + of_unbonding;
        self.note_activity(node);
        self.pay(Holder::Registry, Holder::Court, Token::Aiigo, taken)?;
        Ok(taken)
    }

    /// 2.12
    pub(super) fn return_case_fee(&mut self, node: usize, amount: u128) -> Result<(), Refusal> {
        self.note_activity(node);
        self.pay(Holder::Court, Holder::Registry, Token::Aiigo, amount)?;
        let book = &mut self.books.nodes[node];
        let place = if self.nodes[node].banned { &mut book.unbonding } else { &mut book.stake };
        *place += amount;
        self.note_activity(node);
        Ok(())
    }

    /// 2.14
    pub(super) fn needs_free_slot(&self, node: usize) -> Result<(), Refusal> {
        let NodeBook { stake, running, .. } = self.books.nodes[node];
        needs(running < stake / self.terms.registry.min_stake, "2.14: no free slot")
    }

    /// 2.13: may `operator` take this task for the node?
    pub(super) fn needs_eligible(&self, operator: Holder, node: usize, task: usize) -> Result<(), Refusal> {
        let found = self.operated(operator, node)?;
        let demand = &self.tasks[task];
        needs(!found.is_key(demand.buyer), "2.13: the buyer is one of its keys")?;
        let book = &self.books.nodes[node];
        needs(self.is_active(node), "2.6: not active")?;
        needs(demand.request.gpu, "2.13: another resource")?;
        self.needs_free_slot(node)?;
        let age = u64::from(demand.request.max_audit_age);
        let is_young = age == 0 || found.audits.passed_at.is_some_and(|at| self.now <= at + age);
        needs(is_young, "2.13: no audit, or too long ago")?;
        let power = self.power(node);
        needs(found.running_power + u64::from(demand.request.min_power) <= power, "2.14: too little power")?;
        // Nobody here passes the ten challenges of level 2 (2.19).
        needs(demand.request.min_trust <= 1, "2.13: too little trust")?;
        let token = demand.request.token.index();
        needs(book.open[token] + demand.escrow <= self.terms.tokens[token].cap, "2.20: above the cap")
    }

    pub(super) fn begin(&mut self, node: usize, task: usize) {
        let token = self.tasks[task].request.token.index();
        self.nodes[node].running_power += u64::from(self.tasks[task].request.min_power);
        self.books.nodes[node].running += 1;
        self.books.nodes[node].open[token] += self.tasks[task].escrow;
        self.note_activity(node);
    }

    /// 2.15
    pub(super) fn end_execution(&mut self, node: usize, task: usize) {
        self.nodes[node].running_power -= u64::from(self.tasks[task].request.min_power);
        self.note_activity(node);
        self.books.nodes[node].running -= 1;
        self.books.nodes[node].reviewing += 1;
        self.note_activity(node);
    }

    /// 2.15: the node no longer answers for a task that it delivered.
    pub(super) fn leave(&mut self, node: usize, task: usize) {
        let token = self.tasks[task].request.token.index();
        self.books.nodes[node].reviewing -= 1;
        self.books.nodes[node].open[token] -= self.tasks[task].escrow;
    }

    /// 2.16
    pub(super) fn count(&mut self, node: usize, task: usize, fee: u128, gain: u128) {
        let (buyer, token) = (self.tasks[task].buyer, self.tasks[task].request.token);
        let recently = self.counted.get(&(buyer, node)).is_some_and(|at| self.now < at + DAY);
        if fee < self.terms.tokens[token.index()].min_counted_fee || recently {
            return;
        }
        self.counted.insert((buyer, node), self.now);
        let book = &mut self.books.nodes[node];
        book.verified += 1;
        book.reputation = (book.reputation + gain).min(MOST_REPUTATION);
    }

    /// 2.17
    pub(super) fn fail(&mut self, node: usize, task: usize, failure: Failure) -> Result<(), Refusal> {
        self.end_execution(node, task);
        self.leave(node, task);
        self.penalise_node(node, failure)
    }

    /// 2.17
    pub(super) fn penalise_node(&mut self, node: usize, failure: Failure) -> Result<(), Refusal> {
        let (loss, slash_bps) = match failure {
            Failure::Abandoned => (50, 0),
            Failure::TimedOut => (200, self.terms.registry.timeout_slash_bps),
            Failure::LostDispute => (500, self.terms.registry.dispute_slash_bps),
        };
        let book = &mut self.books.nodes[node];
        book.failed += 1;
        book.reputation = book.reputation.saturating_sub(loss);
        self.slash(node, slash_bps)
    }
}
