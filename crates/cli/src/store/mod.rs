//! `aiigo store`: a buyer's blobs, and the gateway through which providers reach them.

mod authorizer;
mod contents;
mod files;
mod pins;
mod published;
mod serve;

use clap::Subcommand;

pub use self::{
    authorizer::ChainAuthorizer,
    contents::{Content, Contents, Entry},
    published::Published,
};
pub(crate) use self::{
    contents::name_of,
    pins::{order_became_task, order_holder, task_is_over},
};
use self::{
    files::{GetCommand, ListCommand, PutCommand},
    pins::{GcCommand, PinsCommand, UnpinCommand},
    serve::ServeCommand,
};
use crate::{CliError, cli::Session};

/// `aiigo store`.
#[derive(Subcommand, Debug)]
pub(crate) enum StoreCommand {
    Serve(ServeCommand),
    #[command(visible_alias = "add")]
    Put(PutCommand),
    Get(GetCommand),
    Ls(ListCommand),
    Pins(PinsCommand),
    Unpin(UnpinCommand),
    Gc(GcCommand),
}

impl StoreCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::Serve(command) => command.run(session).await,
            Self::Put(command) => command.run(session).await,
            Self::Get(command) => command.run(session).await,
            Self::Ls(command) => command.run(session).await,
            Self::Pins(command) => command.run(session).await,
            Self::Unpin(command) => command.run(session).await,
            Self::Gc(command) => command.run(session).await,
        }
    }
}
