//! `aiigo wallet`: keys, and the money of their accounts.

mod balance;
mod import;
mod keystores;
mod open;
mod sign;
mod transfer;
mod withdraw;

use clap::Subcommand;

pub(crate) use self::open::{Call, Landed, Wallet};
use self::{
    balance::BalanceCommand,
    import::ImportCommand,
    keystores::{AddressCommand, ListCommand, NewCommand},
    sign::SignCommand,
    transfer::TransferCommand,
    withdraw::WithdrawCommand,
};
use crate::{CliError, cli::Session};

/// `aiigo wallet`.
#[derive(Subcommand, Debug)]
pub(crate) enum WalletCommand {
    New(NewCommand),
    Import(ImportCommand),
    List(ListCommand),
    Address(AddressCommand),
    Balance(BalanceCommand),
    Transfer(TransferCommand),
    Withdraw(WithdrawCommand),
    Sign(SignCommand),
}

impl WalletCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::New(command) => command.run(session).await,
            Self::Import(command) => command.run(session).await,
            Self::List(command) => command.run(session),
            Self::Address(command) => command.run(session).await,
            Self::Balance(command) => command.run(session).await,
            Self::Transfer(command) => command.run(session).await,
            Self::Withdraw(command) => command.run(session).await,
            Self::Sign(command) => command.run(session).await,
        }
    }
}
