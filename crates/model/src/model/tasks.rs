//! Section 4: a task's course, and who is paid what.

use std::collections::HashSet;

use aiigo_protocol::TaskStatus;

use super::{
    Model, Refusal, needs,
    nodes::{Commitment, Failure},
    terms::BPS,
};
use crate::{
    books::TaskBook,
    call::{Bid, Request},
    cast::{Holder, Token},
};

/// Assignments that may end without a result; the last one refunds (4.18).
const ATTEMPTS: u128 = 4;
/// Seconds that a sealed acceptance waits (4.9).
const COMMITMENT_LASTS: u64 = 60;
/// What is due is a multiple of it (4.21).
const UNIT: u128 = 10_000;
/// A task pays at least so much (4.2).
const LEAST_PRICE: u128 = 20_000;
const MAX_BATCH: usize = 64;
const HOUR: u128 = 3_600;

/// Which of a sender's seals for a node one for that task is (4.8): few, so that they replace each other.
pub(crate) const fn place_of_seal(task: usize) -> u8 {
    (task % 3) as u8
}

/// A task apart from its money.
#[derive(Clone, Debug)]
pub(super) struct Task {
    pub(super) buyer: Holder,
    pub(super) request: Request,
    /// Price × duration, without tips.
    pub(super) escrow: u128,
    pub(super) fee_bps: u128,
    pub(super) attempts: u128,
    /// Last second to find a provider.
    pub(super) accept_by: u64,
    excluded: HashSet<usize>,
    pub(super) node: Option<usize>,
    pub(super) assigned_at: u64,
    pub(super) submitted_at: u64,
    /// Of the bid that it is under: price and eta.
    bid: Option<(u128, u32)>,
}

impl Task {
    /// Seconds that the provider has.
    fn time(&self) -> u64 {
        self.bid.map_or(self.request.duration, |(_, eta)| eta).into()
    }

    /// 4.14
    pub(super) fn deadline(&self) -> u64 {
        self.assigned_at + self.time()
    }

    pub(super) fn review_until(&self) -> u64 {
        self.submitted_at + u64::from(self.request.review_window)
    }

    /// 4.21
    pub(super) fn due(&self) -> u128 {
        let due = match self.bid {
            Some((price, _)) => price,
            None => {
                let duration = u128::from(self.request.duration);
                let elapsed = u128::from(self.submitted_at - self.assigned_at);
                self.escrow.min(self.escrow * (duration + elapsed) / (2 * duration))
            }
        };
        due / UNIT * UNIT
    }
}

impl Model {
    pub(super) fn task(&self, task: usize, status: TaskStatus) -> Result<&Task, Refusal> {
        let found = self.tasks.get(task).ok_or(Refusal("no such task"))?;
        needs(self.books.tasks[task].status == status, "another status")?;
        Ok(found)
    }

    /// The node of a task that has one, which the caller acts for.
    fn executing(&self, caller: Holder, task: usize) -> Result<usize, Refusal> {
        let node = self.task(task, TaskStatus::InProgress)?.node.ok_or(Refusal("no node"))?;
        self.operated(caller, node)?;
        Ok(node)
    }

    /// 4.1, 4.2: what a request costs, escrow and tips.
    pub(crate) fn quote(&self, request: &Request) -> (u128, u128) {
        let escrow = (request.price_per_hour * u128::from(request.duration)).div_ceil(HOUR);
        (escrow, ATTEMPTS * self.terms.tokens[request.token.index()].tip)
    }

    fn needs_valid(&self, request: &Request) -> Result<(), Refusal> {
        let market = &self.terms.market;
        needs(request.min_trust <= 4, "4.2: trust")?;
        needs(request.replicas == 1, "4.2: replicas")?;
        needs(request.min_power >= 1, "4.2: power")?;
        needs((market.min_duration..=market.max_duration).contains(&request.duration), "4.2: duration")?;
        needs((1..=market.max_accept_window).contains(&request.accept_window), "4.2: acceptance window")?;
        needs((market.min_review_window..=market.max_review_window).contains(&request.review_window), "4.2: review")?;
        needs(request.review_window.is_multiple_of(60), "4.2: review window in whole minutes")?;
        needs(self.quote(request).0 >= LEAST_PRICE, "4.2: price")
    }

    /// 4.1, 4.5
    pub(super) fn create_tasks(&mut self, buyer: Holder, requests: &[Request], value: u128) -> Result<(), Refusal> {
        needs(requests.len() <= MAX_BATCH, "4.5: too many")?;
        let mut costs = [0; Token::COUNT];
        for request in requests {
            self.needs_valid(request)?;
            let (escrow, tips) = self.quote(request);
            costs[request.token.index()] += escrow + tips;
        }
        needs(value == costs[Token::Ether.index()], "4.1: ether to the wei")?;
        for token in Token::ALL {
            self.has(buyer, token, costs[token.index()])?;
        }
        for request in requests {
            let (escrow, tips) = self.quote(request);
            self.pay(buyer, Holder::Escrow, request.token, escrow + tips)?;
            self.books.tasks.push(TaskBook { status: TaskStatus::Open, escrow: escrow + tips });
            self.tasks.push(Task {
                buyer,
                request: request.clone(),
                escrow,
                fee_bps: self.terms.market.fee_bps,
                attempts: 0,
                accept_by: self.now + u64::from(request.accept_window),
                excluded: HashSet::new(),
                node: None,
                assigned_at: 0,
                submitted_at: 0,
                bid: None,
            });
        }
        Ok(())
    }

    /// 4.6
    pub(super) fn cancel_task(&mut self, caller: Holder, task: usize) -> Result<(), Refusal> {
        needs(caller == self.task(task, TaskStatus::Open)?.buyer, "4.6: not the buyer")?;
        self.refund(task, TaskStatus::Cancelled);
        Ok(())
    }

    /// 4.19
    pub(super) fn expire_task(&mut self, task: usize) -> Result<(), Refusal> {
        needs(self.now > self.task(task, TaskStatus::Open)?.accept_by, "4.19: the window runs")?;
        self.refund(task, TaskStatus::Expired);
        Ok(())
    }

    /// Everything to the buyer.
    fn refund(&mut self, task: usize, status: TaskStatus) {
        let left = self.close(task, status);
        self.credit(self.tasks[task].buyer, self.tasks[task].request.token, left);
    }

    /// Ends a task; the caller owes what its entry held to somebody.
    pub(super) fn close(&mut self, task: usize, status: TaskStatus) -> u128 {
        self.books.tasks[task].status = status;
        std::mem::take(&mut self.books.tasks[task].escrow)
    }

    /// 4.8
    pub(super) fn commit_accept(&mut self, sender: Holder, node: usize, task: usize) -> Result<(), Refusal> {
        self.node(node)?;
        let expires_at = self.now + COMMITMENT_LASTS;
        let place = place_of_seal(task);
        let task = (task < self.tasks.len()).then_some(task);
        let commitments = &mut self.nodes[node].commitments;
        commitments.retain(|commitment| (commitment.sender, commitment.place) != (sender, place));
        commitments.push(Commitment { task, place, sender, block: self.block, expires_at });
        Ok(())
    }

    /// 4.9
    pub(super) fn accept_task(&mut self, sender: Holder, node: usize, task: usize) -> Result<(), Refusal> {
        let place = place_of_seal(task);
        let mut made = self.node(node)?.commitments.iter();
        let seal = made.find(|commitment| (commitment.sender, commitment.place) == (sender, place));
        let seal = *seal.ok_or(Refusal("4.9: no seal"))?;
        needs(seal.task == Some(task), "4.9: another seal")?;
        needs(self.block > seal.block, "4.9: too fresh")?;
        needs(self.now <= seal.expires_at, "4.9: lapsed")?;
        self.needs_open_to(node, task)?;
        self.needs_eligible(sender, node, task)?;
        self.assign(node, task, None);
        Ok(())
    }

    /// 4.13
    fn needs_open_to(&self, node: usize, task: usize) -> Result<(), Refusal> {
        let found = self.task(task, TaskStatus::Open)?;
        needs(self.now <= found.accept_by, "4.13: the window is over")?;
        needs(!found.excluded.contains(&node), "4.13: excluded")
    }

    fn assign(&mut self, node: usize, task: usize, bid: Option<(u128, u32)>) {
        self.begin(node, task);
        self.books.tasks[task].status = TaskStatus::InProgress;
        self.tasks[task].node = Some(node);
        self.tasks[task].assigned_at = self.now;
        self.tasks[task].bid = bid;
    }

    /// 4.10, 4.11
    pub(super) fn assign_task(&mut self, caller: Holder, bid: &Bid) -> Result<(), Refusal> {
        let Bid { task, node, .. } = *bid;
        self.needs_open_to(node, task)?;
        let found = &self.tasks[task];
        needs(caller == found.buyer, "4.10: not the buyer")?;
        let bidder = self.node(node)?;
        needs(bidder.acts(bid.signer), "4.10: signed by another")?;
        needs(self.now <= bid.expiry, "4.11: expired")?;
        needs(bid.epoch == bidder.bid_epoch, "4.11: another epoch")?;
        needs(!bidder.used_nonces.contains(&bid.nonce), "4.11: a used nonce")?;
        needs(bid.eta <= found.request.duration, "4.11: too slow")?;
        let price = (bid.price_per_hour * u128::from(bid.eta)).div_ceil(HOUR);
        needs((UNIT..=found.escrow).contains(&price), "4.11: price")?;
        self.needs_eligible(bid.signer, node, task)?;
        self.nodes[node].used_nonces.insert(bid.nonce);
        self.assign(node, task, Some((price, bid.eta)));
        Ok(())
    }

    /// 4.12
    pub(super) fn cancel_bid(&mut self, caller: Holder, node: usize, nonce: u64) -> Result<(), Refusal> {
        self.operated(caller, node)?;
        needs(self.nodes[node].used_nonces.insert(nonce), "4.12: a used nonce")
    }

    /// 4.12
    pub(super) fn cancel_all_bids(&mut self, caller: Holder, node: usize) -> Result<(), Refusal> {
        self.operated(caller, node)?;
        self.nodes[node].bid_epoch += 1;
        Ok(())
    }

    /// 4.15
    pub(super) fn submit_result(&mut self, caller: Holder, task: usize) -> Result<(), Refusal> {
        let node = self.executing(caller, task)?;
        needs(!self.nodes[node].banned, "4.15: banned")?;
        needs(self.now <= self.tasks[task].deadline() + self.terms.market.grace, "4.14: too late")?;
        self.end_execution(node, task);
        self.books.tasks[task].status = TaskStatus::Completed;
        self.tasks[task].submitted_at = self.now;
        Ok(())
    }

    /// Last second to give a task back (4.16).
    pub(super) fn abandon_until(&self, task: usize) -> u64 {
        let found = &self.tasks[task];
        let window = (found.time() / 10).max(self.terms.market.min_abandon_window);
        (found.assigned_at + window).min(found.deadline())
    }

    /// 4.16
    pub(super) fn abandon_task(&mut self, caller: Holder, task: usize) -> Result<(), Refusal> {
        let node = self.executing(caller, task)?;
        needs(self.now <= self.abandon_until(task), "4.16: too late")?;
        needs(!self.nodes[node].banned, "2.23: it can only be timed out")?;
        self.fail(node, task, Failure::Abandoned)?;
        self.reopen(node, task);
        Ok(())
    }

    /// 4.17
    pub(super) fn timeout_task(&mut self, caller: Holder, task: usize) -> Result<(), Refusal> {
        let found = self.task(task, TaskStatus::InProgress)?;
        let node = found.node.ok_or(Refusal("no node"))?;
        let late = self.now > found.deadline() + self.terms.market.grace;
        needs(late || self.nodes[node].banned, "4.17: still in time")?;
        let token = found.request.token;
        let deposit = self.books.tasks[task].escrow - found.escrow;
        let tip = (deposit / (ATTEMPTS - found.attempts)).min(self.terms.tokens[token.index()].tip);
        self.fail(node, task, Failure::TimedOut)?;
        self.books.tasks[task].escrow -= tip;
        self.credit(caller, token, tip);
        self.reopen(node, task);
        Ok(())
    }

    /// 4.18
    fn reopen(&mut self, node: usize, task: usize) {
        let found = &mut self.tasks[task];
        found.excluded.insert(node);
        found.node = None;
        found.bid = None;
        found.attempts += 1;
        if found.attempts == ATTEMPTS {
            self.refund(task, TaskStatus::Expired);
        } else {
            found.accept_by = self.now + u64::from(found.request.accept_window);
            self.books.tasks[task].status = TaskStatus::Open;
        }
    }

    /// 4.20
    pub(super) fn approve_task(&mut self, caller: Holder, task: usize) -> Result<(), Refusal> {
        needs(caller == self.task(task, TaskStatus::Completed)?.buyer, "4.20: not the buyer")?;
        self.settle(task)
    }

    /// 4.20
    pub(super) fn finalize_task(&mut self, task: usize) -> Result<(), Refusal> {
        needs(self.now > self.task(task, TaskStatus::Completed)?.review_until(), "4.20: the review window runs")?;
        self.settle(task)
    }

    /// 4.22, 4.23
    fn settle(&mut self, task: usize) -> Result<(), Refusal> {
        let Task { buyer, node, fee_bps, .. } = self.tasks[task];
        let token = self.tasks[task].request.token;
        let node = node.ok_or(Refusal("no node"))?;
        let due = self.tasks[task].due();
        let whole_fee = due * fee_bps / BPS;
        let fee = whole_fee - if token == Token::Aiigo { whole_fee / 4 } else { 0 };
        let provider = due - whole_fee;
        let held = self.close(task, TaskStatus::Verified);
        self.credit(self.nodes[node].payout, token, provider);
        self.credit(Holder::Vault, token, fee);
        self.credit(buyer, token, held - provider - fee);
        self.leave(node, task);
        self.record_fee(node, token, fee);
        self.count(node, task, fee, 50);
        Ok(())
    }
}
