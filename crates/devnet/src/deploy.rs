//! Runs the project's deploy script.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use url::Url;

use crate::{account::Account, error::DevnetError, process::ProcessCommand, toolchain};

/// The script, below the project's root.
const SCRIPT: &str = "contracts/script/Deploy.s.sol";
/// The suite's configuration on a devnet: short windows, everybody's faucet.
const CONFIG: &str = "contracts/script/config/anvil.json";
/// The compiler is WebAssembly and may share two cores with a test suite.
const LIMIT: Duration = Duration::from_secs(600);

/// Compiles the contracts, deploys them to `rpc_url` and writes the record to `record`, which must lie where
/// `foundry.toml` lets scripts write. Logs go to `dir`.
pub(crate) async fn run(project_root: &Path, rpc_url: &Url, dir: &Path, record: &Path) -> Result<(), DevnetError> {
    let forge = Forge { program: toolchain::find_tool("forge", project_root)?, project_root, dir };
    // Compiled in a step of its own: the script then reads artifacts and compiles nothing but itself.
    forge.run("build", forge.command("build").args(["build", "contracts/src", "contracts/script"])).await?;
    let deployer = Account::derive(0)?;
    let script = forge
        .command("deploy")
        .args(["script", SCRIPT, "--broadcast", "--non-interactive", "--rpc-url", rpc_url.as_str()])
        // The key is public, and the deployer holds no power afterwards.
        .args(["--private-key", &deployer.private_key()])
        .env("AIIGO_CONFIG", CONFIG)
        .env("AIIGO_DEPLOYMENT", record)
        .env("FOUNDRY_BROADCAST", dir.join("broadcast"));
    forge.run("deploy", script).await
}

struct Forge<'a> {
    program: PathBuf,
    project_root: &'a Path,
    dir: &'a Path,
}

impl Forge<'_> {
    fn log(&self, step: &str) -> PathBuf {
        self.dir.join(format!("forge-{step}.log"))
    }

    fn command(&self, step: &str) -> ProcessCommand {
        ProcessCommand::new(format!("forge ({step})"), &self.program, self.log(step)).dir(self.project_root)
    }

    async fn run(&self, step: &str, command: ProcessCommand) -> Result<(), DevnetError> {
        let mut process = command.spawn()?;
        let status = process.wait_for_end(LIMIT).await?;
        if status.success() {
            return Ok(());
        }
        let log = self.log(step);
        Err(DevnetError::Deploy { status, tail: process.last_lines(), log })
    }
}
