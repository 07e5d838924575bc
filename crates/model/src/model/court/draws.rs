//! 6.10, 6.11: who sits.

use alloy::{
    primitives::{U256, keccak256},
    sol_types::SolValue,
};

use super::{CaseStatus, Seat, SeatState};
use crate::{
    blocks,
    cast::Holder,
    model::{Model, Refusal, needs, terms::Duty},
};

/// Points that a call may draw.
const MOST_TRIES: u64 = 24;

impl Model {
    /// 6.10
    pub(super) fn fix_draw(&mut self, case: usize) {
        let (epoch, block) = (self.jury_epoch(), self.block + self.terms.court.draw_delay);
        let found = &mut self.cases[case];
        (found.draw_epoch, found.draw_block, found.tries) = (epoch, block, 0);
    }

    /// A period of its own, new blocks included.
    pub(super) fn start_drawing(&mut self, case: usize) {
        self.cases[case].status = CaseStatus::Drawing;
        self.cases[case].deadline = self.now + self.terms.court.draw_period;
    }

    /// 6.11
    pub(in crate::model) fn draw_jury(&mut self, caller: Holder, case: usize) -> Result<(), Refusal> {
        let (now, block) = (self.now, self.block);
        let found = self.case(case, CaseStatus::Drawing)?;
        needs(now <= found.deadline, "6.10: too late")?;
        needs(block > found.draw_block, "6.11: the block is not there yet")?;
        if block - found.draw_block > blocks::REMEMBERED {
            self.fix_draw(case);
            self.reached("draw block forgotten");
            return Ok(());
        }
        let found = &self.cases[case];
        let (epoch, mut seats) = (found.draw_epoch, found.seats.clone());
        let (mut tries, mut seated) = (found.tries, found.sitting().count());
        let total = U256::from(self.jurors.total(epoch));
        needs(!total.is_zero(), "6.11: nobody to draw")?;
        let mix = blocks::randomness(found.draw_block);
        let seed = keccak256((mix, U256::from(case + 1)).abi_encode());
        for _ in 0..MOST_TRIES {
            if seated == found.jury_size {
                break;
            }
            let point = U256::from_be_bytes(keccak256((seed, U256::from(tries)).abi_encode()).0) % total;
            tries += 1;
            let member = self.jurors.position_at(epoch, point).and_then(|position| self.jurors.of_position(position));
            let Some(member) = member else { continue };
            let juror = member.juror;
            let is_side = [found.buyer, found.disputer, found.provider[0]].contains(&juror);
            if !is_side && seats.iter().all(|seat| seat.juror != juror) {
                seats.push(Seat { juror, round: found.round, state: SeatState::Drawn, share: 0 });
                seated += 1;
            }
        }
        for seat in &seats[found.seats.len()..] {
            if let Some(member) = self.jurors.member_mut(seat.juror) {
                member.seats += 1;
            }
        }
        let found = &mut self.cases[case];
        (found.tries, found.seats) = (tries, seats);
        if seated == found.jury_size {
            self.start_committing(case);
            self.tip(Duty::Draw, caller);
            self.reached("jury drawn");
        }
        Ok(())
    }
}
