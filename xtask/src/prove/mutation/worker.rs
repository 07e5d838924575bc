//! Who judges mutants, one at a time.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use super::{
    Mutant,
    compiler::{Compiled, Compiler},
    folder::{Ended, Folder},
    holders::holders,
    results::Verdict,
};
use crate::project::Error;

/// What deploys the suite for most tests, by its artifact.
const FIXTURE: &str = "contracts/test/SuiteFixture.sol";
/// All but what takes longest: the campaigns of random calls.
const FOLDERS: [&str; 3] = ["contracts/test/unit", "contracts/test/fuzz", "contracts/test/deployment"];

/// What became of a mutant, and which test noticed it.
pub(super) type Judgement = (Verdict, Option<String>);

/// A copy of the contracts whose tests are compiled once; of a mutant, only what holds its code is compiled, and put in the place of
/// what forge had compiled.
pub(super) struct Worker {
    folder: Folder,
    compiler: Compiler,
    /// The tests that have to be compiled, beside the fixture.
    holders: Vec<String>,
}

impl Worker {
    /// Copies the contracts and builds them.
    pub(super) fn new(number: usize, forge: &Path, limit: Duration) -> Result<Self, Error> {
        let folder = Folder::new(&format!("worker-{number}"), forge, limit)?;
        let compiler = Compiler::new(folder.path(), forge)?;
        let holders = holders(folder.path(), &FOLDERS)?;
        Ok(Self { folder, compiler, holders })
    }

    /// The tests pass with what was compiled here without a change. Else every mutant would count as killed.
    pub(super) fn check(&mut self) -> Result<(), Error> {
        let files = [&[FIXTURE.to_owned()], self.holders.as_slice()].concat();
        match self.ask(&files, "", "", &[&everything()])? {
            (Verdict::Survived, _) => Ok(()),
            (_, reason) => Err(format!("without a change, the tests fail: {}", reason.unwrap_or_default()).into()),
        }
    }

    /// What becomes of a mutant.
    pub(super) fn judge(&mut self, mutant: &Mutant) -> Result<Judgement, Error> {
        let path = format!("contracts/src/{}", mutant.file);
        let source = mutant.change.applied(&fs::read_to_string(self.folder.path().join(&path))?);
        let (first, rest): (Vec<_>, Vec<_>) =
            self.holders.iter().cloned().partition(|file| mutant.tests.iter().any(|pattern| matches(pattern, file)));
        let first = [&[FIXTURE.to_owned()], first.as_slice()].concat();
        match self.ask(&first, &path, &source, &[&any(&mutant.tests), &everything()])? {
            (Verdict::Survived, _) => self.ask(&rest, &path, &source, &[&any(&rest)]),
            judgement => Ok(judgement),
        }
    }

    /// Compiles `files` with `source` at `path`, puts them in place, runs the tests, and puts back what was there.
    fn ask(&mut self, files: &[String], path: &str, source: &str, tests: &[&str]) -> Result<Judgement, Error> {
        let artifacts = match self.compiler.compile(files, path, source)? {
            Compiled::Artifacts(artifacts) => artifacts,
            Compiled::Error(error) => return Ok((Verdict::NotCompiling, Some(error))),
        };
        let standing = self.replace(&artifacts)?;
        let judgement = judgement(&self.folder, tests);
        for (path, text) in standing {
            fs::write(path, text)?;
        }
        judgement
    }

    /// What was there.
    fn replace(&self, artifacts: &BTreeMap<String, String>) -> Result<Vec<(PathBuf, String)>, Error> {
        let mut standing = Vec::new();
        for (name, code) in artifacts {
            let path = self.folder.artifacts().join(format!("{name}.json"));
            let text = fs::read_to_string(&path)?;
            let mut artifact: serde_json::Value = serde_json::from_str(&text)?;
            artifact["bytecode"]["object"] = format!("0x{code}").into();
            fs::write(&path, artifact.to_string())?;
            standing.push((path, text));
        }
        Ok(standing)
    }
}

/// forge's `--match-path` for all that is asked.
fn everything() -> String {
    any(&FOLDERS.map(|folder| format!("{folder}/**/*.sol")))
}

/// forge's `--match-path` for any of these.
fn any(patterns: &[String]) -> String {
    format!("{{{}}}", patterns.join(","))
}

/// `pattern` has at most one star.
fn matches(pattern: &str, file: &str) -> bool {
    pattern.split_once('*').map_or(pattern == file, |(start, end)| file.starts_with(start) && file.ends_with(end))
}

fn judgement(folder: &Folder, tests: &[&str]) -> Result<Judgement, Error> {
    for tests in tests {
        match folder.test(tests)? {
            Ended::Passed => {}
            Ended::Failed(output) => return Ok((Verdict::Killed, Some(failure(&output)))),
            Ended::Late => return Ok((Verdict::Killed, Some("the time limit".into()))),
        }
    }
    Ok((Verdict::Survived, None))
}

/// The first line that names a failed test, or the last line of all.
fn failure(output: &str) -> String {
    let named = output.lines().find(|line| line.contains("[FAIL")).or_else(|| output.lines().last());
    let line = named.unwrap_or("no output").trim();
    // "[FAIL: reason] test_Name() (gas: 1)"
    let name = line.split_whitespace().find(|word| word.starts_with("test") || word.starts_with("invariant"));
    name.map_or_else(|| line.to_owned(), |name| name.split('(').next().unwrap_or(name).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_files() {
        assert!(matches("unit/Task*.t.sol", "unit/TaskDelivery.t.sol"));
        assert!(matches("unit/Bids.t.sol", "unit/Bids.t.sol"));
        assert!(!matches("unit/Task*.t.sol", "unit/MarketGas.t.sol"));
    }

    #[test]
    fn the_test_that_noticed_is_named() {
        assert_eq!(failure("Ran 1\n[FAIL: a != b] test_ATipIsPaid() (gas: 12)\n"), "test_ATipIsPaid");
        assert_eq!(failure("[FAIL: x; counterexample: y] testFuzz_Sum(uint96) (runs: 1)"), "testFuzz_Sum");
        assert_eq!(failure("Error: something else"), "Error: something else");
    }
}
