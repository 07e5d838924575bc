//! `aiigo store`: a buyer's blobs, and the gateway through which providers reach them.

mod authorizer;
mod contents;
mod files;
mod published;
mod serve;

use clap::Subcommand;

pub use self::{authorizer::ChainAuthorizer, contents::Contents, published::Published};
use self::{
    files::{GetCommand, ListCommand, PutCommand},
    serve::ServeCommand,
};
use crate::{CliError, cli::Session};

/// `aiigo store`.
#[derive(Subcommand, Debug)]
pub(crate) enum StoreCommand {
    Serve(ServeCommand),
    Put(PutCommand),
    Get(GetCommand),
    Ls(ListCommand),
}

impl StoreCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Serve(command) => command.run(session).await,
            Self::Put(command) => command.run(session).await,
            Self::Get(command) => command.run(session).await,
            Self::Ls(command) => command.run(session).await,
        }
    }
}
