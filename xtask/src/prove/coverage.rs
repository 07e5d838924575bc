//! `forge coverage` of `contracts/src`.

use std::{collections::BTreeMap, fs};

use super::Finding;
use crate::{
    project::{Error, root},
    shell::{self, forge},
};

/// The part of the lines that the tests run through, percent.
const LINES: f64 = 98.0;
/// The same of the branches.
const BRANCHES: f64 = 95.0;

/// What an LCOV report says of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Covered {
    lines: Part,
    branches: Part,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    hit: u32,
    all: u32,
}

impl Part {
    fn add(&mut self, other: Self) {
        self.hit += other.hit;
        self.all += other.all;
    }

    fn percent(self) -> f64 {
        if self.all == 0 { 100.0 } else { f64::from(self.hit) * 100.0 / f64::from(self.all) }
    }
}

pub(super) fn run() -> Result<Finding, Error> {
    let report = root().join("cache/coverage.lcov");
    fs::create_dir_all(root().join("cache"))?;
    // The campaigns of random calls are left out: they are slow without the optimizer, and a line that only they reach
    // has no test of its own. So are the limits of gas, which hold with the optimizer only.
    shell::run(
        forge()?
            .args(["coverage", "--report", "lcov", "--report-file"])
            .arg(&report)
            .args(["--no-match-path", "contracts/test/{invariant/**,symbolic/**,unit/*Gas.t.sol}"])
            .env("FOUNDRY_PROFILE", "coverage"),
    )?;
    let files = parse(&fs::read_to_string(&report)?);
    let mut sum = Covered::default();
    for (file, covered) in &files {
        sum.lines.add(covered.lines);
        sum.branches.add(covered.branches);
        if covered.lines.hit < covered.lines.all || covered.branches.hit < covered.branches.all {
            eprintln!(
                "  {file}: {}/{} lines, {}/{} branches",
                covered.lines.hit, covered.lines.all, covered.branches.hit, covered.branches.all
            );
        }
    }
    let (lines, branches) = (sum.lines.percent(), sum.branches.percent());
    Ok(Finding {
        passed: !files.is_empty() && lines >= LINES && branches >= BRANCHES,
        numbers: format!(
            "{lines:.2}% of {} lines (goal {LINES}%), {branches:.2}% of {} branches (goal {BRANCHES}%)",
            sum.lines.all, sum.branches.all
        ),
    })
}

/// The files below `contracts/src` of an LCOV report.
fn parse(report: &str) -> BTreeMap<String, Covered> {
    let mut files = BTreeMap::new();
    let (mut file, mut covered) = (String::new(), Covered::default());
    for line in report.lines() {
        let (key, value) = line.split_once(':').unwrap_or((line, ""));
        let number = || value.parse::<u32>().unwrap_or(0);
        match key {
            "SF" => (file, covered) = (value.to_owned(), Covered::default()),
            "LF" => covered.lines.all = number(),
            "LH" => covered.lines.hit = number(),
            "BRF" => covered.branches.all = number(),
            "BRH" => covered.branches.hit = number(),
            "end_of_record" if file.contains("contracts/src/") => {
                files.insert(std::mem::take(&mut file), covered);
            }
            _ => {}
        }
    }
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sources_count() {
        let report = "TN:\nSF:contracts/src/A.sol\nDA:1,2\nBRF:4\nBRH:3\nLF:10\nLH:9\nend_of_record\n\
                      TN:\nSF:contracts/test/B.sol\nLF:10\nLH:0\nBRF:0\nBRH:0\nend_of_record\n";
        let files = parse(report);
        assert_eq!(files.len(), 1);
        let covered = files["contracts/src/A.sol"];
        assert_eq!(covered, Covered { lines: Part { hit: 9, all: 10 }, branches: Part { hit: 3, all: 4 } });
        assert!((covered.lines.percent() - 90.0).abs() < 1e-9);
    }

    #[test]
    fn a_file_without_branches_misses_none() {
        assert!((Part::default().percent() - 100.0).abs() < 1e-9);
    }
}
