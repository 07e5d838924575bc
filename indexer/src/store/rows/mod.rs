//! The rows of every projection. Amounts are in the smallest unit of their token, power in milli-TFLOPS, hash rates in
//! hashes/s, times in Unix seconds, shares in basis points; the token address zero is ETH.

mod account;
mod case;
mod challenge;
mod day;
mod event;
mod governance;
mod node;
mod protocol;
mod replica;
mod reward;
mod task;

pub use account::{Account, Balance, Escrow, EscrowStatus, Position};
pub use case::{Case, CaseJuror, Evidence, Juror};
pub use challenge::{Challenge, ChallengeStatus, Round};
pub use day::{Day, DayPrice, DayToken};
pub use event::{Event, LogPosition};
pub use governance::{Proposal, ProposalStage, Vote};
pub use node::{Earning, Node, NodeEscrow};
pub use protocol::{Parameter, PaymentToken, Protocol, RewardRate, TokenTotals};
pub use replica::{Replica, ReplicaRound};
pub use reward::{Epoch, EpochFee, Reward};
pub use task::{Assignment, AssignmentOutcome, Task};

use super::{Row, Table};

/// The tables that the journal can restore: all whose rows change after they were written.
pub(crate) const JOURNALLED: &[&Table] = &[
    Account::TABLE,
    Assignment::TABLE,
    Balance::TABLE,
    Case::TABLE,
    CaseJuror::TABLE,
    Challenge::TABLE,
    Day::TABLE,
    DayPrice::TABLE,
    DayToken::TABLE,
    Earning::TABLE,
    Epoch::TABLE,
    EpochFee::TABLE,
    Escrow::TABLE,
    Evidence::TABLE,
    Juror::TABLE,
    Node::TABLE,
    NodeEscrow::TABLE,
    Parameter::TABLE,
    PaymentToken::TABLE,
    Position::TABLE,
    Proposal::TABLE,
    Protocol::TABLE,
    Replica::TABLE,
    ReplicaRound::TABLE,
    Reward::TABLE,
    RewardRate::TABLE,
    Round::TABLE,
    Task::TABLE,
    TokenTotals::TABLE,
    Vote::TABLE,
];

/// Declares an enum that is stored by its number.
macro_rules! stored_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$variant_meta:meta])* $variant:ident = $number:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_meta])* $variant = $number),* }

        impl From<$name> for u8 {
            fn from(kind: $name) -> u8 {
                kind as u8
            }
        }

        impl TryFrom<u8> for $name {
            type Error = u8;

            fn try_from(number: u8) -> Result<Self, u8> {
                match number {
                    $($number => Ok(Self::$variant),)*
                    other => Err(other),
                }
            }
        }

        $crate::store::value::enum_columns!($name);
    };
}
use stored_enum;
