//! A market for the tests: a real chain, the real `aiigo`, and a provider whose moves the test decides.

mod node;
mod transcript;

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use aiigo_devnet::{Account, BlockTime, Devnet, DevnetConfig, eventually};
use aiigo_storage::GatewayUrl;
use serde_json::Value;

pub(crate) use node::Node;
pub(crate) use transcript::{Transcript, assert_snapshot};

/// The buyer's account.
const BUYER: u32 = 1;
const PATIENCE: Duration = Duration::from_secs(30);

/// The smallest job: a module that nobody runs here, one input, one output.
pub(crate) const JOB: &str = "\
name: statistics
module: program.wasm
inputs:
  - {path: data.csv, file: data.csv}
outputs: [report.json]
resources: {power: 0.001, time: 60s, output: 1KiB}
price: 0.36
accept-within: 5m
";

/// A chain, a buyer with a folder, and perhaps a served store.
pub(crate) struct Market {
    pub(crate) devnet: Devnet,
    pub(crate) dir: tempfile::TempDir,
    server: Option<Killed>,
}

/// A process that does not outlive the test.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Market {
    /// A chain and a buyer with a job.
    pub(crate) async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("job.yaml"), JOB).expect("a job file");
        fs::write(dir.path().join("program.wasm"), b"\0asm\x01\0\0\0").expect("a module");
        fs::write(dir.path().join("data.csv"), "a,b\n1,2\n").expect("an input");
        let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
        let devnet = Devnet::start(config).await.expect("a chain");
        Self { devnet, dir, server: None }
    }

    /// The same, with the buyer's store served.
    pub(crate) async fn with_store() -> Self {
        let mut market = Self::new().await;
        let buyer = market.buyer();
        let mut serve = market.command(&buyer, &["store", "serve", "--listen", "127.0.0.1:0"]);
        market.server = Some(Killed(serve.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("a server")));
        let note = market.store().join("gateway");
        eventually("gateway", PATIENCE, async || note.exists().then_some(())).await;
        market
    }

    pub(crate) fn buyer(&self) -> Account {
        self.devnet.account(BUYER).expect("an account")
    }

    /// The buyer's store.
    pub(crate) fn store(&self) -> PathBuf {
        self.path().join("data").join("store")
    }

    /// Where the buyer's store is served.
    pub(crate) fn gateway(&self) -> GatewayUrl {
        fs::read_to_string(self.store().join("gateway")).expect("a served store").parse().expect("an address")
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// `aiigo` with this market's settings, for an account.
    pub(crate) fn command(&self, account: &Account, args: &[&str]) -> Command {
        let mut command = aiigo(self.path());
        command
            .env("AIIGO_RPC_URL", self.devnet.rpc_url().as_str())
            .env("AIIGO_DEPLOYMENT", self.devnet.deployment_path())
            .env("AIIGO_PRIVATE_KEY", account.private_key())
            .args(args);
        command
    }

    /// Runs `aiigo` as the buyer to its end.
    pub(crate) async fn aiigo(&self, args: &[&str]) -> Output {
        let mut command = self.command(&self.buyer(), args);
        tokio::task::spawn_blocking(move || command.output().expect("the program starts")).await.expect("no panic")
    }

    /// Runs `aiigo … --json` as the buyer, successfully.
    pub(crate) async fn json(&self, args: &[&str]) -> Value {
        let output = self.aiigo(&[args, &["--json"]].concat()).await;
        assert!(output.status.success(), "{args:?}: {}", stderr(&output));
        json(&output)
    }

    /// Orders the job and leaves: the task's id.
    pub(crate) async fn submit(&self) -> String {
        self.json(&["job", "submit", "job.yaml", "--yes"]).await["taskId"].as_str().expect("an id").to_owned()
    }
}

/// `aiigo` in a folder of its own, without the settings of whoever runs the tests.
pub(crate) fn aiigo(dir: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_aiigo"));
    for (key, _) in std::env::vars_os() {
        if key.to_string_lossy().starts_with("AIIGO_") {
            command.env_remove(key);
        }
    }
    command
        .current_dir(dir)
        .env("AIIGO_DATA_DIR", dir.join("data"))
        .env("FOUNDRY_DIR", dir.join("foundry"))
        .stdin(Stdio::null());
    command
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The one document on stdout.
pub(crate) fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| {
        panic!("stdout is no JSON document ({error}): {}{}", String::from_utf8_lossy(&output.stdout), stderr(output))
    })
}
