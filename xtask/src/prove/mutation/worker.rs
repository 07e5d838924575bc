//! A copy of the contracts to break, and forge running in it.

use std::{
    fs,
    os::unix::{fs::symlink, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use nix::{
    sys::signal::{Signal, killpg},
    unistd::Pid,
};

use super::{Mutant, results::Verdict};
use crate::project::{Error, root, state_dir};

/// The quickest profile to compile.
const PROFILE: &str = "lite";
/// What is asked last of all, because it takes longest, is not asked at all: the campaigns of random calls.
const REST: &str = "contracts/test/{unit,fuzz,deployment}/**/*.sol";
/// How often a running forge is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A folder with a copy of the project's contracts.
pub(super) struct Worker {
    folder: PathBuf,
    forge: PathBuf,
    limit: Duration,
}

/// How a run of forge ended.
enum Ended {
    Passed,
    Failed(String),
    Late,
}

impl Worker {
    /// Copies the contracts, builds them once, and makes sure that what is asked of the mutants holds without a change.
    pub(super) fn new(number: usize, forge: &Path, limit: Duration) -> Result<Self, Error> {
        let folder = state_dir().join(format!("mutation/worker-{number}"));
        fs::create_dir_all(&folder)?;
        for copied in ["contracts", "deployments"] {
            let target = folder.join(copied);
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            copy(&root().join(copied), &target)?;
        }
        for copied in ["foundry.toml", "package.json"] {
            fs::copy(root().join(copied), folder.join(copied))?;
        }
        fs::create_dir_all(folder.join(".aiigo"))?;
        let modules = folder.join("node_modules");
        if !modules.exists() {
            symlink(root().join("node_modules").canonicalize()?, modules)?;
        }
        let worker = Self { folder, forge: forge.to_path_buf(), limit };
        match worker.build()? {
            Ended::Passed => Ok(worker),
            Ended::Failed(output) => Err(format!("the contracts don't build without a change: {output}").into()),
            Ended::Late => Err("the contracts don't build within the time limit: raise --limit".into()),
        }
    }

    /// The tests pass without a change. Else every mutant would count as killed.
    pub(super) fn check(&self, tests: &str) -> Result<(), Error> {
        match self.test(tests)? {
            Ended::Passed => Ok(()),
            Ended::Failed(output) => Err(format!("{tests} fails without a change: {}", failure(&output)).into()),
            Ended::Late => Err(format!("{tests} takes longer than the time limit: raise --limit").into()),
        }
    }

    /// What becomes of a mutant, and which test noticed it.
    pub(super) fn judge(&self, mutant: &Mutant) -> Result<(Verdict, Option<String>), Error> {
        let path = self.folder.join("contracts/src").join(&mutant.file);
        let source = fs::read_to_string(&path)?;
        fs::write(&path, mutant.change.applied(&source))?;
        let verdict = self.verdict(mutant);
        fs::write(&path, source)?;
        verdict
    }

    fn verdict(&self, mutant: &Mutant) -> Result<(Verdict, Option<String>), Error> {
        match self.build()? {
            Ended::Passed => {}
            Ended::Failed(_) => return Ok((Verdict::NotCompiling, None)),
            Ended::Late => return Err("a mutant did not build within the time limit: raise --limit".into()),
        }
        for tests in [mutant.tests.as_str(), REST] {
            match self.test(tests)? {
                Ended::Passed => {}
                Ended::Failed(output) => return Ok((Verdict::Killed, Some(failure(&output)))),
                Ended::Late => return Ok((Verdict::Killed, Some("the time limit".into()))),
            }
        }
        Ok((Verdict::Survived, None))
    }

    /// Everything: a test may deploy from an artifact by name, which `forge test` would not compile again.
    fn build(&self) -> Result<Ended, Error> {
        self.forge(&["build"])
    }

    fn test(&self, tests: &str) -> Result<Ended, Error> {
        self.forge(&["test", "--fail-fast", "--match-path", tests])
    }

    fn forge(&self, arguments: &[&str]) -> Result<Ended, Error> {
        let log = self.folder.join("forge.log");
        let output = fs::File::create(&log)?;
        let mut child = Command::new(&self.forge)
            .args(arguments)
            .current_dir(&self.folder)
            .env("FOUNDRY_PROFILE", PROFILE)
            // The same cases for every mutant.
            .env("FOUNDRY_FUZZ_SEED", "0x1")
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .process_group(0)
            .spawn()?;
        let started = Instant::now();
        loop {
            if let Some(status) = child.try_wait()? {
                let output = fs::read_to_string(&log)?;
                return Ok(if status.success() { Ended::Passed } else { Ended::Failed(output) });
            }
            if started.elapsed() > self.limit {
                kill(&mut child)?;
                return Ok(Ended::Late);
            }
            thread::sleep(LOOK);
        }
    }
}

/// forge and the compiler that it started.
fn kill(child: &mut Child) -> Result<(), Error> {
    if let Ok(group) = i32::try_from(child.id()) {
        // It may have ended in between.
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    child.wait()?;
    Ok(())
}

/// The first line that names a failed test, or the last line of all.
fn failure(output: &str) -> String {
    let named = output.lines().find(|line| line.contains("[FAIL")).or_else(|| output.lines().last());
    let line = named.unwrap_or("no output").trim();
    // "[FAIL: reason] test_Name() (gas: 1)"
    let name = line.split_whitespace().find(|word| word.starts_with("test") || word.starts_with("invariant"));
    name.map_or_else(|| line.to_owned(), |name| name.split('(').next().unwrap_or(name).to_owned())
}

fn copy(from: &Path, to: &Path) -> Result<(), Error> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_test_that_noticed_is_named() {
        assert_eq!(failure("Ran 1\n[FAIL: a != b] test_ATipIsPaid() (gas: 12)\n"), "test_ATipIsPaid");
        assert_eq!(failure("[FAIL: x; counterexample: y] testFuzz_Sum(uint96) (runs: 1)"), "testFuzz_Sum");
        assert_eq!(failure("Error: something else"), "Error: something else");
    }
}
