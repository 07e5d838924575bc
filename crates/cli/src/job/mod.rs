//! `aiigo job`: from a job file to a result that was checked and paid for.

mod actions;
mod approval;
mod bids;
mod create;
pub mod delivery;
mod dispute;
mod follow;
mod form;
mod inputs;
mod list;
pub mod prepare;
mod providers;
mod quote;
mod report;
mod results;
mod run;
mod settle;
mod status;
mod submit;
pub mod timeline;
pub mod verify;

use std::process::ExitCode;

use clap::Subcommand;

use self::{
    actions::{ApproveCommand, CancelCommand, DownloadCommand, LogsCommand},
    bids::{AssignCommand, BidsCommand},
    dispute::DisputeCommand,
    follow::FollowCommand,
    list::ListCommand,
    quote::{QuoteCommand, ValidateCommand},
    run::RunCommand,
    status::{ShowCommand, StatusCommand},
    submit::SubmitCommand,
};
pub(crate) use self::{follow::INTERVAL, providers::quoted_job};
use crate::{CliError, cli::Session};

/// `aiigo job`.
#[derive(Subcommand, Debug)]
pub(crate) enum JobCommand {
    Validate(ValidateCommand),
    Quote(QuoteCommand),
    Run(RunCommand),
    Submit(SubmitCommand),
    Follow(FollowCommand),
    Status(StatusCommand),
    Show(ShowCommand),
    List(ListCommand),
    Logs(LogsCommand),
    Download(DownloadCommand),
    Bids(BidsCommand),
    Assign(AssignCommand),
    Approve(ApproveCommand),
    Dispute(DisputeCommand),
    Cancel(CancelCommand),
}

impl JobCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, CliError> {
        match self {
            Self::Run(command) => return command.run(session).await,
            Self::Follow(command) => return command.run(session).await,
            Self::Submit(command) => command.run(session).await?,
            Self::Status(command) => command.run(session).await?,
            Self::Show(command) => command.run(session).await?,
            Self::List(command) => command.run(session).await?,
            Self::Bids(command) => command.run(session).await?,
            Self::Assign(command) => command.run(session).await?,
            Self::Validate(command) => command.run(session)?,
            Self::Quote(command) => command.run(session).await?,
            Self::Logs(command) => command.run(session).await?,
            Self::Download(command) => command.run(session).await?,
            Self::Approve(command) => command.run(session).await?,
            Self::Dispute(command) => command.run(session).await?,
            Self::Cancel(command) => command.run(session).await?,
        }
        Ok(ExitCode::SUCCESS)
    }
}
