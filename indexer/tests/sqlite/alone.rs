//! A file has no election: the second process that writes notices it with its first update.

use aiigo_indexer::{
    ingest::{self, Projector},
    store,
};

use crate::support::{chain::Chain, database::Database, events::deployment, story};

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
    assert!(error.to_string().contains("another indexer") || error.to_string().contains("UNIQUE"), "{error}");
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
