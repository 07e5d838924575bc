//! Section 6: a case from the dispute to its end.

mod draws;
mod ruling;
mod votes;

use aiigo_protocol::TaskStatus;

use super::{
    Model, Refusal, needs,
    terms::{BPS, Duty},
};
use crate::cast::{Holder, Token};

pub(crate) use self::votes::SeatState;

/// Of what is due (6.1).
const BOND_BPS: u128 = 200;

/// Which jury sits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Round {
    First,
    Redraw,
    Appeal,
}

/// What a case waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CaseStatus {
    Drawing,
    Committing,
    Revealing,
    Ruled,
    Closed,
}

/// A seat of a case, of any of its rounds.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seat {
    pub(super) juror: Holder,
    pub(super) round: Round,
    pub(super) state: SeatState,
    /// The sealed vote.
    pub(super) share: u128,
}

/// A jury's decision: the two middle votes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ruling {
    low: u128,
    high: u128,
}

impl Ruling {
    /// 6.15
    fn share(&self) -> u128 {
        (self.low + self.high) / 2
    }
}

/// A dispute before the court.
#[derive(Clone, Debug)]
pub(super) struct Case {
    task: usize,
    node: usize,
    disputer: Holder,
    bond: u128,
    provider_fee: u128,
    buyer: Holder,
    /// The node's accounts at the opening: owner, operator, payout.
    provider: [Holder; 3],
    pub(super) status: CaseStatus,
    round: Round,
    jury_size: usize,
    replacements: u64,
    seats: Vec<Seat>,
    /// The block that draws, and the epoch whose weights are drawn from.
    pub(super) draw_block: u64,
    draw_epoch: u64,
    /// Points drawn from this block.
    tries: u64,
    pub(super) deadline: u64,
    pub(super) close_by: u64,
    ruling: Option<Ruling>,
    /// Who appealed, against which share.
    appeal: Option<(Holder, u128)>,
    /// The first jury did not rule.
    redrawn: bool,
}

impl Case {
    /// Seats of the present round whose jurors were not silent.
    pub(super) fn sitting(&self) -> impl Iterator<Item = &Seat> {
        self.seats.iter().filter(|seat| seat.round == self.round && seat.state != SeatState::Silent)
    }

    fn count(&self, state: SeatState) -> usize {
        self.sitting().filter(|seat| seat.state == state).count()
    }

    fn is_most(&self, count: usize) -> bool {
        2 * count > self.jury_size
    }

    /// 6.9
    pub(super) fn parties(&self) -> [Holder; 5] {
        let [owner, operator, payout] = self.provider;
        [self.buyer, self.disputer, owner, operator, payout]
    }
}

impl Model {
    /// What disputing a task costs in its token.
    pub(crate) fn bond(&self, task: usize) -> u128 {
        self.tasks[task].due() * BOND_BPS / BPS
    }

    fn case(&mut self, case: usize, status: CaseStatus) -> Result<&mut Case, Refusal> {
        let found = self.cases.get_mut(case).ok_or(Refusal("no such case"))?;
        needs(found.status == status, "6: another period")?;
        Ok(found)
    }

    /// 4.24, 6.1, 6.9
    pub(super) fn dispute_task(&mut self, caller: Holder, task: usize, value: u128) -> Result<(), Refusal> {
        let found = self.task(task, TaskStatus::Completed)?;
        let buyer = found.buyer;
        needs(caller == buyer || Some(caller) == found.request.watcher, "6.1: neither buyer nor watcher")?;
        needs(self.now <= found.review_until(), "6.1: the review window is over")?;
        let (token, node) = (found.request.token, found.node.ok_or(Refusal("no node"))?);
        let bond = self.bond(task);
        needs(value == if token == Token::Ether { bond } else { 0 }, "6.1: ether to the wei")?;
        let fee = self.terms.court.case_fee;
        self.has(caller, token, bond)?;
        self.has(caller, Token::Aiigo, fee + if token == Token::Aiigo { bond } else { 0 })?;
        self.pay(caller, Holder::Escrow, token, bond)?;
        self.pay(caller, Holder::Court, Token::Aiigo, fee)?;
        let provider_fee = self.take_case_fee(node, fee)?;
        self.books.tasks[task].status = TaskStatus::Disputed;
        self.books.tasks[task].escrow += bond;
        let keys = &self.nodes[node];
        self.cases.push(Case {
            task,
            node,
            disputer: caller,
            bond,
            provider_fee,
            buyer,
            provider: [keys.owner, keys.operator, keys.payout],
            status: CaseStatus::Drawing,
            round: Round::First,
            jury_size: self.terms.court.jury_size,
            replacements: 0,
            seats: Vec::new(),
            draw_block: 0,
            draw_epoch: 0,
            tries: 0,
            deadline: 0,
            close_by: self.now + self.terms.case_lasts(),
            ruling: None,
            appeal: None,
            redrawn: false,
        });
        self.fix_draw(self.cases.len() - 1);
        self.start_drawing(self.cases.len() - 1);
        Ok(())
    }

    /// 6.14
    pub(super) fn advance_case(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        let found = self.cases.get(case).ok_or(Refusal("no such case"))?;
        needs(found.status != CaseStatus::Closed, "6.14: closed")?;
        needs(self.now > found.deadline, "6.14: the period runs")?;
        match found.status {
            CaseStatus::Drawing if found.is_most(found.sitting().count()) => {
                self.start_committing(case);
                Ok(())
            }
            CaseStatus::Drawing => self.lapse(caller, case),
            CaseStatus::Committing => self.end_committing(caller, case),
            CaseStatus::Revealing => self.end_revealing(caller, case),
            CaseStatus::Ruled | CaseStatus::Closed => self.close_by_ruling(caller, case),
        }
    }

    /// 6.14, 6.16, 6.17: the round ends without a ruling.
    fn lapse(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        self.reached("round lapsed");
        let now = self.now;
        self.free_unheard(case);
        let found = &mut self.cases[case];
        match found.round {
            Round::First if now <= found.close_by => {
                (found.round, found.redrawn) = (Round::Redraw, true);
                found.replacements = 0;
                self.fix_draw(case);
                self.start_drawing(case);
                self.reached("jury drawn again");
                Ok(())
            }
            Round::First | Round::Redraw => self.close_without_ruling(caller, case),
            Round::Appeal => {
                self.reached("appeal lapsed");
                self.close_by_ruling(caller, case)
            }
        }
    }

    /// Their jury lapsed before they could vote.
    fn free_unheard(&mut self, case: usize) {
        let round = self.cases[case].round;
        let unheard: Vec<_> = (0..self.cases[case].seats.len())
            .filter(|seat| {
                let seat = &self.cases[case].seats[*seat];
                seat.round == round && matches!(seat.state, SeatState::Drawn | SeatState::Committed)
            })
            .collect();
        for seat in unheard {
            self.cases[case].seats[seat].state = SeatState::Released;
            self.leave_seat(self.cases[case].seats[seat].juror);
        }
    }

    /// 6.6: one seat fewer.
    fn leave_seat(&mut self, juror: Holder) {
        if let Some(member) = self.jurors.member_mut(juror) {
            member.seats -= 1;
        }
    }

    /// 6.16, 6.3
    fn close_without_ruling(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        let Case { task, node, disputer, bond, provider_fee, .. } = self.cases[case];
        self.burn(Holder::Court, self.terms.court.case_fee + provider_fee)?;
        for seat in 0..self.cases[case].seats.len() {
            // Votes of a round that came to nothing.
            if self.cases[case].seats[seat].state == SeatState::Revealed {
                self.cases[case].seats[seat].state = SeatState::Released;
                self.leave_seat(self.cases[case].seats[seat].juror);
            }
        }
        self.cases[case].status = CaseStatus::Closed;
        let token = self.tasks[task].request.token;
        let provider = self.tasks[task].due() / 2;
        let held = self.close(task, TaskStatus::Resolved);
        self.credit(self.nodes[node].payout, token, provider);
        self.credit(disputer, token, bond);
        self.credit(self.tasks[task].buyer, token, held - provider - bond);
        self.leave(node, task);
        self.tip(Duty::Finalize, caller);
        self.reached("closed without a ruling");
        Ok(())
    }

    /// 6.18
    pub(super) fn withdraw_fees(&mut self, caller: Holder, to: Holder) -> Result<(), Refusal> {
        let amount = std::mem::take(&mut self.books.fees[caller.index()]);
        needs(amount > 0, "6.19: nothing to withdraw")?;
        self.pay(Holder::Court, to, Token::Aiigo, amount)
    }
}
