//! A server that has no place for the connections that make indexes.

use crate::support::{catalog::Catalog, database::Database, story};

#[tokio::test]
async fn without_more_connections_the_one_that_writes_builds_the_indexes() {
    let mut chain = story::eventful();
    (0..300).for_each(|_| chain.mine_logs(Vec::new()));
    let wide = Database::of(&chain).await.catalog().await.definitions().await;
    let (mut narrow, everybody) = Database::postgres_with_one_connection().await;
    narrow.apply(&chain.applied(1, 1, chain.height())).await.expect("the first block");
    assert!(Catalog::open(&everybody).await.definitions().await.is_empty(), "they are put off");
    narrow.apply(&chain.applied(2, chain.height(), chain.height())).await.expect("the others");
    assert_eq!(Catalog::open(&everybody).await.definitions().await, wide);
}
