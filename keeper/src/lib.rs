//! The keeper: moves the protocol along when time passes.
//!
//! Contracts can't wake up by themselves: somebody has to say that a deadline has passed. The keeper follows the chain
//! ([`aiigo_chain::Follower`]) into a small [`View`] of everything that has a deadline, asks each [`Duty`] what is due
//! by the chain's own clock, tries it, and hands it to the outbox. Every call is open to anyone and harmless twice, so
//! keepers need no agreement: each waits a little, and longer where another one's turn is before, and looks again before it
//! sends.

mod budget;
mod cli;
mod code;
mod command;
mod duties;
mod error;
mod keeper;
mod ledger;
mod metrics;
mod payload;
mod plan;
mod policy;
mod record;
mod report;
mod reveals;
mod second_opinion;
mod secrets;
mod sending;
mod start;
mod trial;
mod turns;
mod view;
mod window;

pub use budget::Budget;
pub use cli::Cli;
pub use code::Code;
pub use duties::{Action, Duty, DutyName, Means, UnknownDuty};
pub use error::KeeperError;
pub use keeper::{Hands, Keeper, KeeperConfig};
pub use payload::{Batch, Draw, Payload};
pub use policy::{DutySetting, Policy, Retry, SettingError};
pub use report::{Done, Visit};
pub use reveals::Reveals;
pub use second_opinion::Difference;
pub use secrets::{CHAIN_LENGTH, Secrets, SecretsError};
pub use view::{
    Accounts, Genesis, LiveTask, Moment, OpenChallenge, OwnEpoch, OwnRoot, Period, Phase, Proposal, ReplicaStage,
    ReplicatedTask, Rounds, Schedule, Stage, View, WrongRoot,
};
