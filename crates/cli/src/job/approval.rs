//! Accepting a result: the buyer's word that pays the provider.

use std::io::{self, IsTerminal};

use aiigo_protocol::{ContractName, TaskId, TaskMarketplace};
use alloy::sol_types::SolCall;
use clap::ValueEnum;

use crate::{
    CliError,
    cli::Session,
    confirm,
    wallet::{Call, Landed, Wallet},
};

/// Who decides if a result that passed every check is paid for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Approve {
    /// Pay when every check passed
    Auto,
    /// Ask when every check passed
    Ask,
    /// Don't pay
    Never,
}

impl Approve {
    /// What was asked for, or on a terminal to be asked. Of several replicas the count decides, and nobody approves.
    ///
    /// # Errors
    /// Wrong usage if nobody is there to ask.
    pub(crate) fn resolve(given: Option<Self>, replicas: u8) -> Result<Self, CliError> {
        let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
        match given {
            _ if replicas > 1 => Ok(Self::Never),
            Some(Self::Ask) | None if !terminal => Err(CliError::Usage(
                "there is no terminal to ask on: say with --approve auto or --approve never whether a result that passes \
                 every check is paid for"
                    .into(),
            )),
            Some(mode) => Ok(mode),
            None => Ok(Self::Ask),
        }
    }
}

/// Asks on the terminal whether to approve `id`.
pub(crate) async fn ask(id: TaskId, question: String, session: &Session) -> Result<bool, CliError> {
    confirm::ask(question, format!("Not approved. To approve: aiigo job approve {id}"), session).await
}

/// The approval of a task's result.
pub(crate) fn call(wallet: &Wallet, id: TaskId) -> Call {
    let data = TaskMarketplace::approveTaskCall { taskId: id.0 }.abi_encode();
    wallet.call(format!("approving task {id}"), ContractName::TaskMarketplace, data)
}

/// Sends the approval and waits until it is on the chain.
pub(crate) async fn approve(wallet: &Wallet, id: TaskId, session: &Session) -> Result<Landed, CliError> {
    wallet.send_once("approve", call(wallet, id), &session.stop).await
}
