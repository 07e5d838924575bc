//! slither on `contracts/src`, as `slither.config.json` says.

use std::{collections::BTreeMap, fs};

use serde::Deserialize;

use super::{Finding, python};
use crate::{
    project::{Error, root},
    shell,
};

#[derive(Deserialize)]
struct Report {
    success: bool,
    error: Option<String>,
    results: Results,
}

#[derive(Default, Deserialize)]
struct Results {
    #[serde(default)]
    detectors: Vec<Detected>,
}

#[derive(Deserialize)]
struct Detected {
    check: String,
    impact: String,
    description: String,
}

pub(super) fn run() -> Result<Finding, Error> {
    let json = root().join("cache/slither.json");
    fs::create_dir_all(root().join("cache"))?;
    let _ = fs::remove_file(&json); // it does not overwrite the last run's
    // The lite profile compiles fastest, and what slither reads does not depend on the optimizer.
    let ended = shell::run(
        python::tool("slither")?
            .args([".", "--config-file", "slither.config.json", "--json"])
            .arg(&json)
            .env("FOUNDRY_PROFILE", "slither"),
    );
    let Ok(text) = fs::read_to_string(&json) else {
        return Err(ended.err().unwrap_or_else(|| "slither wrote no report".into()));
    };
    let report: Report = serde_json::from_str(&text).map_err(|error| format!("slither's report: {error}"))?;
    if !report.success {
        return Err(report.error.unwrap_or_else(|| "slither failed".into()).into());
    }
    let mut counts = BTreeMap::<String, usize>::new();
    for found in &report.results.detectors {
        eprintln!("  {} ({}): {}", found.check, found.impact, found.description.trim());
        *counts.entry(found.check.clone()).or_default() += 1;
    }
    let counts: Vec<_> = counts.into_iter().map(|(check, count)| format!("{check} {count}")).collect();
    let numbers = match report.results.detectors.len() {
        0 => "no finding".into(),
        all => format!("{all} findings: {}", counts.join(", ")),
    };
    Ok(Finding { passed: counts.is_empty(), numbers })
}
