//! What a database in a file may meet: a second process that writes, another program's lock, a disk that is full.

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, eventually};
use aiigo_indexer::{
    ingest::{self, Projector},
    store,
};

use alloy::providers::Provider;

use crate::support::{
    chain::Chain,
    database::Database,
    events::deployment,
    program::{Indexer, LIMIT},
    story,
};

#[tokio::test]
async fn two_indexers_do_not_write_one_database() {
    let mut chain = Chain::new();
    story::choices(3, 20).iter().for_each(|block| chain.mine(block));
    let mut first = Database::new().await;
    let candidate = store::prepare(first.url()).await.expect("a database that opens");
    let mut second = candidate.elect(&deployment()).await.expect("a second writer");
    first.apply(&chain.applied(1, 1, 0)).await.expect("the first block");
    let (projector, update) = (Projector::new(deployment()), chain.applied(1, 1, 0));
    let error = ingest::apply(&mut second, &projector, &update).await.expect_err("the first one writes");
    assert!(error.to_string().contains("another indexer"), "{error}");
    assert_eq!(first.dump().await, Database::of(&Chain::new()).await.dump().await);
}

#[tokio::test]
async fn a_file_that_another_program_keeps_locked_is_waited_for() {
    let mut chain = Chain::new();
    chain.mine(&[1, 2, 3]);
    let mut database = Database::new().await;
    let update = chain.applied(1, chain.height(), 0);
    let mut catalog = database.catalog().await;
    catalog.execute("BEGIN IMMEDIATE").await;
    let error = database.apply(&update).await.expect_err("it is locked");
    assert!(error.passes_by_itself(), "{error}");
    catalog.execute("ROLLBACK").await;
    database.apply(&update).await.expect("it is free");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_is_full_is_waited_for() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
    let devnet = Devnet::start(config).await.expect("a devnet");
    let database = format!("sqlite:{}", dir.path().join("index.db").display());
    let indexer = Indexer::start(&devnet, &database, dir.path(), "indexer").await;
    let head = async || devnet.provider().get_block_number().await.expect("a head");
    indexer.has_come_to(head().await).await;

    // Far less than the database and its write-ahead log have already; the log of what it says may grow.
    indexer.limit_files(Some(64 * 1024));
    devnet.mine(3).await.expect("blocks");
    eventually("a notice", LIMIT, async || indexer.says("the database is away").then_some(())).await;
    eventually("no readiness", LIMIT, async || (!indexer.is_ready().await).then_some(())).await;
    indexer.limit_files(None);
    indexer.has_come_to(head().await).await;
    eventually("readiness", LIMIT, async || indexer.is_ready().await.then_some(())).await;
}
