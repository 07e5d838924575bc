//! `cargo xtask test`: every check, the quick ones first.

use clap::Args;

use crate::{
    abi::{self, AbiArgs},
    layouts::{self, LayoutArgs},
    project::Error,
    setup,
    shell::{self, cargo, heading},
};

/// What no test can run without its device is compiled at least.
const DEVICES: &str = "--features=aiigo-chain/aws-kms,aiigo-chain/ledger";

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
    heading("Crates and end-to-end");
    // Builds the programs too, before any test runs: each has tests of its own.
    shell::run(cargo().args(["test", "--locked", "--workspace"]))?;
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
    }
    eprintln!("\nAll checks passed.");
    Ok(())
}
