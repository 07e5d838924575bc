//! The real program.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use aiigo_devnet::{Devnet, Process, ProcessCommand, eventually};
use reqwest::Url;
use serde_json::{Value, json};

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A running `aiigo-indexer run`.
pub struct Indexer {
    pub process: Process,
    url: Url,
    log: PathBuf,
}

impl Indexer {
    /// Starts one; it begins to answer.
    pub async fn start(devnet: &Devnet, database: &str, dir: &Path, name: &str) -> Self {
        let mut indexer = Self::begin(devnet, database, dir, name).await;
        indexer.process.wait_until_ready(&indexer.url, LIMIT).await.expect("ready");
        indexer
    }

    /// Starts one; it has its database, and the history is before it.
    pub async fn begin(devnet: &Devnet, database: &str, dir: &Path, name: &str) -> Self {
        let (address, log) = (dir.join(name).with_extension("address"), dir.join(name).with_extension("log"));
        let mut process = spawn(devnet, database, dir, name);
        let listens = process.wait_for_address(&address, LIMIT).await.expect("an address");
        let url: Url = format!("http://{listens}/graphql").parse().expect("a URL");
        Self { process, url, log }
    }

    /// The last block that it tells of.
    async fn block(&self) -> Option<u64> {
        let query = json!({ "query": "{ _meta { indexedBlock } }" });
        let answer = reqwest::Client::new().post(self.url.clone()).json(&query).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["data"]["_meta"]["indexedBlock"].as_str()?.parse().ok()
    }

    /// Waits until it tells of a block.
    pub async fn has_come_to(&self, head: u64) {
        eventually("the newest block", LIMIT, async || (self.block().await? == head).then_some(())).await;
    }

    /// Lets its files grow to a size and no further, or as they like again.
    pub fn limit_files(&self, bytes: Option<u64>) {
        // Only the soft limit, so that it can be lifted again.
        let limit = bytes.map_or_else(|| "unlimited".to_owned(), |bytes| bytes.to_string());
        let pid = self.process.id().to_string();
        let done = Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}:")]).status();
        assert!(done.expect("prlimit, of util-linux").success());
    }

    /// Whether it says that it is ready.
    pub async fn is_ready(&self) -> bool {
        let url = self.url.join("readyz").expect("a URL");
        reqwest::get(url).await.is_ok_and(|answer| answer.status().is_success())
    }

    /// Whether its log holds a text.
    pub fn says(&self, text: &str) -> bool {
        std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains(text))
    }
}

/// Starts one, and does not wait for it. Its address goes to `name.address`, its log to `name.log`.
pub fn spawn(devnet: &Devnet, database: &str, dir: &Path, name: &str) -> Process {
    let (address, log) = (dir.join(name).with_extension("address"), dir.join(name).with_extension("log"));
    // A file that may not grow is an error then, as a full disk is, and not the end of the process.
    ProcessCommand::new(name, "sh", &log)
        .args(["-c", r#"trap "" XFSZ; exec "$0" "$@""#, env!("CARGO_BIN_EXE_aiigo-indexer")])
        .args(["run", "--listen", "127.0.0.1:0", "--poll-interval", "100", "--max-range", "25"])
        .args(["--rpc-url", devnet.rpc_url().as_str(), "--database", database, "--deployment"])
        .arg(devnet.deployment_path())
        .arg("--address-file")
        .arg(&address)
        .spawn()
        .expect("it starts")
}
