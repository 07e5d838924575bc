//! The Python programs of the proofs: `.aiigo/prove`.

use std::{path::PathBuf, process::Command};

use crate::{
    project::Error,
    python::Tools,
    shell::{command, forge},
};

const TOOLS: Tools =
    Tools { name: "prove", requirements: include_str!("requirements.txt"), what: "halmos and slither" };

/// One of them, which is installed first if it has to be; forge is on its PATH.
pub(super) fn tool(name: &str) -> Result<Command, Error> {
    let bin = TOOLS.folder()?;
    let forge = forge()?;
    let forge = PathBuf::from(forge.get_program());
    let folders = [Some(bin.clone()), forge.parent().map(PathBuf::from)];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.into_iter().flatten().chain(std::env::split_paths(&path)))?;
    let mut tool = command(bin.join(name));
    tool.env("PATH", path);
    Ok(tool)
}
