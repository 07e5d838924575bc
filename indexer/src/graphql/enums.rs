//! The enums of the API.

use async_graphql::Enum;

use super::scalars::Expose;
use crate::store::rows;

/// Declares an enum of the API over one of the store. Variants that are never stored are left out; `else` is what they
/// would be shown as.
macro_rules! api_enum {
    (
        $(#[$meta:meta])*
        $name:ident over $stored:ty $(, else $fallback:ident)? {
            $($(#[$variant_meta:meta])* $variant:ident),* $(,)?
        }
    ) => {
        $(#[$meta])*
        #[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
        pub enum $name { $($(#[$variant_meta])* $variant),* }

        impl Expose<$name> for $stored {
            fn expose(&self) -> $name {
                match self {
                    $(Self::$variant => $name::$variant,)*
                    $(_ => $name::$fallback,)?
                }
            }
        }

        impl From<$name> for $stored {
            fn from(value: $name) -> Self {
                match value { $($name::$variant => Self::$variant),* }
            }
        }
    };
}

api_enum! {
    /// What a node offers and a task asks for.
    ResourceType over aiigo_protocol::ResourceType {
        /// Graphics processors.
        GPU,
        /// Processors.
        CPU,
        /// Bandwidth.
        Network,
        /// Phones and tablets.
        Mobile,
        /// Small devices.
        #[graphql(name = "IOT")]
        IoT,
    }
}

api_enum! {
    /// A node's status.
    NodeStatus over aiigo_protocol::NodeStatus, else Pending {
        /// No challenge passed yet.
        Pending,
        /// A challenge passed, stake below the minimum.
        Verified,
        /// Verified, staked and online.
        Active,
        /// Verified and staked, offline by choice.
        Inactive,
        /// Banned.
        Slashed,
    }
}

api_enum! {
    /// Where a task stands.
    TaskStatus over aiigo_protocol::TaskStatus, else Open {
        /// Escrowed, waiting for a provider.
        Open,
        /// Accepted, being executed.
        InProgress,
        /// Result submitted, waiting for the buyer.
        Completed,
        /// Paid: final.
        Verified,
        /// Taken back by the buyer: final.
        Cancelled,
        /// Nobody delivered in time, refunded: final.
        Expired,
        /// Before a jury.
        Disputed,
        /// Split as the jury ruled, or evenly because none did: final.
        Resolved,
        /// Replicated: escrowed, nodes apply.
        Recruiting,
        /// Replicated: the candidates are fixed, a block draws.
        Drawing,
        /// Replicated: the drawn nodes work.
        Replicating,
    }
}

api_enum! {
    /// Where a challenge stands.
    ChallengeStatus over rows::ChallengeStatus {
        /// Waiting for a solution, or for somebody to report that none came.
        Open,
        /// Answered in time.
        Passed,
        /// Not answered in time.
        Missed,
    }
}

api_enum! {
    /// How an assignment goes.
    AssignmentOutcome over rows::AssignmentOutcome {
        /// The node works on it.
        Running,
        /// The node delivered a result.
        Delivered,
        /// The result did not come in time.
        TimedOut,
        /// The node gave the task back.
        Abandoned,
    }
}

api_enum! {
    /// Where a case of the dispute court stands.
    CaseStatus over aiigo_protocol::CaseStatus, else Drawing {
        /// A block to come draws the jury.
        Drawing,
        /// The jurors seal their votes.
        Committing,
        /// The jurors open them.
        Revealing,
        /// There is a ruling; it can be appealed against until the deadline.
        Ruled,
        /// Final.
        Closed,
    }
}

api_enum! {
    /// Which jury of a case sits.
    JuryRound over aiigo_protocol::JuryRound {
        /// The first.
        First,
        /// Another one: the first did not rule.
        Redraw,
        /// The larger one of the appeal.
        Appeal,
    }
}

api_enum! {
    /// How a juror's seat in a case stands.
    SeatState over aiigo_protocol::SeatState {
        /// Has to seal a vote.
        Drawn,
        /// Sealed one.
        Committed,
        /// Opened it.
        Revealed,
        /// Did not, and lost stake for it; replaced if there was time.
        Silent,
        /// Its jury lapsed.
        Released,
        /// Voted as the final ruling: shares the fees.
        Coherent,
        /// Voted otherwise, and lost stake for it.
        Incoherent,
    }
}

api_enum! {
    /// How far a node is with a replicated task.
    ReplicaStatus over aiigo_protocol::ReplicaStatus, else Applied {
        /// A candidate: holds one of the node's slots.
        Applied,
        /// Took the application back or was not drawn: holds nothing.
        Released,
        /// Has a seat and works.
        Drawn,
        /// Committed to a result.
        Sealed,
        /// Showed it.
        Revealed,
        /// Committed to nothing, or did not show it: slashed.
        TimedOut,
        /// No result had a majority: free.
        Undecided,
        /// Of the majority: paid.
        Agreed,
        /// Of the minority: may appeal, else slashed by the settlement.
        Outvoted,
        /// Before the court.
        Appealed,
        /// The court found for it, and so against the majority: free.
        Vindicated,
        /// The court found for neither side, or for another seat with the same result: free.
        Cleared,
        /// Was wrong.
        Slashed,
    }
}

api_enum! {
    /// Where an escrow stands.
    EscrowStatus over rows::EscrowStatus {
        /// Holds money.
        Open,
        /// Paid the provider.
        Released,
        /// Went back to the buyer.
        Refunded,
        /// Split by a ruling.
        Split,
    }
}

api_enum! {
    /// How far a proposal came by transactions. Whether voting is open follows from its times.
    ProposalStage over rows::ProposalStage {
        /// Made; voted on between its times.
        Proposed,
        /// Won and waiting in the timelock.
        Queued,
        /// Done.
        Executed,
        /// Withdrawn.
        Canceled,
    }
}

/// Sort direction.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Smallest first.
    Asc,
    /// Largest first.
    Desc,
}

/// What happened to a task.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimelineKind {
    /// The buyer created it.
    Created,
    /// Its payment and tips went into escrow.
    Deposited,
    /// A node took it.
    Accepted,
    /// The node delivered.
    ResultSubmitted,
    /// The result was approved or finalized: paid.
    Verified,
    /// The escrow was paid out.
    Released,
    /// The node was late.
    TimedOut,
    /// The enforcer of the timeout was paid a tip.
    TipPaid,
    /// The node gave it back.
    Abandoned,
    /// It waits for another node.
    Reopened,
    /// The buyer took it back.
    Cancelled,
    /// Nobody delivered in time.
    Expired,
    /// The escrow went back to the buyer.
    Refunded,
    /// The buyer, or its watcher, took the result to court.
    Disputed,
    /// The bond of the dispute went into escrow.
    ToppedUp,
    /// The dispute is over.
    Resolved,
    /// The escrow was split by the ruling.
    PaymentSplit,
    /// A node applied for a seat of the replicated task.
    Applied,
    /// An application holds nothing of its node any more.
    ApplicationReleased,
    /// Too few had applied: the window runs once more.
    WindowExtended,
    /// The candidates are fixed, and the block that draws.
    DrawFixed,
    /// The nodes that work were drawn.
    Drawn,
    /// A node committed to its result.
    Sealed,
    /// All of them have.
    AllSealed,
    /// A node showed its result.
    Revealed,
    /// More than half of the seats have the same result.
    Judged,
    /// No result has a majority.
    Disagreed,
    /// One of the majority was paid.
    ReplicaPaid,
    /// A node has another result than the majority.
    Outvoted,
    /// It took the majority to court.
    Appealed,
    /// A seat has its last word.
    Settled,
    /// Something that this version has no word for.
    Other,
}

impl TimelineKind {
    /// By the event's name in the contracts.
    pub(crate) fn of_event(name: &str) -> Self {
        match name {
            "TaskCreated" => Self::Created,
            "Deposited" => Self::Deposited,
            "TaskAccepted" => Self::Accepted,
            "ResultSubmitted" => Self::ResultSubmitted,
            "TaskVerified" => Self::Verified,
            "Released" => Self::Released,
            "TaskTimedOut" => Self::TimedOut,
            "TipPaid" => Self::TipPaid,
            "TaskAbandoned" => Self::Abandoned,
            "TaskReopened" => Self::Reopened,
            "TaskCancelled" => Self::Cancelled,
            "TaskExpired" => Self::Expired,
            "Refunded" => Self::Refunded,
            "TaskDisputed" => Self::Disputed,
            "ToppedUp" => Self::ToppedUp,
            "TaskResolved" => Self::Resolved,
            "PaymentSplit" => Self::PaymentSplit,
            "ReplicaApplied" => Self::Applied,
            "ReplicaReleased" => Self::ApplicationReleased,
            "ReplicaWindowExtended" => Self::WindowExtended,
            "ReplicaDrawFixed" => Self::DrawFixed,
            "ReplicasDrawn" => Self::Drawn,
            "ReplicaSealed" => Self::Sealed,
            "ReplicasAllSealed" => Self::AllSealed,
            "ReplicaRevealed" => Self::Revealed,
            "ReplicaTimedOut" => Self::TimedOut,
            "ReplicasJudged" => Self::Judged,
            "ReplicasDisagreed" => Self::Disagreed,
            "ReplicasReopened" => Self::Reopened,
            "ReplicaPaid" => Self::ReplicaPaid,
            "ReplicasVerified" => Self::Verified,
            "ReplicaOutvoted" => Self::Outvoted,
            "ReplicaAppealed" => Self::Appealed,
            "ReplicaSettled" => Self::Settled,
            _ => Self::Other,
        }
    }
}
