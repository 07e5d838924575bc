//! `cargo xtask bench`: the numbers that the project is held to.

mod pow;

use clap::Subcommand;

use crate::project::Error;

#[derive(Subcommand)]
pub(crate) enum BenchCommand {
    /// Hashes per second of every processor backend, beside the usual implementations of keccak-256.
    Pow(pow::PowArgs),
}

pub(crate) fn run(command: &BenchCommand) -> Result<(), Error> {
    match command {
        BenchCommand::Pow(args) => pow::run(args),
    }
}
