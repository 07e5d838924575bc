//! The money model against the deployed bytecode, in more sequences than every change is worth.

use super::Finding;
use crate::{
    project::Error,
    shell::{self, cargo},
};

const SEQUENCES: &str = "14000";

pub(super) fn run() -> Result<Finding, Error> {
    let mut command = cargo();
    command.args([
        "test",
        "--locked",
        "--quiet",
        "--package",
        "aiigo-model",
        "--test",
        "differential",
        "--",
        "--nocapture",
    ]);
    let ended = shell::captured(command.env("PROPTEST_CASES", SEQUENCES))?;
    if !ended.success {
        eprintln!("{}\n{}", ended.stdout.trim(), ended.stderr.trim());
    }
    let counted = ended.stdout.lines().find(|line| line.contains(" calls, ")).unwrap_or("no call was counted");
    Ok(Finding { passed: ended.success, numbers: format!("{SEQUENCES} sequences, {}", counted.trim()) })
}
