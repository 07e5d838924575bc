//! The bytecode of some tests with one source of the contracts replaced: a tenth of what compiling all of them takes.

use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde::Deserialize;
use serde_json::{Value, json};

use super::folder::PROFILE;
use crate::project::Error;

/// A compiler that stays loaded.
pub(super) struct Compiler {
    process: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

/// A line of what it says.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Compiled {
    /// The creation code of each contract: `File.sol/Contract` as in forge's folder of artifacts.
    Artifacts(BTreeMap<String, String>),
    /// Why there is none.
    Error(String),
}

impl Compiler {
    /// Starts it over a copy of the contracts, with the settings that forge has there.
    pub(super) fn new(folder: &Path, forge: &Path) -> Result<Self, Error> {
        let script = folder.join("compiler.js");
        fs::write(&script, include_str!("compiler.js"))?;
        let mut process = Command::new("node")
            .arg(script)
            .arg(folder)
            .arg(settings(folder, forge)?.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let (Some(input), Some(output)) = (process.stdin.take(), process.stdout.take()) else {
            return Err("the compiler has no pipes".into());
        };
        Ok(Self { process, input, output: BufReader::new(output) })
    }

    /// Compiles `files` with `source` in place of the file at `path`.
    pub(super) fn compile(&mut self, files: &[String], path: &str, source: &str) -> Result<Compiled, Error> {
        writeln!(self.input, "{}", json!({ "path": path, "source": source, "files": files }))?;
        let mut line = String::new();
        self.output.read_line(&mut line)?;
        Ok(serde_json::from_str(&line).map_err(|error| format!("the compiler said `{line}`: {error}"))?)
    }
}

impl Drop for Compiler {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The compiler's settings, of forge's own.
fn settings(folder: &Path, forge: &Path) -> Result<Value, Error> {
    let output =
        Command::new(forge).args(["config", "--json"]).current_dir(folder).env("FOUNDRY_PROFILE", PROFILE).output()?;
    if !output.status.success() {
        return Err(format!("forge config: {}", String::from_utf8_lossy(&output.stderr).trim()).into());
    }
    let config: Value = serde_json::from_slice(&output.stdout)?;
    Ok(json!({
        "remappings": config["remappings"],
        "evmVersion": config["evm_version"],
        "optimizer": { "enabled": config["optimizer"], "runs": config["optimizer_runs"] },
        "viaIR": config["via_ir"],
    }))
}
