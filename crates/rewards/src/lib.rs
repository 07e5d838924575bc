//! Who earned what in each reward epoch, from events alone: anyone who has them comes to the same amounts and the same root.
//!
//! A [`Ledger`] takes the deployment's events in the order of the chain. The event that closes an epoch yields a [`ClosedEpoch`]:
//! the base reward and the bonuses of each node by rules 8.7 and 8.8 of `docs/protocol.md`, what the bonuses add up to since
//! the start, and the [`BonusTree`] whose root `postRoot` takes and whose proofs `claimBonus` takes. Nothing that happens
//! after an epoch was closed changes what it paid.

mod audits;
mod epoch;
mod ledger;
mod tree;

pub use epoch::{Bonuses, ClosedEpoch, Reward};
pub use ledger::Ledger;
pub use tree::{BonusTree, leaf};
