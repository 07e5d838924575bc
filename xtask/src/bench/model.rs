//! `cargo xtask bench model`: in the mode that the tests run in.

use clap::Args;

use crate::{
    project::Error,
    setup,
    shell::{self, cargo, heading},
};

#[derive(Args)]
pub(crate) struct ModelArgs {
    /// Print one JSON document on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
    /// How long to measure.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..))]
    seconds: u16,
}

pub(crate) fn run(args: &ModelArgs) -> Result<(), Error> {
    setup::npm_packages()?;
    heading("Building the bench as the tests are built, then measuring");
    let mut bench = cargo();
    bench.args([
        "bench",
        "--locked",
        "--quiet",
        "--profile",
        "dev",
        "--package",
        "aiigo-model",
        "--bench",
        "calls",
        "--",
    ]);
    bench.args(["--seconds", &args.seconds.to_string()]);
    if args.json {
        bench.arg("--json");
    }
    shell::run_through(&mut bench)
}
