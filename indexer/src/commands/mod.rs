//! The command line.

mod doctor;
mod migrate;
mod rewards;
mod run;
mod status;
mod verify;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use aiigo_telemetry::{LogArgs, ManualCommand, TelemetryError, init_logs, report_and_exit_code};
use clap::{CommandFactory as _, Parser, Subcommand};

use crate::{graphql, ingest::IngestError, store::StoreError};
pub use doctor::DoctorCommand;
pub use migrate::MigrateCommand;
pub use rewards::RewardsCommand;
pub use run::RunCommand;
pub use status::StatusCommand;
pub use verify::VerifyCommand;

/// Follows the chain into a database and answers questions about it over GraphQL.
#[derive(Parser, Debug)]
#[command(name = "aiigo-indexer", version, disable_help_subcommand = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    logs: LogArgs,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Index the chain and serve GraphQL.
    Run(RunCommand),
    /// Make the database's tables, or bring them up to date.
    Migrate(MigrateCommand),
    /// Say how far the database is indexed.
    Status(StatusCommand),
    /// Compare the database with the contracts, and report every difference.
    Verify(VerifyCommand),
    /// Recompute the bonuses up to an epoch: the root, and the tree of its proofs.
    Rewards(RewardsCommand),
    /// Print the GraphQL schema.
    Schema,
    /// Check chain, deployment, database and port, and say what to do about what is wrong.
    Doctor(DoctorCommand),
    #[command(flatten)]
    Manual(ManualCommand),
}

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// Logs, metrics or the listener can't be set up.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// The chain can't be reached.
    #[error(transparent)]
    Chain(#[from] aiigo_chain::rpc::RpcError),
    /// The database can't be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index can't be compared with the chain.
    #[error(transparent)]
    Verify(#[from] crate::verify::VerifyError),
    /// Indexing stopped.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// The server stopped.
    #[error("the server failed: {0}")]
    Serve(#[source] io::Error),
    /// The result can't be printed.
    #[error("cannot write the result: {0}")]
    Output(#[source] io::Error),
    /// The program can't be started.
    #[error("cannot start the runtime: {0}")]
    Runtime(#[source] io::Error),
    /// There is nothing to recompute yet.
    #[error(
        "epoch {epoch} is not closed as of block {block:?}: `aiigo-indexer run` has to index the block that closes it"
    )]
    EpochNotClosed {
        /// What was asked for.
        epoch: u64,
        /// The last indexed block.
        block: Option<u64>,
    },
    /// The tree can't be written.
    #[error("cannot write {}: {source}", file.display())]
    Tree {
        /// Where to.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A part of the program broke down.
    #[error("a part of the indexer broke down: {0}")]
    Broken(#[from] tokio::task::JoinError),
}

impl CommandError {
    /// Whether waiting may mend it.
    fn passes_by_itself(&self) -> bool {
        match self {
            Self::Store(error) | Self::Ingest(IngestError::Store(error)) => error.passes_by_itself(),
            _ => false,
        }
    }
}

impl Cli {
    /// Runs the command: 0 done, 1 failed.
    pub fn execute(self) -> ExitCode {
        match self.run() {
            Ok(code) => code,
            Err(error) => report_and_exit_code(&error),
        }
    }

    fn run(self) -> Result<ExitCode, CommandError> {
        init_logs(&self.logs)?;
        match self.command {
            Command::Schema => print(&graphql::schema().sdl())?,
            Command::Manual(command) => print(&command.run(Self::command()).map_err(CommandError::Output)?)?,
            Command::Run(command) => runtime()?.block_on(command.run())?,
            Command::Migrate(command) => runtime()?.block_on(command.run())?,
            Command::Status(command) => runtime()?.block_on(command.run())?,
            Command::Verify(command) => return runtime()?.block_on(command.run()),
            Command::Rewards(command) => runtime()?.block_on(command.run())?,
            Command::Doctor(command) => return runtime()?.block_on(command.run()),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, CommandError> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(CommandError::Runtime)
}

/// Prints a result.
fn print(text: &str) -> Result<(), CommandError> {
    writeln!(io::stdout(), "{}", text.trim_end()).map_err(CommandError::Output)
}
