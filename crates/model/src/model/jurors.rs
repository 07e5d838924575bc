//! Section 6.4 to 6.8: who can be drawn, and by what weight.

use alloy::primitives::U256;

use super::{Model, Refusal, needs};
use crate::cast::Holder;

/// All who joined, and what they weighed when.
#[derive(Clone, Debug, Default)]
pub(super) struct Jurors {
    pub(super) members: Vec<Member>,
    /// Side by side in this order: a juror who joins takes the place that was left last, or else the next new one.
    places: Vec<Vec<Change>>,
    left: Vec<usize>,
}

/// Somebody whose position is held.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) juror: Holder,
    pub(super) position: usize,
    place: usize,
    /// None: active.
    pub(super) held_until: Option<u64>,
    /// In open cases.
    pub(super) seats: u32,
}

/// What a place weighs from an epoch on, and by whose position.
#[derive(Clone, Copy, Debug)]
struct Change {
    from: u64,
    position: usize,
    weight: u128,
}

impl Jurors {
    fn change(&mut self, place: usize, change: Change) {
        let changes = &mut self.places[place];
        changes.retain(|earlier| earlier.from < change.from);
        changes.push(change);
    }

    fn in_epoch(&self, epoch: u64) -> impl Iterator<Item = &Change> {
        self.places.iter().filter_map(move |changes| changes.iter().rev().find(|change| change.from <= epoch))
    }

    /// What is drawn from in an epoch.
    pub(super) fn total(&self, epoch: u64) -> u128 {
        self.in_epoch(epoch).map(|change| change.weight).sum()
    }

    /// The position in whose weight a point falls (6.11).
    pub(super) fn position_at(&self, epoch: u64, point: U256) -> Option<usize> {
        let mut point: u128 = point.saturating_to();
        for change in self.in_epoch(epoch) {
            match point.checked_sub(change.weight) {
                Some(rest) => point = rest,
                None => return Some(change.position),
            }
        }
        None
    }

    pub(super) fn of_position(&self, position: usize) -> Option<&Member> {
        self.members.iter().find(|member| member.position == position)
    }

    pub(super) fn member(&self, juror: Holder) -> Option<&Member> {
        self.members.iter().find(|member| member.juror == juror)
    }

    pub(super) fn member_mut(&mut self, juror: Holder) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| member.juror == juror)
    }

    pub(super) fn join(&mut self, juror: Holder, position: usize, weight: u128, from: u64) {
        let place = self.left.pop().unwrap_or(self.places.len());
        if place == self.places.len() {
            self.places.push(Vec::new());
        }
        self.change(place, Change { from, position, weight });
        self.members.push(Member { juror, position, place, held_until: None, seats: 0 });
    }
}

impl Model {
    /// 6.8: from when on a change counts.
    fn next_epoch(&self) -> u64 {
        self.jury_epoch() + 1
    }

    pub(super) fn jury_epoch(&self) -> u64 {
        self.now / self.terms.court.epoch_length
    }

    /// 6.4
    pub(super) fn join_jury(&mut self, caller: Holder, position: usize) -> Result<(), Refusal> {
        needs(caller == self.open(position)?.owner, "6.4: not the owner")?;
        needs(self.jurors.member(caller).is_none(), "6.4: a juror already")?;
        let amount = self.books.positions[position].amount;
        needs(amount >= self.terms.court.min_position, "6.4: too small a position")?;
        self.books.positions[position].frozen = amount;
        self.jurors.join(caller, position, amount, self.next_epoch());
        Ok(())
    }

    /// 6.5
    pub(super) fn leave_jury(&mut self, caller: Holder) -> Result<(), Refusal> {
        let (from, held_until) = (self.next_epoch(), self.now + self.terms.court.hold_period);
        let member = self.jurors.member_mut(caller).ok_or(Refusal("6.5: no juror"))?;
        needs(member.held_until.is_none(), "6.5: left")?;
        member.held_until = Some(held_until);
        let Member { position, place, .. } = *member;
        self.jurors.change(place, Change { from, position, weight: 0 });
        self.jurors.left.push(place);
        Ok(())
    }

    /// 6.6
    pub(super) fn release_position(&mut self, juror: Holder) -> Result<(), Refusal> {
        let member = self.jurors.member(juror).ok_or(Refusal("6.6: no juror"))?;
        needs(member.held_until.is_some_and(|until| self.now >= until), "6.6: held")?;
        needs(member.seats == 0, "6.6: it sits")?;
        self.books.positions[member.position].frozen = 0;
        self.jurors.members.retain(|member| member.juror != juror);
        Ok(())
    }

    /// 6.7
    pub(super) fn reweigh_juror(&mut self, juror: Holder) -> Result<(), Refusal> {
        let from = self.next_epoch();
        let member = self.jurors.member(juror).ok_or(Refusal("6.7: no juror"))?;
        needs(member.held_until.is_none(), "6.7: left")?;
        let Member { position, place, .. } = *member;
        let weight = self.books.positions[position].amount;
        self.jurors.change(place, Change { from, position, weight });
        Ok(())
    }

    /// 6.14: a share of a seat's stake, or what the position has less a wei, is burned.
    pub(super) fn penalise(&mut self, juror: Holder, bps: u128) -> Result<(), Refusal> {
        let position = self.jurors.member(juror).ok_or(Refusal("no juror"))?.position;
        let amount = self.books.positions[position].amount;
        self.seize(position, (self.terms.court.seat_stake * bps / super::terms::BPS).min(amount - 1))
    }
}
