//! halmos on `contracts/test/symbolic`.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use super::{Finding, python};
use crate::{
    project::{Error, root},
    shell,
};

/// At least so many properties are proven: the suite's goal.
const LEAST: usize = 20;
/// Seconds for one query of the solver.
const PATIENCE: &str = "120s";
/// Random queries on which the solver's rewriting is compared with the solver it replaces.
const SELF_TEST: &str = "60";

#[derive(Deserialize)]
struct Report {
    test_results: BTreeMap<String, Vec<Test>>,
}

#[derive(Deserialize)]
struct Test {
    name: String,
    exitcode: u32,
}

fn self_test() -> Result<(), Error> {
    shell::run(python::tool("python")?.arg(solver()).args(["--self-test", SELF_TEST]))
}

fn solver() -> std::path::PathBuf {
    root().join("xtask/src/prove/integers.py")
}

fn halmos(matching: Option<&str>) -> Result<Vec<(String, bool)>, Error> {
    let json = root().join("cache/symbolic/results.json");
    if let Some(folder) = json.parent() {
        fs::create_dir_all(folder)?;
    }
    let _ = fs::remove_file(&json); // the last run's
    let python = python::tool("python")?;
    let solver = format!("{} {}", python.get_program().to_string_lossy(), solver().display());
    let mut halmos = python::tool("halmos")?;
    halmos
        .args(["--no-status", "--minimal-json-output", "--forge-build-out", "out/symbolic"])
        .args(["--solver-threads", "1", "--solver-timeout-assertion", PATIENCE])
        .arg("--solver-command")
        .arg(solver)
        .arg("--json-output")
        .arg(&json)
        .env("FOUNDRY_PROFILE", "symbolic");
    if let Some(matching) = matching {
        halmos.args(["--match-test", matching]);
    }
    let ended = shell::run(&mut halmos);
    // A test that fails is an error of halmos, too: the report tells it from one that could not run.
    let Ok(text) = fs::read_to_string(&json) else {
        return Err(ended.err().unwrap_or_else(|| "halmos wrote no report".into()));
    };
    let report: Report = serde_json::from_str(&text).map_err(|error| format!("halmos's report: {error}"))?;
    Ok(report.test_results.into_values().flatten().map(|test| (test.name, test.exitcode == 0)).collect())
}

pub(super) fn run(matching: Option<&str>) -> Result<Finding, Error> {
    self_test()?;
    let tests = halmos(matching)?;
    let failed: Vec<_> = tests.iter().filter(|(_, passed)| !passed).map(|(name, _)| name.as_str()).collect();
    let enough = matching.is_some() || tests.len() >= LEAST;
    let mut numbers = format!("{} of {} properties proven", tests.len() - failed.len(), tests.len());
    if !failed.is_empty() {
        numbers += &format!("; not: {}", failed.join(", "));
    }
    Ok(Finding { passed: failed.is_empty() && !tests.is_empty() && enough, numbers })
}
