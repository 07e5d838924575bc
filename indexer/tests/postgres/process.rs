//! Two indexers on one database, as operators run them: one writes, both answer, and the database may be away.

use std::time::Duration;

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, Postgres, eventually};
use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};
use url::Url;

use crate::support::{
    database::dump,
    program::{Indexer, LIMIT},
};

/// How often the server crashes.
const CRASHES: u32 = 12;

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

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_crashes_while_a_history_is_loaded_ends_like_one_that_was_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
    let devnet = Devnet::start(config).await.expect("a devnet");
    for amount in 1..=100 {
        devnet.send_aiigo(Address::with_last_byte(amount), U256::from(amount)).await.expect("a transfer");
    }
    devnet.mine(256).await.expect("blocks");
    let head = devnet.provider().get_block_number().await.expect("a head");
    let mut server = Postgres::start().expect("a PostgreSQL server");
    // What its database holds once it has read all.
    let held = async |mut indexer: Indexer, url: &Url| {
        indexer.has_come_to(head).await;
        indexer.process.kill();
        dump(&url.as_str().parse().expect("a database")).await
    };
    let url = server.database("undisturbed").expect("a database");
    let alone = held(Indexer::start(&devnet, url.as_str(), dir.path(), "alone").await, &url).await;
    assert!(alone["events"].len() > 100 && alone["accounts"].len() > 90, "a history worth comparing");

    let mut noticed = 0;
    for crash in 0..CRASHES {
        let name = format!("crash-{crash}");
        let url = server.database(&name).expect("a database");
        let indexer = Indexer::begin(&devnet, url.as_str(), dir.path(), &name).await;
        eventually("the history", LIMIT, async || indexer.says("a long history").then_some(())).await;
        // Sooner or later in it, which is what this is about.
        tokio::time::sleep(Duration::from_millis(15) * crash).await;
        server.stop().expect("it stops");
        server.resume().expect("it goes on");
        indexer.has_come_to(head).await;
        noticed += u32::from(indexer.says("the database is away"));
        assert_eq!(held(indexer, &url).await, alone, "crash {crash}");
    }
    assert!(noticed > 0, "crashes that came in the middle");
}
