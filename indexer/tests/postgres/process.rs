//! Two indexers on one database, as operators run them: one writes, both answer, and the database may be away.

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, Postgres, eventually};
use alloy::providers::Provider;

use crate::support::program::{Indexer, LIMIT};

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
    let mut first = Indexer::start(&devnet, database.as_str(), dir.path(), "first").await;
    let second = Indexer::start(&devnet, database.as_str(), dir.path(), "second").await;
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
