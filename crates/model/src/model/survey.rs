//! What a driver asks the model, so that its calls are likely to be possible.

use aiigo_protocol::TaskStatus;

use super::{CaseStatus, Model, SeatState, nodes::Commitment};
use crate::cast::{Holder, Token};

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
        (0..self.cases.len()).filter(|case| self.cases[*case].status != CaseStatus::Closed).collect()
    }

    pub(crate) fn has_open_case(&self) -> bool {
        self.cases.iter().any(|case| case.status != CaseStatus::Closed)
    }

    pub(crate) fn cases_with(&self, status: CaseStatus) -> Vec<usize> {
        (0..self.cases.len()).filter(|case| self.cases[*case].status == status).collect()
    }

    pub(crate) fn case_status(&self, case: usize) -> Option<CaseStatus> {
        self.cases.get(case).map(|case| case.status)
    }

    /// Whether the present period of a case is over.
    pub(crate) fn is_overdue(&self, case: usize) -> bool {
        self.cases.get(case).is_some_and(|case| self.now > case.deadline)
    }

    /// Whether the block that draws is not there yet.
    pub(crate) fn draws_later(&self, case: usize) -> bool {
        self.block <= self.cases[case].draw_block
    }

    /// Whose seats of the present round are in a state, and their sealed votes.
    pub(crate) fn seats(&self, case: usize, state: SeatState) -> Vec<(Holder, u128)> {
        let seats = self.cases[case].sitting().filter(|seat| seat.state == state);
        seats.map(|seat| (seat.juror, seat.share)).collect()
    }

    pub(crate) fn parties(&self, case: usize) -> Vec<Holder> {
        self.cases.get(case).map(|case| case.parties().to_vec()).unwrap_or_default()
    }

    /// Open positions of at least so much, of which nothing is frozen.
    pub(crate) fn free_positions(&self, least: u128) -> Vec<usize> {
        let books = self.books.positions.iter().enumerate();
        books.filter(|(_, book)| book.amount >= least && book.frozen == 0).map(|(position, _)| position).collect()
    }

    /// Of a juror.
    pub(crate) fn least_position(&self) -> u128 {
        self.terms.court.min_position
    }

    pub(crate) fn draw_block(&self, case: usize) -> u64 {
        self.cases[case].draw_block
    }

    /// Nodes, each with a task that excuses it from the present round.
    pub(crate) fn excusable(&self) -> Vec<(usize, usize)> {
        let tasks = self.tasks.iter().enumerate().filter_map(|(task, found)| Some((found.node?, task)));
        tasks.filter(|(node, task)| self.needs_excuse(*node, *task).is_ok()).collect()
    }

    pub(crate) fn root_count(&self) -> usize {
        self.roots.len()
    }

    pub(crate) fn pending_roots(&self) -> Vec<usize> {
        (0..self.roots.len()).filter(|root| self.roots[*root].pending).collect()
    }

    /// Pending ones that nobody can veto in time any more.
    pub(crate) fn final_roots(&self) -> Vec<usize> {
        self.pending_roots().into_iter().filter(|root| self.roots[*root].final_at <= self.now).collect()
    }

    /// Whether there are solutions for the present round.
    pub(crate) fn is_round_searched(&self) -> bool {
        self.round.number <= self.solutions.len() as u64
    }

    pub(crate) fn present_root(&self) -> Option<usize> {
        self.root
    }

    /// Nodes that the present root gives something.
    pub(crate) fn bonuses(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.bonus(*node).is_ok()).collect()
    }

    /// Nodes that were paid base rewards.
    pub(crate) fn with_base(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|node| self.books.nodes[*node].base_claimed > 0).collect()
    }

    /// Jurors who left, and whose position is held.
    pub(crate) fn held(&self) -> Vec<Holder> {
        let left = self.jurors.members.iter().filter(|member| member.held_until.is_some());
        left.map(|member| member.juror).collect()
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

    /// The task that a node sealed its wish for, and who sealed it, unless that has long lapsed.
    pub(crate) fn sealed(&self, node: usize) -> Option<(usize, Holder)> {
        let is_live = |commitment: &&Commitment| self.now <= commitment.expires_at + 1;
        self.nodes[node]
            .commitments
            .iter()
            .rev()
            .find(is_live)
            .and_then(|Commitment { task, sender, .. }| Some(((*task)?, *sender)))
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

    pub(crate) fn token_cap(&self, token: Token) -> u128 {
        self.terms.tokens[token.index()].cap
    }

    /// Positions and tokens that may have something to claim.
    pub(crate) fn claimable(&self) -> Vec<(usize, Token)> {
        let earns = |position: usize, token: Token| {
            let (earnings, stream) = (&self.positions[position].earnings, &self.streams);
            earnings[token.index()].grows(&stream[token.index()], self.books.positions[position].weight)
        };
        let all = (0..self.positions.len()).flat_map(|position| [(position, Token::Ether), (position, Token::Aiigo)]);
        all.filter(|(position, token)| earns(*position, *token)).collect()
    }

    /// When something ends or becomes possible, from now on, and what: the moments around which mistakes hide.
    pub(crate) fn deadlines(&self) -> Vec<(u64, Concern)> {
        let mut moments = Vec::new();
        for (task, found) in self.tasks.iter().enumerate() {
            match self.books.tasks[task].status {
                TaskStatus::Open => moments.push((found.accept_by, Concern::Acceptance)),
                TaskStatus::InProgress => {
                    moments.push((self.abandon_until(task), Concern::Abandoning));
                    moments.push((found.deadline() + self.terms.market.grace, Concern::Result));
                }
                TaskStatus::Completed => moments.push((found.review_until(), Concern::Approval)),
                _ => {}
            }
        }
        for (index, node) in self.nodes.iter().enumerate() {
            moments.push((node.unbonding_ready_at, Concern::Unbonding));
            moments.push((self.power_until(index), Concern::Other));
            moments.extend(node.review_until.map(|at| (at, Concern::Other)));
            moments.extend(node.commitments.iter().map(|commitment| (commitment.expires_at, Concern::Seal)));
        }
        moments.extend(self.positions.iter().map(|position| (position.unlocks_at, Concern::Lock)));
        let open = self.cases.iter().filter(|case| case.status != CaseStatus::Closed);
        moments.extend(open.flat_map(|case| [(case.deadline, Concern::Case), (case.close_by, Concern::Other)]));
        moments.extend(self.jurors.members.iter().filter_map(|member| Some((member.held_until?, Concern::Juror))));
        moments.push((self.epoch_end(self.books.rewards.next_epoch), Concern::Epoch));
        moments.push((self.rate_until(), Concern::Other));
        let round = self.round();
        let turns = [round.deadline, round.finishes_at, self.round_open_to_anyone_at()];
        moments.extend(turns.map(|at| (at, Concern::Audit)));
        let pending = self.roots.iter().filter(|root| root.pending);
        moments.extend(pending.map(|root| (root.final_at, Concern::Root)));
        moments.retain(|(moment, _)| *moment > self.now);
        moments.sort_unstable_by_key(|(moment, _)| *moment);
        moments
    }
}

/// What a deadline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Concern {
    Seal,
    Acceptance,
    Abandoning,
    Result,
    Approval,
    Unbonding,
    Lock,
    Case,
    Juror,
    Epoch,
    Audit,
    Root,
    Other,
}
