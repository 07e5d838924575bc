//! `cargo xtask bench pow`: built as a release is, apart from this program.

use clap::Args;

use crate::{
    project::Error,
    shell::{self, cargo, heading},
};

#[derive(Args)]
pub(crate) struct PowArgs {
    /// Print one JSON document on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
    /// How long to measure.
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
    seconds: u16,
}

pub(crate) fn run(args: &PowArgs) -> Result<(), Error> {
    heading("Building the bench as a release is built, then measuring");
    let mut bench = cargo();
    bench.args([
        "bench",
        "--locked",
        "--quiet",
        "--package",
        "aiigo-pow",
        "--features",
        "cuda,wgpu",
        "--bench",
        "backends",
        "--",
    ]);
    bench.args(["--seconds", &args.seconds.to_string()]);
    if args.json {
        bench.arg("--json");
    }
    shell::run_through(&mut bench)
}
