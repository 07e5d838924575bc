//! Running other programs, and saying what runs.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use console::style;

use crate::project::{Error, root};

/// Says what begins, on stderr.
pub(crate) fn heading(text: &str) {
    eprintln!("{} {text}", style("▸").cyan().bold());
}

/// A command of the project, started in its root. Its standard output joins stderr: stdout is for results.
pub(crate) fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// cargo, as it was called for this program.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// forge itself, not npm's launcher, which swallows its exit code.
pub(crate) fn forge() -> Result<Command, Error> {
    Ok(command(aiigo_devnet::find_tool("forge", root())?))
}

/// Runs a command to its end, its output shown on stderr.
pub(crate) fn run(command: &mut Command) -> Result<(), Error> {
    let shown = shown(command);
    let status =
        command.stdout(std::io::stderr()).status().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})").into()) }
}

/// Runs a command to its end; what it prints is the result.
pub(crate) fn run_through(command: &mut Command) -> Result<(), Error> {
    let shown = shown(command);
    let status = command.status().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("`{shown}` failed ({status})").into()) }
}

/// Runs a command and returns what it printed; its errors are part of the error.
pub(crate) fn output(command: &mut Command) -> Result<String, Error> {
    let shown = shown(command);
    let output = command.output().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    } else {
        let stderr = String::from_utf8_lossy(&output.stderr);
        Err(format!("`{shown}` failed ({}): {}", output.status, stderr.trim()).into())
    }
}

/// What a command printed, whether it succeeded or not.
pub(crate) struct Captured {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs a command for what it prints when failing is one of its answers.
pub(crate) fn captured(command: &mut Command) -> Result<Captured, Error> {
    let shown = shown(command);
    let output = command.output().map_err(|error| format!("cannot start `{shown}`: {error}"))?;
    Ok(Captured {
        success: output.status.success(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let mut text = program.to_string_lossy().into_owned();
    for argument in command.get_args() {
        text.push(' ');
        text.push_str(&argument.to_string_lossy());
    }
    text
}
