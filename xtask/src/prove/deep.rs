//! The invariants in the `deep` profile: more and longer runs than every change is worth.

use super::Finding;
use crate::{
    project::Error,
    shell::{self, forge},
};

pub(super) fn run(timeout: Option<u32>) -> Result<Finding, Error> {
    let mut command = forge()?;
    command.args(["test", "--match-path", "contracts/test/invariant/**", "--json"]).env("FOUNDRY_PROFILE", "deep");
    if let Some(seconds) = timeout {
        command.env("FOUNDRY_INVARIANT_TIMEOUT", seconds.to_string());
    }
    let ended = shell::captured(&mut command)?;
    let report: serde_json::Value = serde_json::from_str(ended.stdout.trim())
        .map_err(|error| format!("forge's report: {error}\n{}", ended.stderr.trim()))?;
    let (mut campaigns, mut calls, mut failed) = (0_u64, 0_u64, Vec::new());
    for suite in report.as_object().into_iter().flat_map(|suites| suites.values()) {
        for (name, test) in suite["test_results"].as_object().into_iter().flatten() {
            if test["status"] != "Success" {
                failed.push(name.clone());
                eprintln!("  {name}: {}", test["reason"]);
                eprintln!("  {}", test["counterexample"]);
            }
            let kind = &test["kind"]["Invariant"];
            if kind.is_object() {
                campaigns += 1;
                calls += kind["calls"].as_u64().unwrap_or(0);
            }
        }
    }
    let mut numbers = format!("{campaigns} campaigns, {calls} calls");
    if !failed.is_empty() {
        numbers += &format!("; broken: {}", failed.join(", "));
    }
    Ok(Finding { passed: ended.success && failed.is_empty() && campaigns > 0, numbers })
}
