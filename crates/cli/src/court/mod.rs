//! `aiigo court`: disputes, judged by jurors who stake for it.

mod appeal;
mod case;
mod cases;
mod check;
mod jury;
mod rerun;
mod secrets;
mod show;
mod subject;
mod vote;
mod watch;

use clap::Subcommand;

use self::{
    appeal::{AppealCommand, EvidenceCommand},
    cases::CasesCommand,
    check::CheckCommand,
    jury::{JoinCommand, LeaveCommand, WithdrawCommand},
    show::ShowCommand,
    vote::{RevealCommand, VoteCommand},
    watch::WatchCommand,
};
use crate::{CliError, cli::Session};

/// `aiigo court`.
#[derive(Subcommand, Debug)]
pub(crate) enum CourtCommand {
    Join(JoinCommand),
    Leave(LeaveCommand),
    Cases(CasesCommand),
    Show(ShowCommand),
    Check(CheckCommand),
    Vote(VoteCommand),
    Reveal(RevealCommand),
    Watch(WatchCommand),
    Evidence(EvidenceCommand),
    Appeal(AppealCommand),
    Withdraw(WithdrawCommand),
}

impl CourtCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Join(command) => command.run(session).await,
            Self::Leave(command) => command.run(session).await,
            Self::Cases(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
            Self::Check(command) => command.run(session).await,
            Self::Vote(command) => command.run(session).await,
            Self::Reveal(command) => command.run(session).await,
            Self::Watch(command) => command.run(session).await,
            Self::Evidence(command) => command.run(session).await,
            Self::Appeal(command) => command.run(session).await,
            Self::Withdraw(command) => command.run(session).await,
        }
    }
}
