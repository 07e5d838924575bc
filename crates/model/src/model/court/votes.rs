//! 6.12 to 6.15: sealing, opening, and what they come to.

use super::{Case, CaseStatus, Round, Ruling};
use crate::{
    cast::{Holder, Token},
    model::{Model, Refusal, needs, terms::BPS},
};

/// What a juror did on its seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SeatState {
    Drawn,
    Committed,
    Revealed,
    Silent,
    Released,
    Judged,
}

impl Model {
    fn seat(&self, caller: Holder, case: usize) -> Result<usize, Refusal> {
        let found = &self.cases[case];
        let sits = |seat: &super::Seat| seat.juror == caller && seat.round == found.round;
        found.seats.iter().position(sits).ok_or(Refusal("6.12: not seated"))
    }

    pub(super) fn start_committing(&mut self, case: usize) {
        let found = &mut self.cases[case];
        if found.sitting().all(|seat| seat.state == SeatState::Committed) {
            self.start_revealing(case);
            return;
        }
        found.status = CaseStatus::Committing;
        found.deadline = self.now + self.terms.court.commit_period;
    }

    fn start_revealing(&mut self, case: usize) {
        self.cases[case].status = CaseStatus::Revealing;
        self.cases[case].deadline = self.now + self.terms.court.reveal_period;
    }

    /// 6.12
    pub(in crate::model) fn commit_vote(&mut self, caller: Holder, case: usize, share: u128) -> Result<(), Refusal> {
        let now = self.now;
        let found = self.case(case, CaseStatus::Committing)?;
        needs(now <= found.deadline, "6.12: too late")?;
        let seat = self.seat(caller, case)?;
        let found = &mut self.cases[case];
        needs(found.seats[seat].state == SeatState::Drawn, "6.12: sealed or silent")?;
        (found.seats[seat].state, found.seats[seat].share) = (SeatState::Committed, share);
        if found.count(SeatState::Committed) == found.sitting().count() {
            self.start_revealing(case);
        }
        Ok(())
    }

    /// 6.13
    pub(in crate::model) fn reveal_vote(&mut self, caller: Holder, case: usize, share: u128) -> Result<(), Refusal> {
        let now = self.now;
        let found = self.case(case, CaseStatus::Revealing)?;
        needs(now <= found.deadline, "6.13: too late")?;
        needs(share <= BPS, "6.13: no share")?;
        let seat = self.seat(caller, case)?;
        let found = &mut self.cases[case];
        needs(found.seats[seat].state == SeatState::Committed, "6.13: nothing to open")?;
        needs(found.seats[seat].share == share, "6.13: another vote")?;
        found.seats[seat].state = SeatState::Revealed;
        if found.count(SeatState::Committed) == 0 {
            self.rule(case);
        }
        Ok(())
    }

    /// 6.14, committing
    pub(super) fn end_committing(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        self.silence(case, SeatState::Drawn)?;
        let (now, most) = (self.now, self.terms.court.max_replacements);
        let found = &mut self.cases[case];
        if found.replacements < most && now <= found.close_by {
            found.replacements += 1;
            self.fix_draw(case);
            self.start_drawing(case);
            self.reached("jurors replaced");
            return Ok(());
        }
        if found.is_most(found.count(SeatState::Committed)) {
            self.start_revealing(case);
            return Ok(());
        }
        self.lapse(caller, case)
    }

    /// 6.14, revealing
    pub(super) fn end_revealing(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        self.silence(case, SeatState::Committed)?;
        let found = &self.cases[case];
        if found.is_most(found.count(SeatState::Revealed)) {
            self.rule(case);
            return Ok(());
        }
        self.lapse(caller, case)
    }

    /// Who is still in this state did not do its part.
    fn silence(&mut self, case: usize, state: SeatState) -> Result<(), Refusal> {
        for seat in 0..self.cases[case].seats.len() {
            let found = &mut self.cases[case];
            if found.seats[seat].round != found.round || found.seats[seat].state != state {
                continue;
            }
            found.seats[seat].state = SeatState::Silent;
            let juror = found.seats[seat].juror;
            self.penalise(juror, self.terms.court.silence_penalty_bps)?;
            self.leave_seat(juror);
            self.reached("silent juror penalised");
        }
        Ok(())
    }

    /// 6.15
    fn rule(&mut self, case: usize) {
        let deadline = self.now + self.terms.court.appeal_window;
        let found = &mut self.cases[case];
        let revealed = found.sitting().filter(|seat| seat.state == SeatState::Revealed);
        let mut votes: Vec<_> = revealed.map(|seat| seat.share).collect();
        votes.sort_unstable();
        found.ruling = Some(Ruling { low: votes[(votes.len() - 1) / 2], high: votes[votes.len() / 2] });
        found.status = CaseStatus::Ruled;
        // An appeal's is final.
        found.deadline = if found.round == Round::Appeal { self.now } else { deadline };
        let round = found.round;
        self.reached(match round {
            Round::First => "ruled",
            Round::Redraw => "ruled after a redraw",
            Round::Appeal => "ruled on appeal",
        });
    }

    /// 6.17
    pub(in crate::model) fn appeal(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        let (now, fee) = (self.now, self.terms.court.appeal_fee);
        let close_by = now + self.terms.case_lasts() / 2;
        let found = self.case(case, CaseStatus::Ruled)?;
        needs(found.parties().contains(&caller), "6.17: no party")?;
        needs(found.round != Round::Appeal, "6.17: appealed already")?;
        needs(now <= found.deadline, "6.17: too late")?;
        let share = found.ruling.map(|ruling| ruling.share()).ok_or(Refusal("no ruling"))?;
        self.pay(caller, Holder::Court, Token::Aiigo, fee)?;
        let found: &mut Case = &mut self.cases[case];
        found.appeal = Some((caller, share));
        (found.round, found.replacements) = (Round::Appeal, 0);
        found.jury_size = 2 * found.jury_size + 1;
        found.close_by = close_by;
        self.fix_draw(case);
        self.start_drawing(case);
        self.reached("appealed");
        Ok(())
    }
}
