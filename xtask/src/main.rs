//! The project's own commands: `cargo xtask demo | test | prove | bench | abi | layouts | ptx | dist | setup`.

mod abi;
mod bench;
mod demo;
mod dist;
mod layouts;
mod project;
mod prove;
mod ptx;
mod python;
mod setup;
mod shell;
mod test;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The project's own commands", disable_help_subcommand = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start a market on this machine and run one real job in it, from end to end.
    Demo(demo::DemoArgs),
    /// Run every check: formatting, lints, contracts, crates, end-to-end.
    Test(test::TestArgs),
    /// Measure what the project is held to.
    #[command(subcommand)]
    Bench(bench::BenchCommand),
    /// Regenerate the checked-in ABI that the Rust bindings are built from.
    Abi(abi::AbiArgs),
    /// Write down where the upgradeable contracts keep what.
    Layouts(layouts::LayoutArgs),
    /// Compile the CUDA kernels to the checked-in PTX.
    Ptx(ptx::PtxArgs),
    /// Run what takes long or needs Python: symbolic tests, slither, coverage, mutation, deep invariants.
    Prove(prove::ProveArgs),
    /// Pack the programs with completions, manual pages, service and container files, as a release has them.
    Dist(dist::DistArgs),
    /// Install what the other commands need: npm packages, the wasm target, the example's module.
    Setup,
    /// Run the project's own forge.
    #[command(disable_help_flag = true)]
    Forge {
        /// What forge gets.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<std::ffi::OsString>,
    },
}

fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Demo(args) => demo::run(args),
        Command::Test(args) => test::run(&args),
        Command::Bench(command) => bench::run(&command),
        Command::Abi(args) => abi::run(&args),
        Command::Layouts(args) => layouts::run(&args),
        Command::Ptx(args) => ptx::make(&args),
        Command::Prove(args) => prove::run(&args),
        Command::Dist(args) => dist::run_dist(&args),
        Command::Setup => setup::everything(),
        Command::Forge { arguments } => {
            setup::npm_packages().and_then(|()| shell::forge()).and_then(|mut forge| shell::run(forge.args(arguments)))
        }
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => aiigo_telemetry::report_and_exit_code(&*error),
    }
}
