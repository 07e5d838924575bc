//! Section 3: audit rounds, as far as they move power, reputation and tips. Rounds are opened without a preimage.

use std::collections::BTreeSet;

use aiigo_protocol::TaskStatus;
use alloy::primitives::{U256, Uint};

use super::{
    Model, Refusal, needs,
    terms::{Duty, EXCUSE_FLOORS},
};
use crate::cast::Holder;

const MOST_REPUTATION: u128 = 10_000;
/// Misses in a row that take a node offline (3.17).
const TOO_MANY: u32 = 3;
/// Results between two rounds that an excuse leaves out (3.18).
const LEAST_BETWEEN: u32 = 3;

/// 3.2, hashes/s: from the largest hash of a solution.
pub(crate) fn hash_rate(largest: U256, window: u64) -> u64 {
    type Wide = Uint<320, 5>;
    let tried = Wide::from(63) * Wide::from(U256::MAX) / Wide::from(largest);
    (tried / Wide::from(window)).saturating_to()
}

/// The last round that was opened.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Round {
    pub(crate) number: u64,
    pub(crate) opened_at: u64,
    pub(crate) deadline: u64,
    pub(crate) finishes_at: u64,
}

/// Hash rates of the solutions that there are for a node in a round: by all its work, and by far too little.
pub(crate) type Solutions = [u64; 2];

/// A node's audits.
#[derive(Clone, Debug, Default)]
pub(super) struct Audits {
    /// Of onboarding, hashes/s.
    onboarding: u64,
    /// Last second that onboarding counts.
    onboarding_until: u64,
    /// Up to four, the newest last.
    results: Vec<u64>,
    /// When the last round that it passed opened.
    pub(super) passed_at: Option<u64>,
    /// Rounds that it is due in.
    due: BTreeSet<u64>,
    /// Every round up to it is accounted.
    accounted: u64,
    misses: u32,
    /// Results since an excuse left a round out.
    since_left_out: Option<u32>,
    excused: Option<u64>,
    /// What the verifier was told.
    active: bool,
}

impl Audits {
    pub(super) fn proven(hash_rate: u64, until: u64) -> Self {
        Self {
            onboarding: hash_rate,
            onboarding_until: until,
            active: true,
            due: BTreeSet::from([1]),
            ..Self::default()
        }
    }

    fn add(&mut self, result: u64) {
        self.results.push(result);
        if self.results.len() > 4 {
            self.results.remove(0);
        }
        self.since_left_out = self.since_left_out.map(|count| count + 1);
    }

    /// 3.19
    fn audited(&self) -> u64 {
        let count = self.results.len() as u64;
        match count {
            0 => 0,
            1 | 2 => self.results.iter().min().copied().unwrap_or(0) * 82 / 100,
            _ => self.results.iter().sum::<u64>() / count * 90 / 100,
        }
    }
}

impl Model {
    /// 3.9
    pub(crate) fn round_open_to_anyone_at(&self) -> u64 {
        self.round.opened_at + self.terms.longest_interval()
    }

    pub(crate) fn round(&self) -> Round {
        self.round
    }

    /// 3.9, 3.10
    pub(super) fn open_round(&mut self, caller: Holder) -> Result<(), Refusal> {
        needs(self.now > self.round_open_to_anyone_at(), "3.9: too early")?;
        needs(self.now > self.round.finishes_at, "3.10: the last has not finished")?;
        let deadline = self.now + self.terms.verifier.window;
        self.round = Round {
            number: self.round.number + 1,
            opened_at: self.now,
            deadline,
            finishes_at: deadline + self.terms.verifier.late_window,
        };
        // Who is active as the next interval begins is due at its end.
        let next = self.round.number + 1;
        for node in &mut self.nodes {
            if node.audits.active {
                node.audits.due.insert(next);
            }
        }
        self.tip(Duty::OpenRound, caller);
        self.reached("round opened");
        Ok(())
    }

    /// 2.6
    pub(super) fn is_active(&self, node: usize) -> bool {
        let found = &self.nodes[node];
        found.verified
            && found.online
            && !found.banned
            && !found.under_review(self.now)
            && self.books.nodes[node].stake >= self.terms.registry.min_stake
    }

    /// 2.8
    pub(super) fn note_activity(&mut self, node: usize) {
        let running = self.books.nodes[node].running > 0 && !self.nodes[node].banned;
        let active = self.is_active(node) || running;
        let next = self.round.number + 1;
        let audits = &mut self.nodes[node].audits;
        audits.active = active;
        if active {
            audits.due.insert(next);
        }
    }

    /// Whether the round still wants an answer of the node.
    pub(crate) fn is_due(&self, node: usize) -> bool {
        let audits = &self.nodes[node].audits;
        audits.accounted < self.round.number && audits.due.contains(&self.round.number)
    }

    /// 3.13, 3.14; `full`: by all its work.
    pub(super) fn answer_round(&mut self, caller: Holder, node: usize, full: bool) -> Result<(), Refusal> {
        self.operated(caller, node)?;
        needs(self.now <= self.round.deadline, "3.13: too late")?;
        needs(self.is_due(node), "3.12: not due")?;
        let number = self.round.number;
        let solutions = self.solutions.get(number as usize - 1).and_then(|nodes| nodes.get(node));
        let rate = solutions.ok_or(Refusal("nobody searched for a solution"))?[usize::from(!full)];
        self.account(node, number - 1);
        // Each once; an excuse is void (3.15).
        self.nodes[node].audits.excused = None;
        self.nodes[node].audits.accounted = number;
        if 2 * rate < self.hash_rate(node) {
            self.miss(node);
            self.reached("too weak an answer");
            return Ok(());
        }
        let opened_at = self.round.opened_at;
        let audits = &mut self.nodes[node].audits;
        audits.add(rate);
        audits.passed_at = Some(opened_at);
        audits.misses = 0;
        let book = &mut self.books.nodes[node];
        book.reputation = (book.reputation + 10).min(MOST_REPUTATION);
        self.reached("audit passed");
        Ok(())
    }

    /// 3.15
    pub(super) fn excuse(&mut self, node: usize, task: usize) -> Result<(), Refusal> {
        self.needs_excuse(node, task)?;
        let number = self.round.number;
        self.account(node, number - 1);
        self.nodes[node].audits.excused = Some(number);
        self.reached("excused");
        Ok(())
    }

    pub(super) fn needs_excuse(&self, node: usize, task: usize) -> Result<(), Refusal> {
        let Round { number, opened_at, finishes_at, .. } = self.round;
        self.node(node)?;
        needs(self.now <= finishes_at, "3.15: the round has finished")?;
        needs(self.is_due(node), "3.15: not due")?;
        needs(self.nodes[node].audits.excused != Some(number), "3.15: excused already")?;
        let found = self.tasks.get(task).ok_or(Refusal("no such task"))?;
        needs(found.node == Some(node), "3.15: another node's")?;
        // The request's duration, also under a bid that promised less.
        let busy_until = found.assigned_at + u64::from(found.request.duration);
        let was_at_work = found.assigned_at < opened_at && opened_at <= busy_until;
        needs(was_at_work, "3.15: not at work when the round opened")?;
        let working = self.books.tasks[task].status == TaskStatus::InProgress || found.submitted_at > opened_at;
        needs(working, "3.15: the result was in")?;
        needs(found.escrow >= EXCUSE_FLOORS[found.request.token.index()], "3.15: below the floor")
    }

    /// 3.16
    pub(super) fn report_missed(&mut self, caller: Holder, nodes: &[usize]) -> Result<(), Refusal> {
        needs(self.now > self.round.finishes_at, "3.16: the round has not finished")?;
        for node in nodes {
            self.node(*node)?;
        }
        for node in nodes {
            for _ in 0..self.account(*node, self.round.number) {
                self.tip(Duty::ReportMissed, caller);
            }
        }
        Ok(())
    }

    /// 3.17: what is missing up to a round; how many misses.
    fn account(&mut self, node: usize, up_to: u64) -> usize {
        let audits = &mut self.nodes[node].audits;
        let before = audits.accounted;
        audits.accounted = before.max(up_to);
        let open: Vec<u64> = audits.due.iter().copied().filter(|round| *round > before && *round <= up_to).collect();
        let mut missed = 0;
        for round in open {
            if self.nodes[node].audits.excused == Some(round) {
                self.leave_out(node);
                continue;
            }
            self.miss(node);
            missed += 1;
            self.reached("miss reported");
            if self.nodes[node].audits.misses >= TOO_MANY {
                break;
            }
        }
        missed
    }

    /// 3.18
    fn leave_out(&mut self, node: usize) {
        let audits = &mut self.nodes[node].audits;
        audits.excused = None;
        if audits.since_left_out.is_none_or(|count| count >= LEAST_BETWEEN) {
            audits.since_left_out = Some(0);
            self.reached("round left out");
        } else {
            audits.add(0);
            self.reached("excused, and counted as zero");
        }
    }

    /// 3.17, 3.18
    fn miss(&mut self, node: usize) {
        let audits = &mut self.nodes[node].audits;
        audits.add(0);
        audits.misses += 1;
        let off = audits.misses >= TOO_MANY;
        let book = &mut self.books.nodes[node];
        book.reputation = book.reputation.saturating_sub(200);
        if off && self.nodes[node].online {
            self.nodes[node].online = false;
            self.nodes[node].bid_epoch += 1;
            self.note_activity(node);
            self.reached("taken offline");
        }
    }

    /// 3.5, 3.19, 3.20
    pub(super) fn hash_rate(&self, node: usize) -> u64 {
        let audits = &self.nodes[node].audits;
        if self.now > self.power_until(node) {
            0
        } else if audits.results.is_empty() {
            audits.onboarding * 82 / 100 / 2
        } else {
            audits.audited()
        }
    }

    /// Last second that the power counts.
    pub(super) fn power_until(&self, node: usize) -> u64 {
        let audits = &self.nodes[node].audits;
        if audits.results.is_empty() {
            audits.onboarding_until
        } else {
            audits.passed_at.map_or(0, |at| at + self.terms.power_lasts())
        }
    }

    /// 3.21, milli-TFLOPS.
    pub(super) fn power(&self, node: usize) -> u64 {
        self.hash_rate(node) * 1_000 / self.terms.verifier.calibration
    }
}
