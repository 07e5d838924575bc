//! Two indexers on one database, as operators run them: one writes, both answer, and the database may be away.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, Postgres, Process, ProcessCommand, eventually};
use alloy::providers::Provider;
use reqwest::Url;
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(60);

struct Indexer {
    process: Process,
    url: Url,
    log: PathBuf,
}

impl Indexer {
    async fn start(devnet: &Devnet, database: &Url, dir: &Path, name: &str) -> Self {
        let (address, log) = (dir.join(name).with_extension("address"), dir.join(name).with_extension("log"));
        let mut process = ProcessCommand::new(name, env!("CARGO_BIN_EXE_aiigo-indexer"), &log)
            .args(["run", "--listen", "127.0.0.1:0", "--poll-interval", "100"])
            .args(["--rpc-url", devnet.rpc_url().as_str(), "--database", database.as_str(), "--deployment"])
            .arg(devnet.deployment_path())
            .arg("--address-file")
            .arg(&address)
            .spawn()
            .expect("it starts");
        let listens = process.wait_for_address(&address, LIMIT).await.expect("an address");
        let url: Url = format!("http://{listens}").parse().expect("a URL");
        process.wait_until_ready(&url, LIMIT).await.expect("ready");
        Self { process, url: url.join("graphql").expect("a URL"), log }
    }

    /// The last block that it tells of.
    async fn block(&self) -> Option<u64> {
        let query = json!({ "query": "{ _meta { indexedBlock } }" });
        let answer = reqwest::Client::new().post(self.url.clone()).json(&query).send().await.ok()?;
        let answer: Value = answer.json().await.ok()?;
        answer["data"]["_meta"]["indexedBlock"].as_str()?.parse().ok()
    }

    async fn has_come_to(&self, head: u64) {
        eventually("the newest block", LIMIT, async || (self.block().await? == head).then_some(())).await;
    }

    fn says(&self, text: &str) -> bool {
        std::fs::read_to_string(&self.log).is_ok_and(|log| log.contains(text))
    }
}

async fn mine(devnet: &Devnet) -> u64 {
    devnet.mine(3).await.expect("blocks");
    devnet.provider().get_block_number().await.expect("a head")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replica_answers_takes_over_and_waits_for_the_database() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
    let devnet = Devnet::start(config).await.expect("a devnet");
    let mut server = Postgres::start().expect("a PostgreSQL server");
    let database = server.database("index").expect("a database");
    let mut first = Indexer::start(&devnet, &database, dir.path(), "first").await;
    let second = Indexer::start(&devnet, &database, dir.path(), "second").await;
    eventually("a replica", LIMIT, async || second.says("standing by").then_some(())).await;

    let head = mine(&devnet).await;
    first.has_come_to(head).await;
    second.has_come_to(head).await;

    first.process.kill();
    second.has_come_to(mine(&devnet).await).await;

    server.stop().expect("it stops");
    let head = mine(&devnet).await;
    eventually("a notice", LIMIT, async || second.says("the database is away").then_some(())).await;
    server.resume().expect("it goes on");
    second.has_come_to(head).await;
}
