//! `cargo xtask ptx`: the CUDA kernels as PTX, for machines without NVRTC.

use std::fs;

use alloy::primitives::keccak256;
use clap::Args;

use crate::{
    project::{Error, root},
    python::Tools,
    shell::{command, heading, run},
};

const SOURCE: &str = "crates/pow/src/gpu/cuda/keccak.cu";
const PTX: &str = "crates/pow/src/gpu/cuda/keccak.ptx";
/// The oldest compiler that knows the language: a driver takes no PTX of a newer release than its own.
const TOOLS: Tools = Tools { name: "ptx", requirements: include_str!("requirements.txt"), what: "NVRTC's packages" };
/// Maxwell, of 2014: the first with the three-input logic that the source asks for. Later ones take it too.
const OPTIONS: [&str; 2] = ["--gpu-architecture=compute_50", "--std=c++14"];

#[derive(Args)]
pub(crate) struct PtxArgs {
    /// Change nothing; fail if the checked-in PTX is not what the compiler makes of the source.
    #[arg(long)]
    check: bool,
}

pub(crate) fn make(args: &PtxArgs) -> Result<(), Error> {
    let tools = TOOLS.folder()?;
    heading(&format!("Compiling {SOURCE}"));
    let source = root().join(SOURCE);
    let made = tools.join("keccak.ptx");
    let script = root().join("xtask/src/ptx/compile.py");
    run(command(tools.join("python")).arg(script).args([&source, &made]).args(OPTIONS))?;
    let text = fs::read_to_string(made)?;
    let hash = keccak256(fs::read(source)?);
    let text = format!("// Made of keccak.cu, keccak-256 {hash}, by `cargo xtask ptx`.\n{text}");
    let target = root().join(PTX);
    if !args.check {
        return Ok(fs::write(target, text)?);
    }
    match fs::read_to_string(target)? == text {
        true => Ok(()),
        false => Err(format!("{PTX} is not what the compiler makes of {SOURCE}: run `cargo xtask ptx`").into()),
    }
}
