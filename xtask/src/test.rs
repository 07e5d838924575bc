//! `cargo xtask test`: every check, the quick ones first.

use std::{num::NonZeroUsize, thread::available_parallelism};

use clap::Args;

use crate::{
    abi::{self, AbiArgs},
    dist::PROGRAMS,
    layouts::{self, LayoutArgs},
    project::Error,
    setup,
    shell::{self, cargo, heading},
};

/// What no test can run without its device is compiled at least.
const DEVICES: &str = "--features=aiigo-chain/aws-kms,aiigo-chain/ledger";

/// What says how many tests of a program run at a time.
const THREADS: &str = "RUST_TEST_THREADS";
/// Most of them wait for blocks, not for a processor: a small machine runs so many at a time even so.
const LEAST_THREADS: usize = 4;

#[derive(Args)]
pub(crate) struct TestArgs {
    /// Leave formatting and lints out.
    #[arg(long)]
    no_lint: bool,
}

pub(crate) fn run(args: &TestArgs) -> Result<(), Error> {
    setup::npm_packages()?;
    if !args.no_lint {
        heading("Formatting");
        shell::run(cargo().args(["fmt", "--all", "--check"]))?;
        shell::run(shell::forge()?.args(["fmt", "--check"]))?;
    }
    abi::run(&AbiArgs::check())?;
    layouts::run(&LayoutArgs::check())?;
    heading("Contracts: unit, fuzz and invariant tests");
    shell::run(shell::forge()?.args(["test", "--gas-snapshot-check", "true"]))?;
    setup::examples()?;
    setup::postgresql()?;
    setup::docker()?;
    setup::vulkan()?;
    heading("Crates and end-to-end");
    // Builds the programs too, before any test runs: each has tests of its own.
    let mut tests = cargo();
    tests.args(["test", "--locked", "--workspace"]);
    if std::env::var_os(THREADS).is_none() {
        let cores = available_parallelism().map_or(1, NonZeroUsize::get);
        tests.env(THREADS, cores.max(LEAST_THREADS).to_string());
    }
    shell::run(&mut tests)?;
    if !args.no_lint {
        heading("Lints");
        shell::run(cargo().args([
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            DEVICES,
            "--",
            "-D",
            "warnings",
        ]))?;
        heading("The programs alone");
        // As users build them: a feature that only a test asks for is not there.
        let packages = PROGRAMS.iter().flat_map(|(package, _)| ["--package", package]);
        shell::run(cargo().args(["check", "--locked", "--bins"]).args(packages))?;
    }
    eprintln!("\nAll checks passed.");
    Ok(())
}
