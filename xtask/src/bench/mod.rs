//! `cargo xtask bench`: the numbers that the project is held to.

mod model;
mod pow;

use clap::Subcommand;

use crate::project::Error;

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Hashes per second of every processor backend, beside the usual implementations of keccak-256.
    Pow(pow::PowArgs),
    /// Calls per second that the money model is held against the deployed bytecode with.
    Model(model::ModelArgs),
}

pub(crate) fn run(command: &BenchCommand) -> Result<(), Error> {
    match command {
        BenchCommand::Pow(args) => pow::run(args),
        BenchCommand::Model(args) => model::run(args),
    }
}
