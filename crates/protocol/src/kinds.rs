//! The contracts' enums. The JSON ABI knows them only as `uint8`, so their order is repeated here, and a test compares
//! it with the Solidity sources.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number that stands for no variant of an enum of the contracts.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("{value} is no {kind}")]
pub struct UnknownKind {
    kind: &'static str,
    value: u8,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $value:literal),* $(,)? })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[repr(u8)]
        pub enum $name { $($(#[$variant_doc])* $variant = $value),* }

        impl $name {
            /// Every variant, in the order of the ABI.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name as in the contracts.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }
        }

        impl TryFrom<u8> for $name {
            type Error = UnknownKind;

            fn try_from(value: u8) -> Result<Self, UnknownKind> {
                match value {
                    $($value => Ok(Self::$variant),)*
                    _ => Err(UnknownKind { kind: stringify!($name), value }),
                }
            }
        }

        impl From<$name> for u8 {
            fn from(kind: $name) -> u8 {
                kind as u8
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.name())
            }
        }
    )*};
}

kinds! {
    /// What a node offers and a task asks for.
    ResourceType {
        /// Graphics processors.
        GPU = 0,
        /// Processors.
        CPU = 1,
        /// Bandwidth.
        Network = 2,
        /// Phones and tablets.
        Mobile = 3,
        /// Small devices.
        IoT = 4,
    }
    /// A node's status as the registry derives it.
    NodeStatus {
        /// Not registered.
        None = 0,
        /// No challenge passed yet.
        Pending = 1,
        /// A challenge passed, stake below the minimum.
        Verified = 2,
        /// Verified, staked and online.
        Active = 3,
        /// Verified and staked, but offline or under review.
        Inactive = 4,
        /// Banned.
        Slashed = 5,
    }
    /// Where a task stands.
    TaskStatus {
        /// Unknown id.
        None = 0,
        /// Escrowed, waiting for a provider.
        Open = 1,
        /// Accepted, being executed.
        InProgress = 2,
        /// Result submitted, waiting for the buyer.
        Completed = 3,
        /// Paid: final.
        Verified = 4,
        /// Taken back by the buyer: final.
        Cancelled = 5,
        /// Nobody delivered in time, refunded: final.
        Expired = 6,
        /// Before a jury.
        Disputed = 7,
        /// Split as the jury ruled, or evenly because none did: final.
        Resolved = 8,
        /// Replicated: escrowed, nodes apply.
        Recruiting = 9,
        /// Replicated: the candidates are fixed, a block draws.
        Drawing = 10,
        /// Replicated: the drawn nodes work.
        Replicating = 11,
    }
    /// Why a node's stake or reputation changed.
    Cause {
        /// A result was approved or finalized.
        TaskVerified = 0,
        /// A result did not come in time.
        TaskTimedOut = 1,
        /// A task was given back early.
        TaskAbandoned = 2,
        /// Governance found misuse.
        Misuse = 3,
        /// An audit round was answered well.
        AuditPassed = 4,
        /// An audit round was missed, or answered with less than half of the verified power.
        AuditMissed = 5,
        /// A jury found for the buyer.
        DisputeLost = 6,
        /// A jury found for the provider.
        DisputeWon = 7,
    }
    /// Where a case of the court stands.
    CaseStatus {
        /// Unknown id.
        None = 0,
        /// A block to come draws the jury.
        Drawing = 1,
        /// The jurors seal their votes.
        Committing = 2,
        /// The jurors open them.
        Revealing = 3,
        /// There is a ruling; it can be appealed against until the deadline.
        Ruled = 4,
        /// Final.
        Closed = 5,
    }
    /// Which jury of a case sits. `Round` in the contracts, which is no audit round.
    JuryRound {
        /// The first.
        First = 0,
        /// Another one: the first did not rule.
        Redraw = 1,
        /// The larger one of the appeal.
        Appeal = 2,
    }
    /// How a juror's seat in a case stands.
    SeatState {
        /// Has to seal a vote.
        Drawn = 0,
        /// Sealed one.
        Committed = 1,
        /// Opened it.
        Revealed = 2,
        /// Did not, and lost stake for it.
        Silent = 3,
        /// Its jury lapsed.
        Released = 4,
        /// Voted as the final ruling.
        Coherent = 5,
        /// Voted otherwise, and lost stake for it.
        Incoherent = 6,
    }
    /// How far a node is with a replicated task.
    ReplicaStatus {
        /// Never applied.
        None = 0,
        /// A candidate.
        Applied = 1,
        /// Took the application back or was not drawn.
        Released = 2,
        /// Has a seat and works.
        Drawn = 3,
        /// Committed to a result.
        Sealed = 4,
        /// Showed it.
        Revealed = 5,
        /// Committed to nothing, or did not show it.
        TimedOut = 6,
        /// No result had a majority.
        Undecided = 7,
        /// Of the majority: paid.
        Agreed = 8,
        /// Of the minority: may appeal.
        Outvoted = 9,
        /// Before the court.
        Appealed = 10,
        /// The court found for it.
        Vindicated = 11,
        /// The court found for neither side, or for another seat with the same result.
        Cleared = 12,
        /// Was wrong.
        Slashed = 13,
    }
}

impl TaskStatus {
    /// Whether no transaction can change the task any more.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Verified | Self::Cancelled | Self::Expired | Self::Resolved)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The variants of `enum name` in a Solidity source, comments removed.
    fn solidity_variants(source: &str, name: &str) -> Vec<String> {
        let body = source.split_once(&format!("enum {name} {{")).expect("the enum stands in the source").1;
        let body = body.split_once('}').expect("a closing brace").0;
        body.lines()
            .map(|line| line.split("//").next().unwrap_or_default().trim().trim_end_matches(',').to_owned())
            .filter(|variant| !variant.is_empty())
            .collect()
    }

    #[test]
    fn the_enums_are_those_of_the_contracts() {
        let resource = include_str!("../../../contracts/src/types/Resource.sol");
        let node = include_str!("../../../contracts/src/types/Node.sol");
        let task = include_str!("../../../contracts/src/types/Task.sol");
        let names = |all: &[&'static str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert_eq!(
            solidity_variants(resource, "ResourceType"),
            names(&ResourceType::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
        assert_eq!(
            solidity_variants(node, "NodeStatus"),
            names(&NodeStatus::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
        assert_eq!(
            solidity_variants(node, "Cause"),
            names(&Cause::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
        assert_eq!(
            solidity_variants(task, "TaskStatus"),
            names(&TaskStatus::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
        let dispute = include_str!("../../../contracts/src/types/Dispute.sol");
        let replica = include_str!("../../../contracts/src/types/Replica.sol");
        assert_eq!(
            solidity_variants(dispute, "CaseStatus"),
            names(&CaseStatus::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
        assert_eq!(
            solidity_variants(dispute, "Round"),
            names(&JuryRound::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
        assert_eq!(
            solidity_variants(dispute, "SeatState"),
            names(&SeatState::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
        assert_eq!(
            solidity_variants(replica, "ReplicaStatus"),
            names(&ReplicaStatus::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>())
        );
    }
}
