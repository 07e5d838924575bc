//! What buyers and providers do with tasks.

use aiigo_protocol::TaskStatus;

use super::Step;
use crate::{
    call::{Bid, Call, Request},
    cast::{Holder, Token},
    model::Model,
};

impl Step {
    fn any_buyer(&self) -> Holder {
        [Holder::Alice, Holder::Bob][usize::from(self.which) % 2]
    }

    pub(super) fn create(&self, model: &Model) -> (Holder, Call) {
        let request = self.request(model, self.details, self.amount);
        let value = self.value(model, std::slice::from_ref(&request));
        (self.any_buyer(), Call::CreateTask { request, value })
    }

    pub(super) fn create_batch(&self, model: &Model) -> (Holder, Call) {
        let count = 1 + self.details % 3;
        let requests: Vec<_> = (0..count)
            .map(|turn| self.request(model, self.details.rotate_left(9 * turn), self.amount >> turn))
            .collect();
        let value = self.value(model, &requests);
        (self.any_buyer(), Call::CreateTasks { requests, value })
    }

    pub(super) fn commit(&self, model: &Model) -> (Holder, Call) {
        (self.acting(model), Call::CommitAccept { node: self.node(model), task: self.wanted(model) })
    }

    pub(super) fn accept(&self, model: &Model) -> (Holder, Call) {
        let sealed: Vec<_> = (0..model.node_count()).filter(|node| model.sealed(*node).is_some()).collect();
        let node = self.among(&sealed, model.node_count());
        match model.sealed(node) {
            Some((task, sender)) => (sender, Call::AcceptTask { node, task }),
            None => (self.acting(model), Call::AcceptTask { node, task: self.task(model, TaskStatus::Open) }),
        }
    }

    pub(super) fn time_out(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::TimeoutTask { task: self.task(model, TaskStatus::InProgress) })
    }

    pub(super) fn approve(&self, model: &Model) -> (Holder, Call) {
        self.as_buyer(model, TaskStatus::Completed, |task| Call::ApproveTask { task })
    }

    pub(super) fn finalize(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::FinalizeTask { task: self.task(model, TaskStatus::Completed) })
    }

    pub(super) fn cancel(&self, model: &Model) -> (Holder, Call) {
        self.as_buyer(model, TaskStatus::Open, |task| Call::CancelTask { task })
    }

    pub(super) fn expire(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::ExpireTask { task: self.task(model, TaskStatus::Open) })
    }

    pub(super) fn cancel_bid(&self, model: &Model) -> (Holder, Call) {
        (self.acting(model), Call::CancelBid { node: self.node(model), nonce: u64::from(self.details % 4) })
    }

    pub(super) fn cancel_all_bids(&self, model: &Model) -> (Holder, Call) {
        (self.acting(model), Call::CancelAllBids { node: self.node(model) })
    }

    fn wanted(&self, model: &Model) -> usize {
        self.among(&model.wanted(), model.task_count())
    }

    pub(super) fn task(&self, model: &Model, status: TaskStatus) -> usize {
        self.among(&model.tasks_with(status), model.task_count())
    }

    fn as_buyer(&self, model: &Model, status: TaskStatus, call: impl Fn(usize) -> Call) -> (Holder, Call) {
        let task = self.task(model, status);
        (if task < model.task_count() { model.buyer(task) } else { Holder::Alice }, call(task))
    }

    pub(super) fn execute(&self, model: &Model, call: impl Fn(usize) -> Call) -> (Holder, Call) {
        let task = self.task(model, TaskStatus::InProgress);
        let node = if task < model.task_count() { model.node_of(task) } else { None };
        let keys = node.map(|node| model.keys(node));
        let caller = keys.map_or(Holder::Stranger, |keys| if self.bit(0) { keys.owner } else { keys.operator });
        (caller, call(task))
    }

    pub(super) fn withdraw(&self, model: &Model) -> (Holder, Call) {
        let owed: Vec<_> = Holder::ACTORS
            .iter()
            .flat_map(|person| Token::ALL.map(|token| (*person, token)))
            .filter(|(person, token)| model.books().credits[person.index()][token.index()] > 0)
            .collect();
        match owed.get(usize::from(self.which) % owed.len().max(1)) {
            Some((person, token)) => (*person, Call::Withdraw { token: *token, to: self.anyone() }),
            None => (self.anyone(), Call::Withdraw { token: Token::Ether, to: self.anyone() }),
        }
    }

    pub(super) fn bid(&self, model: &Model) -> (Holder, Call) {
        let task = self.wanted(model);
        let node = usize::from(self.amount) % model.node_count();
        let keys = model.keys(node);
        let (buyer, duration, escrow) = if task < model.task_count() {
            (model.buyer(task), model.request(task).duration, model.escrow(task))
        } else {
            (Holder::Alice, 60, 0)
        };
        let eta = duration.saturating_sub(self.details % 3 * (duration / 4)) + u32::from(self.details % 61 == 60);
        let whole = escrow * 3_600 / u128::from(eta.max(1));
        let price_per_hour = whole - whole * u128::from(self.amount >> 8) / 300 + u128::from(self.details % 67 == 66);
        let bid = Bid {
            task,
            node,
            price_per_hour,
            eta,
            expiry: model.now() + [600, 0][usize::from(self.bit(2))] - u64::from(self.details % 29 == 28),
            epoch: model.bid_epoch(node) + u32::from(self.details % 31 == 30),
            nonce: u64::from(self.details >> 8 & 3),
            signer: if self.details % 37 == 36 {
                keys.payout
            } else if self.bit(0) {
                keys.owner
            } else {
                keys.operator
            },
        };
        (buyer, Call::AssignTask { bid })
    }

    fn value(&self, model: &Model, requests: &[Request]) -> u128 {
        let ether = requests.iter().filter(|request| request.token == Token::Ether);
        let cost = ether.map(|request| model.quote(request)).map(|(escrow, tips)| escrow + tips).sum();
        self.off(cost)
    }

    /// Mostly a request that the market takes.
    fn request(&self, model: &Model, details: u32, amount: u16) -> Request {
        let flaw = details >> 24;
        let token = Token::ALL[details as usize % Token::COUNT];
        let duration = [600, 3_600, 172_800, 172_800, 20_011, 3_600, 30, 5][(details >> 2) as usize % 8];
        // Up to six tenths of what a node may have open: two large ones don't fit.
        let escrow = model.token_cap(token) * u128::from(amount) / 110_000;
        Request {
            token,
            min_trust: match flaw {
                1 => 2,
                2 => 5,
                _ => u8::from(flaw > 128),
            },
            replicas: if flaw == 3 { 3 } else { 1 },
            min_power: match flaw {
                4 => 0,
                5 => 9,
                _ => 1 + u32::from(details >> 5 & 3 == 3),
            },
            duration: if flaw == 6 { 4 } else { duration },
            accept_window: match flaw {
                7 => 604_801,
                15 => 0,
                _ => [86_400, 604_800, 600, 86_400, 86_400, 600, 30, 1][(details >> 7) as usize % 8],
            },
            review_window: match flaw {
                8 => 90,
                9 => 59,
                _ => [120, 60, 86_400][(details >> 10) as usize % 3],
            },
            max_audit_age: if flaw == 10 { 86_400 } else { 0 },
            price_per_hour: match flaw {
                11 => 19_999,
                12 => 20_000,
                13 => 20_001 * 3_600 / u128::from(duration),
                _ => escrow * 3_600 / u128::from(duration) + u128::from(details >> 12 & 1),
            },
            watcher: (details >> 13 & 3 == 1).then_some(Holder::Stranger),
            gpu: flaw != 14,
        }
    }
}
