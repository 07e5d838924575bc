//! A copy of the contracts, built, and forge running in it.

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

use crate::project::{Error, root, state_dir};

/// The quickest profile to compile.
pub(super) const PROFILE: &str = "lite";
/// How often a running forge is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A folder with a copy of the project's contracts.
pub(super) struct Folder {
    path: PathBuf,
    forge: PathBuf,
    limit: Duration,
}

/// How a run of forge ended.
pub(super) enum Ended {
    Passed,
    Failed(String),
    Late,
}

impl Folder {
    /// Copies the contracts and builds them.
    pub(super) fn new(name: &str, forge: &Path, limit: Duration) -> Result<Self, Error> {
        let path = state_dir().join("mutation").join(name);
        fs::create_dir_all(&path)?;
        // A run that was killed may have left a mutant's bytecode there, which forge would not notice.
        for left in ["out", "cache"].map(|name| path.join(name)).iter().filter(|left| left.exists()) {
            fs::remove_dir_all(left)?;
        }
        for copied in ["contracts", "deployments"] {
            let target = path.join(copied);
            if target.exists() {
                fs::remove_dir_all(&target)?;
            }
            copy(&root().join(copied), &target)?;
        }
        for copied in ["foundry.toml", "package.json"] {
            fs::copy(root().join(copied), path.join(copied))?;
        }
        fs::create_dir_all(path.join(".aiigo"))?;
        let modules = path.join("node_modules");
        if !modules.exists() {
            symlink(root().join("node_modules").canonicalize()?, modules)?;
        }
        let folder = Self { path, forge: forge.to_path_buf(), limit };
        match folder.build()? {
            Ended::Passed => Ok(folder),
            Ended::Failed(output) => Err(format!("the contracts don't build without a change: {output}").into()),
            Ended::Late => Err("the contracts don't build within the time limit: raise --limit".into()),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where forge keeps what it has compiled.
    pub(super) fn artifacts(&self) -> PathBuf {
        self.path.join("out").join(PROFILE)
    }

    fn build(&self) -> Result<Ended, Error> {
        self.forge(&["build"])
    }

    /// Runs the tests whose files match, up to the first that fails.
    pub(super) fn test(&self, tests: &str) -> Result<Ended, Error> {
        self.forge(&["test", "--fail-fast", "--match-path", tests])
    }

    fn forge(&self, arguments: &[&str]) -> Result<Ended, Error> {
        let log = self.path.join("forge.log");
        let output = fs::File::create(&log)?;
        let mut child = Command::new(&self.forge)
            .args(arguments)
            .current_dir(&self.path)
            .env("FOUNDRY_PROFILE", PROFILE)
            .env("FOUNDRY_LINT_LINT_ON_BUILD", "false")
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
