//! `aiigo protocol`: the protocol as a whole.

mod addresses;
mod params;
mod stats;

use clap::Subcommand;

use self::{addresses::AddressesCommand, params::ParamsCommand, stats::StatsCommand};
use crate::{CliError, cli::Session};

/// `aiigo protocol`.
#[derive(Subcommand, Debug)]
pub(crate) enum ProtocolCommand {
    Params(ParamsCommand),
    Addresses(AddressesCommand),
    Stats(StatsCommand),
}

impl ProtocolCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Params(command) => command.run(session).await,
            Self::Addresses(command) => command.run(session).await,
            Self::Stats(command) => command.run(session).await,
        }
    }
}
