//! The project's forge scripts, run as a deployer would.

use std::{
    env, fmt,
    path::{Path, PathBuf},
    process::Stdio,
};

use aiigo_chain::import_keystore;
use alloy::{
    primitives::{Address, B256, U256},
    signers::local::PrivateKeySigner,
};
use serde::Deserialize;
use tokio::process::Command;
use url::Url;

use super::wei;
use crate::{CliError, cli::Session, error::Context, output::printable};

const DEPLOY: &str = "contracts/script/Deploy.s.sol";
const CHECK: &str = "contracts/script/CheckDeployment.s.sol";
/// Lines of a failed script's words that are shown.
const LAST_LINES: usize = 12;

/// forge, in a checkout of the project.
#[derive(Debug)]
pub(super) struct Forge {
    program: PathBuf,
    project: PathBuf,
    url: Url,
}

/// What is run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Script<'a> {
    /// Deploys, or tries it.
    Deploy { record: &'a Path, config: Option<&'a Path>, by: &'a Keystore, broadcast: bool },
    /// Compares the chain with a record.
    Check { record: &'a Path },
}

impl Forge {
    /// Finds forge and the project.
    ///
    /// # Errors
    /// If one of them is nowhere; the error says how to get it.
    pub(super) fn find(program: Option<PathBuf>, project: Option<PathBuf>, url: Url) -> Result<Self, CliError> {
        let project = match project {
            Some(dir) => std::path::absolute(&dir).context(|| format!("finding {}", dir.display()))?,
            None => {
                let here = env::current_dir().context(|| "finding the present folder".into())?;
                let found = here.ancestors().find(|dir| dir.join(DEPLOY).is_file()).map(Path::to_owned);
                found.unwrap_or(here)
            }
        };
        if !project.join(DEPLOY).is_file() {
            return Err(CliError::Failed(format!(
                "{} is no checkout of the project: there is no {DEPLOY}; clone it, and name it with --project DIR",
                project.display()
            )));
        }
        let program = match program {
            // A bare name is looked for in PATH; a path is the user's, not the project's.
            Some(program) if program.components().count() == 1 => program,
            Some(program) => std::path::absolute(&program).context(|| format!("finding {}", program.display()))?,
            None => forge_of(&project).ok_or_else(|| {
                CliError::Failed(format!(
                    "there is no forge: install Foundry (https://getfoundry.sh), or run `cargo xtask setup` in {}",
                    project.display()
                ))
            })?,
        };
        Ok(Self { program, project, url })
    }

    pub(super) fn project(&self) -> &Path {
        &self.project
    }

    /// Runs a script to its end; what it printed.
    ///
    /// # Errors
    /// If it fails, with its last words, or the user stops it.
    pub(super) async fn run(&self, script: Script<'_>, session: &Session) -> Result<String, CliError> {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.project).kill_on_drop(true).stdin(Stdio::null());
        command.args(["script", script.file(), "--non-interactive", "--json", "--rpc-url", self.url.as_str()]);
        script.describe(&mut command);
        let output = tokio::select! {
            output = command.output() => output.context(|| format!("running {}", self.program.display()))?,
            () = session.stop.cancelled() => {
                return Err(CliError::Interrupted { resume: script.left().into() });
            }
        };
        let (said, failed) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        match output.status.success() {
            true => Ok(said.into_owned()),
            false => Err(CliError::Failed(format!(
                "{} failed ({}):\n{}",
                script.file(),
                output.status,
                last_words(&failed, &said)
            ))),
        }
    }
}

/// The project's own forge, which npm brings, else the machine's.
fn forge_of(project: &Path) -> Option<PathBuf> {
    let system = if env::consts::OS == "macos" { "darwin" } else { env::consts::OS };
    let processor = match env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let own = project.join(format!("node_modules/@foundry-rs/forge-{system}-{processor}/bin/forge"));
    let path = env::var_os("PATH").unwrap_or_default();
    let all = env::split_paths(&path).map(|folder| folder.join("forge"));
    [own].into_iter().chain(all).find(|file| file.is_file())
}

/// The end of what a script said: why it failed.
fn last_words(stderr: &str, stdout: &str) -> String {
    let said = if stderr.trim().is_empty() { stdout } else { stderr };
    let lines: Vec<_> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.iter().skip(lines.len().saturating_sub(LAST_LINES));
    last.map(|line| format!("  {}", printable(line.chars().take(500).collect::<String>().as_str())))
        .collect::<Vec<_>>()
        .join("\n")
}

impl Script<'_> {
    const fn file(&self) -> &'static str {
        match self {
            Self::Deploy { .. } => DEPLOY,
            Self::Check { .. } => CHECK,
        }
    }

    /// What a script that is stopped leaves.
    const fn left(&self) -> &'static str {
        match self {
            Self::Deploy { broadcast: true, .. } => "What was deployed so far is of no use; nothing was recorded.",
            Self::Deploy { .. } => "Nothing was deployed.",
            Self::Check { .. } => "The comparison can be made again at any time: aiigo deploy --only-check",
        }
    }

    fn describe(&self, command: &mut Command) {
        match *self {
            Self::Check { record } => {
                command.env("AIIGO_DEPLOYMENT", record);
            }
            Self::Deploy { record, config, by, broadcast } => {
                command.env("AIIGO_DEPLOYMENT", record).env_remove("AIIGO_CONFIG");
                command.arg("--keystore").arg(&by.file).args(["--password", &by.password]);
                if let Some(config) = config {
                    command.env("AIIGO_CONFIG", config);
                }
                match broadcast {
                    true => command.arg("--broadcast"),
                    // A try leaves no trace among the records of what was sent.
                    false => command.env("FOUNDRY_BROADCAST", record.with_extension("broadcast")),
                };
            }
        }
    }
}

/// A key where forge can use it: in a keystore that only this user can read, under a password that is nowhere else. Whoever
/// sees the password on the command line lacks the keystore, and a keystore that a killed run leaves is of no use to anybody.
pub(super) struct Keystore {
    pub(super) address: Address,
    file: PathBuf,
    password: String,
}

impl fmt::Debug for Keystore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keystore").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Keystore {
    /// Keeps a key in a folder that goes with the command, under a password of its own.
    pub(super) async fn of(key: PrivateKeySigner, dir: &Path) -> Result<Self, CliError> {
        let what = || "keeping the deployer's key for forge".to_owned();
        let dir = dir.to_owned();
        let work = move || {
            let password = B256::new(rand::random()).to_string();
            let address = import_keystore(&dir, "deployer", &password, &key).context(what)?;
            Ok(Self { address, file: dir.join("deployer"), password })
        };
        // scrypt works for a second: not on the async runtime.
        tokio::task::spawn_blocking(work).await.context(what)?
    }
}

/// What a deployment takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Estimate {
    pub(super) gas: u64,
    /// Wei.
    pub(super) cost: U256,
}

impl Estimate {
    /// From what forge printed.
    pub(super) fn of(said: &str) -> Result<Self, CliError> {
        #[derive(Deserialize)]
        struct Line {
            estimated_total_gas_used: u64,
            estimated_amount_required: String,
        }
        let line = said.lines().find_map(|line| serde_json::from_str::<Line>(line).ok());
        let line = line.ok_or_else(|| CliError::Failed("forge gave no estimate of the gas: is it too old?".into()))?;
        Ok(Self { gas: line.estimated_total_gas_used, cost: wei(&line.estimated_amount_required)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_estimate_is_found_among_other_lines() {
        let said = "{\"logs\":[]}\n{\"chain\":31337,\"estimated_gas_price\":\"2\",\"estimated_total_gas_used\":75127404,\
                    \"estimated_amount_required\":\"0.15\",\"token_symbol\":\"ETH\"}\n{\"status\":\"success\"}\n";
        let estimate = Estimate::of(said).expect("an estimate");
        assert_eq!((estimate.gas, estimate.cost), (75_127_404, wei("0.15").expect("an amount")));
        assert!(Estimate::of("{\"logs\":[]}").is_err());
    }

    #[test]
    fn of_a_long_story_the_end_is_told() {
        let story: String = (0..40).map(|line| format!("line {line}\n\n")).collect();
        let told = last_words(&story, "other");
        assert_eq!((told.lines().count(), told.lines().last()), (LAST_LINES, Some("  line 39")));
        assert_eq!(last_words(" \n", "other"), "  other");
    }
}
