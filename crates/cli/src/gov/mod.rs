//! `aiigo gov`: how the protocol is changed by those who hold its token.

mod action;
mod carry;
mod delegate;
mod list;
mod proposals;
mod propose;
mod show;
mod standing;
mod vote;

use clap::Subcommand;

use self::{
    carry::{ExecuteCommand, QueueCommand},
    delegate::DelegateCommand,
    list::ListCommand,
    propose::ProposeCommand,
    show::ShowCommand,
    vote::VoteCommand,
};
use crate::{CliError, cli::Session};

/// `aiigo gov`.
#[derive(Subcommand, Debug)]
pub(crate) enum GovCommand {
    List(ListCommand),
    Show(ShowCommand),
    /// Propose a change
    #[command(subcommand)]
    Propose(ProposeCommand),
    Delegate(DelegateCommand),
    Vote(VoteCommand),
    Queue(QueueCommand),
    Execute(ExecuteCommand),
}

impl GovCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::List(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
            Self::Propose(command) => command.run(session).await,
            Self::Delegate(command) => command.run(session).await,
            Self::Vote(command) => command.run(session).await,
            Self::Queue(command) => command.run(session).await,
            Self::Execute(command) => command.run(session).await,
        }
    }
}
