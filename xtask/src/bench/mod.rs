//! `cargo xtask bench`: the numbers that the project is held to.

mod agent;
mod cli;
mod indexer;
mod keeper;
mod memory;
mod model;
mod pow;
mod sender;

use clap::Subcommand;

use crate::project::Error;

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Hashes per second of every processor backend, beside the usual implementations of keccak-256.
    Pow(pow::PowArgs),
    /// What a provider's agent makes of many small tasks, and what its sandbox and its hashing take.
    Agent(agent::AgentArgs),
    /// How long a person waits for the command line.
    Cli(cli::CliArgs),
    /// How soon a keeper has done what thousands of nodes and tasks leave to do, and what it costs it.
    Keeper(keeper::KeeperArgs),
    /// How fast a history is indexed, how soon a new block can be asked about, and how fast questions are answered.
    Indexer(indexer::IndexerArgs),
    /// Calls per second that the money model is held against the deployed bytecode with.
    Model(model::ModelArgs),
}

pub(crate) fn run(command: &BenchCommand) -> Result<(), Error> {
    match command {
        BenchCommand::Pow(args) => pow::run(args),
        BenchCommand::Agent(args) => agent::run(args),
        BenchCommand::Cli(args) => cli::run(args),
        BenchCommand::Keeper(args) => keeper::run(args),
        BenchCommand::Indexer(args) => indexer::run(args),
        BenchCommand::Model(args) => model::run(args),
    }
}
