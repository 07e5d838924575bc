//! The Python tools, in an environment of the project's own: `.aiigo/prove`.

use std::{fs, path::PathBuf, process::Command};

use crate::{
    project::{Error, root, state_dir},
    shell::{command, forge, heading, output, run},
};

/// What is installed.
const REQUIREMENTS: &str = include_str!("requirements.txt");
/// The oldest Python that halmos runs on.
const MINOR: u32 = 11;

/// A program of the environment, which is made first if it has to be; forge is on its PATH.
pub(super) fn tool(name: &str) -> Result<Command, Error> {
    let bin = environment()?.join("bin");
    let forge = forge()?;
    let forge = PathBuf::from(forge.get_program());
    let folders = [Some(bin.clone()), forge.parent().map(PathBuf::from)];
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(folders.into_iter().flatten().chain(std::env::split_paths(&path)))?;
    let mut tool = command(bin.join(name));
    tool.env("PATH", path);
    Ok(tool)
}

fn environment() -> Result<PathBuf, Error> {
    let folder = state_dir().join("prove");
    let stamp = folder.join("requirements.txt");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == REQUIREMENTS) {
        return Ok(folder);
    }
    let python = python()?;
    heading("Installing halmos and slither (PyPI) into .aiigo/prove");
    fs::create_dir_all(state_dir())?;
    run(command(python).args(["-m", "venv", "--clear"]).arg(&folder))
        .map_err(|error| format!("{error}: on Debian, `apt-get install python3-venv`"))?;
    let list = root().join("xtask/src/prove/requirements.txt");
    run(command(folder.join("bin/pip"))
        .args(["install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(list))?;
    fs::write(stamp, REQUIREMENTS)?;
    Ok(folder)
}

fn python() -> Result<&'static str, Error> {
    let hint = format!(
        "halmos and slither need it; install Python 3.{MINOR} or newer with its venv module, then run the command again"
    );
    let version =
        output(Command::new("python3").arg("--version")).map_err(|_| format!("python3 was not found: {hint}"))?;
    let minor = version.trim().strip_prefix("Python 3.").and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    if minor.is_none_or(|minor| minor < MINOR) {
        return Err(format!("{} is too old: {hint}", version.trim()).into());
    }
    Ok("python3")
}
