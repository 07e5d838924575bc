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
