//! Cases of the dispute court that are not closed.

use aiigo_protocol::DisputeCourt::DisputeCourtEvents;
use alloy::primitives::U256;

use super::journal::{Journaled, undo_by_parts};

/// Where a case stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Period {
    /// Its jury is being drawn.
    Drawing {
        /// The block whose randomness decides.
        block: u64,
        /// Points drawn from it so far.
        tries: U256,
        /// Last second, unix.
        until: u64,
    },
    /// Jurors vote, or the ruling can be appealed.
    Waiting {
        /// Last second, unix.
        until: u64,
    },
}

impl Period {
    /// The last second in which only jurors and parties can move the case, unix.
    pub fn until(&self) -> u64 {
        match self {
            Self::Drawing { until, .. } | Self::Waiting { until } => *until,
        }
    }
}

/// Open cases by id.
#[derive(Debug, Default)]
pub(super) struct Disputes {
    open: Journaled<U256, Period>,
}

impl Disputes {
    pub(super) fn iter(&self) -> impl Iterator<Item = (U256, Period)> {
        self.open.iter().map(|(case, period)| (*case, *period))
    }

    pub(super) fn apply(&mut self, block: u64, event: &DisputeCourtEvents) {
        use DisputeCourtEvents as E;
        match event {
            E::DrawFixed(e) => {
                let period = Period::Drawing { block: e.drawBlock, tries: U256::ZERO, until: e.deadline.to() };
                self.open.insert(block, e.caseId, period);
            }
            E::DrawAdvanced(e) => {
                if let Some(Period::Drawing { block: drawn, until, .. }) = self.open.get(&e.caseId).copied() {
                    self.open.insert(block, e.caseId, Period::Drawing { block: drawn, tries: e.tries, until });
                }
            }
            E::CommitStarted(e) => self.wait(block, e.caseId, e.deadline.to()),
            E::RevealStarted(e) => self.wait(block, e.caseId, e.deadline.to()),
            E::Ruled(e) => self.wait(block, e.caseId, e.appealableUntil.to()),
            E::CaseClosed(e) => self.open.remove(block, &e.caseId),
            _ => {}
        }
    }

    fn wait(&mut self, block: u64, case: U256, until: u64) {
        self.open.insert(block, case, Period::Waiting { until });
    }
}

undo_by_parts!(Disputes: open);
