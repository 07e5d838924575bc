//! Positions of the staking pool: whose lock ends, and who judges with them.

use aiigo_protocol::{DisputeCourt::DisputeCourtEvents, StakingPool::StakingPoolEvents};
use alloy::primitives::{Address, U256};

use super::journal::{Journaled, undo_by_parts};

/// A juror's membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Juror {
    position: U256,
    /// What the juror is drawn by, AIIGO wei.
    weight: U256,
    /// From when on the position of one who left can be released, unix seconds.
    held_until: Option<u64>,
}

/// Positions that weigh more than they hold, and jurors.
#[derive(Debug, Default)]
pub(super) struct Stakes {
    /// When each lock ends, unix seconds.
    locks: Journaled<U256, u64>,
    jurors: Journaled<Address, Juror>,
    /// What the position of a juror holds after penalties, AIIGO wei.
    left: Journaled<U256, U256>,
}

undo_by_parts!(Stakes: locks, jurors, left);

impl Stakes {
    /// Positions whose weight still counts a lock that is over.
    pub(super) fn unlocked(&self, now: u64) -> impl Iterator<Item = U256> {
        self.locks.iter().filter(move |(_, until)| now >= **until).map(|(position, _)| *position)
    }

    /// Former jurors, and when their positions can be released, if that time has come.
    pub(super) fn releasable(&self, now: u64) -> impl Iterator<Item = (Address, u64)> {
        let held = |(address, juror): (&Address, &Juror)| juror.held_until.map(|until| (*address, until));
        self.jurors.iter().filter_map(held).filter(move |(_, until)| now >= *until)
    }

    /// Jurors who weigh more than their position holds, and what it holds, AIIGO wei.
    pub(super) fn overweight(&self) -> impl Iterator<Item = (Address, U256)> {
        self.jurors.iter().filter_map(|(address, juror)| {
            let left = *self.left.get(&juror.position)?;
            (juror.held_until.is_none() && left < juror.weight).then_some((*address, left))
        })
    }

    pub(super) fn apply_pool(&mut self, block: u64, event: &StakingPoolEvents) {
        use StakingPoolEvents as E;
        match event {
            E::Staked(e) if e.weight > e.amount => self.locks.insert(block, e.positionId, e.unlocksAt.to()),
            E::WeightReset(e) => self.locks.remove(block, &e.positionId),
            E::Unstaked(e) => self.locks.remove(block, &e.positionId),
            E::StakeSeized(e) => {
                self.left.insert(block, e.positionId, e.left);
                if e.left == U256::ZERO {
                    self.locks.remove(block, &e.positionId);
                }
            }
            _ => {}
        }
    }

    pub(super) fn apply_court(&mut self, block: u64, event: &DisputeCourtEvents) {
        use DisputeCourtEvents as E;
        match event {
            E::JurorJoined(e) => {
                let juror = Juror { position: e.positionId, weight: e.weight, held_until: None };
                self.jurors.insert(block, e.juror, juror);
            }
            E::JurorReweighed(e) => {
                let juror = Juror { position: e.positionId, weight: e.weight, held_until: None };
                self.jurors.insert(block, e.juror, juror);
            }
            E::JurorLeft(e) => {
                let juror = Juror { position: e.positionId, weight: U256::ZERO, held_until: Some(e.heldUntil.to()) };
                self.jurors.insert(block, e.juror, juror);
            }
            E::PositionReleased(e) => {
                self.jurors.remove(block, &e.juror);
                self.left.remove(block, &e.positionId);
            }
            _ => {}
        }
    }
}
