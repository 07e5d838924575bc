//! What parties and jurors do.

use aiigo_protocol::TaskStatus;

use super::{FITTING, Step};
use crate::{
    call::Call,
    cast::{Holder, Token},
    model::{CaseStatus, Model, SeatState},
};

/// What most jurors of a case see, by the block that draws them.
const OPINIONS: [u128; 5] = [0, 10_000, 0, 4_000, 10_000];

impl Step {
    /// While there is a case half of the steps are for it: it takes many to come to an end.
    pub(super) fn is_for_jury(&self, model: &Model) -> bool {
        self.which <= FITTING && self.details >> 2 & 1 != 0 && model.has_open_case()
    }

    fn case(&self, model: &Model) -> usize {
        self.among(&model.open_cases(), model.case_count())
    }

    /// The next step that a case wants.
    pub(super) fn jury(&self, model: &Model) -> (Holder, Call) {
        let case = self.case(model);
        if model.is_overdue(case) && self.details >> 5 & 15 != 0 {
            return self.advance_case(model);
        }
        match model.case_status(case) {
            Some(CaseStatus::Drawing) if model.draws_later(case) => (self.person(), self.mine()),
            Some(CaseStatus::Drawing) => (self.person(), Call::DrawJury { case }),
            Some(CaseStatus::Committing) => match self.seated(model, case, SeatState::Drawn) {
                Some((juror, _)) => (juror, Call::CommitVote { case, share: self.opinion(model, case) }),
                None => self.advance_case(model),
            },
            Some(CaseStatus::Revealing) => match self.seated(model, case, SeatState::Committed) {
                Some((juror, sealed)) => (juror, Call::RevealVote { case, share: self.off(sealed) }),
                None => self.advance_case(model),
            },
            Some(CaseStatus::Ruled) if self.bit(4) => self.appeal(model),
            _ => self.advance_case(model),
        }
    }

    fn seated(&self, model: &Model, case: usize, state: SeatState) -> Option<(Holder, u128)> {
        let seats = model.seats(case, state);
        seats.get(usize::from(self.amount) % seats.len().max(1)).copied()
    }

    /// Some see it otherwise than most.
    fn opinion(&self, model: &Model, case: usize) -> u128 {
        match self.details >> 8 & 15 {
            0..=11 => OPINIONS[model.draw_block(case) as usize % OPINIONS.len()],
            12 => 10_000,
            13 => 0,
            _ => u128::from(self.amount) * 10_050 / 65_536,
        }
    }

    pub(super) fn advance_case(&self, model: &Model) -> (Holder, Call) {
        (self.person(), Call::AdvanceCase { case: self.case(model) })
    }

    pub(super) fn appeal(&self, model: &Model) -> (Holder, Call) {
        let case = self.among(&model.cases_with(CaseStatus::Ruled), model.case_count());
        let parties = model.parties(case);
        let party = parties.get(usize::from(self.amount) % parties.len().max(1)).copied();
        (party.unwrap_or(self.person()), Call::Appeal { case })
    }

    pub(super) fn withdraw_fees(&self, model: &Model) -> (Holder, Call) {
        let owed: Vec<_> = Holder::ACTORS.iter().filter(|actor| model.books().fees[actor.index()] > 0).collect();
        let actor = owed.get(usize::from(self.which) % owed.len().max(1)).map_or(self.person(), |actor| **actor);
        (actor, Call::WithdrawFees { to: self.anyone() })
    }

    /// Mostly somebody who can be a party, too.
    pub(super) fn join_jury(&self, model: &Model) -> (Holder, Call) {
        let position = self.among(&model.free_positions(model.least_position()), model.position_count());
        (model.position_owner(position), Call::JoinJury { position })
    }

    pub(super) fn juror(&self) -> Holder {
        let jurors = if self.bit(5) { Holder::JURORS } else { Holder::ACTORS };
        jurors[usize::from(self.which) % jurors.len()]
    }

    pub(super) fn release_position(&self, model: &Model) -> (Holder, Call) {
        let left = model.held();
        let juror = left.get(usize::from(self.which) % left.len().max(1)).copied();
        (self.person(), Call::ReleasePosition { juror: juror.unwrap_or(self.juror()) })
    }

    /// A few blocks, now and then so many that the chain forgets.
    pub(super) fn mine(&self) -> Call {
        let blocks = match self.details >> 20 & 31 {
            31 => 8_192,
            30 => 8_191,
            29 => 300,
            few => u64::from(1 + few % 2),
        };
        Call::Mine { blocks }
    }

    pub(super) fn dispute(&self, model: &Model) -> (Holder, Call) {
        let task = self.task(model, TaskStatus::Completed);
        if task >= model.task_count() {
            return (Holder::Alice, Call::DisputeTask { task, value: 0 });
        }
        let request = model.request(task);
        let completed = model.books().tasks[task].status == TaskStatus::Completed;
        let bond = if completed && request.token == Token::Ether { self.off(model.bond(task)) } else { 0 };
        let caller = request.watcher.filter(|_| self.bit(0)).unwrap_or(model.buyer(task));
        (caller, Call::DisputeTask { task, value: bond })
    }
}
