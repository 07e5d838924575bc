//! `aiigo reward`: what providers earn in AIIGO, by epochs.

mod claim;
mod epochs;
mod history;
mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use self::{claim::ClaimCommand, epochs::EpochsCommand, verify::VerifyCommand};
use crate::{CliError, cli::Session};

/// `aiigo reward`.
#[derive(Subcommand, Debug)]
pub(crate) enum RewardCommand {
    Epochs(EpochsCommand),
    Claim(ClaimCommand),
    Verify(VerifyCommand),
}

impl RewardCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, CliError> {
        match self {
            Self::Epochs(command) => command.run(session).await?,
            Self::Claim(command) => command.run(session).await?,
            Self::Verify(command) => return command.run(session).await,
        }
        Ok(ExitCode::SUCCESS)
    }
}
