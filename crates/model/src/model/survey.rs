//! What a driver asks the model, so that its calls are likely to be possible.

use aiigo_protocol::TaskStatus;

use super::{Model, nodes::Commitment};
use crate::{cast::Holder, model::tasks::Task};

/// A node's keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    pub(crate) owner: Holder,
    pub(crate) operator: Holder,
    pub(crate) payout: Holder,
}

impl Model {
    pub(crate) fn node_count(&self) -> usize {
        self.nodes.len()
    }

    pub(crate) fn task_count(&self) -> usize {
        self.tasks.len()
    }

    pub(crate) fn position_count(&self) -> usize {
        self.positions.len()
    }

    pub(crate) fn open_cases(&self) -> Vec<usize> {
        (0..self.cases.len()).filter(|case| !self.cases[*case].closed).collect()
    }

    pub(crate) fn case_count(&self) -> usize {
        self.cases.len()
    }

    pub(crate) fn tasks_with(&self, status: TaskStatus) -> Vec<usize> {
        (0..self.tasks.len()).filter(|task| self.books.tasks[*task].status == status).collect()
    }

    pub(crate) fn keys(&self, node: usize) -> Keys {
        let found = &self.nodes[node];
        Keys { owner: found.owner, operator: found.operator, payout: found.payout }
    }

    pub(crate) fn failing(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.needs_failing(*node).is_ok()).collect()
    }

    pub(crate) fn under_review(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.nodes[*node].under_review(self.now)).collect()
    }

    pub(crate) fn unbonding_ready_at(&self, node: usize) -> u64 {
        self.nodes[node].unbonding_ready_at
    }

    pub(crate) fn bid_epoch(&self, node: usize) -> u32 {
        self.nodes[node].bid_epoch
    }

    /// The task that a node sealed its wish for, and who sealed it, unless that has lapsed.
    pub(crate) fn sealed(&self, node: usize) -> Option<(usize, Holder)> {
        let live = self.nodes[node].commitment.filter(|commitment| self.now <= commitment.expires_at);
        live.and_then(|Commitment { task, sender, .. }| Some((task?, sender)))
    }

    /// Open tasks within their acceptance window.
    pub(crate) fn wanted(&self) -> Vec<usize> {
        let mut open = self.tasks_with(TaskStatus::Open);
        open.retain(|task| self.now <= self.tasks[*task].accept_by);
        open
    }

    pub(crate) fn buyer(&self, task: usize) -> Holder {
        self.tasks[task].buyer
    }

    pub(crate) fn node_of(&self, task: usize) -> Option<usize> {
        self.tasks[task].node
    }

    pub(crate) fn request(&self, task: usize) -> &crate::call::Request {
        &self.tasks[task].request
    }

    pub(crate) fn escrow(&self, task: usize) -> u128 {
        self.tasks[task].escrow
    }

    pub(crate) fn position_owner(&self, position: usize) -> Holder {
        self.positions[position].owner
    }

    pub(crate) fn registration_fee(&self) -> u128 {
        self.terms.registry.registration_fee
    }

    pub(crate) fn token_cap(&self, token: crate::cast::Token) -> u128 {
        self.terms.tokens[token.index()].cap
    }

    /// When something ends or becomes possible, from now on: the moments around which mistakes hide.
    pub(crate) fn deadlines(&self) -> Vec<u64> {
        let mut moments = Vec::new();
        for (task, found) in self.tasks.iter().enumerate() {
            moments.extend(self.deadline_of(task, found));
        }
        for node in &self.nodes {
            moments.push(node.unbonding_ready_at);
            moments.push(node.power_until);
            moments.extend(node.review_until);
            moments.extend(node.commitment.map(|commitment| commitment.expires_at));
        }
        moments.extend(self.positions.iter().map(|position| position.unlocks_at));
        moments.extend(self.cases.iter().filter(|case| !case.closed).map(|case| case.deadline));
        moments.retain(|moment| *moment > self.now);
        moments.sort_unstable();
        moments.dedup();
        moments
    }

    fn deadline_of(&self, task: usize, found: &Task) -> Option<u64> {
        match self.books.tasks[task].status {
            TaskStatus::Open => Some(found.accept_by),
            TaskStatus::InProgress if self.now <= self.abandon_until(task) => Some(self.abandon_until(task)),
            TaskStatus::InProgress => Some(found.deadline() + self.terms.market.grace),
            TaskStatus::Completed => Some(found.review_until()),
            _ => None,
        }
    }
}
