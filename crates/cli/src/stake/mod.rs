//! `aiigo stake`: positions in the staking pool.

mod add;
mod claim;
mod positions;
mod remove;

use aiigo_protocol::{Event, StakingPool::StakingPoolEvents};
use clap::Subcommand;

pub(crate) use self::positions::positions;
use self::{add::AddCommand, claim::ClaimCommand, positions::ListCommand, remove::RemoveCommand};
use crate::{Chain, CliError, cli::Session, wallet::Landed};

const DAY: u64 = 24 * 3600;

/// `aiigo stake`.
#[derive(Subcommand, Debug)]
pub(crate) enum StakeCommand {
    Add(AddCommand),
    List(ListCommand),
    Claim(ClaimCommand),
    Remove(RemoveCommand),
}

impl StakeCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Add(command) => command.run(session).await,
            Self::List(command) => command.run(session).await,
            Self::Claim(command) => command.run(session).await,
            Self::Remove(command) => command.run(session).await,
        }
    }
}

/// What the pool said in a transaction.
fn events(chain: &Chain, landed: &Landed) -> impl Iterator<Item = StakingPoolEvents> {
    landed.events(chain.deployment()).filter_map(|event| match event {
        Event::StakingPool(event) => Some(event),
        _ => None,
    })
}
