//! A long history: indexes wait for its end, whatever happens meanwhile.

use crate::support::{database::Database, story};

/// Empty blocks that make it long.
const QUIET: usize = 300;

#[tokio::test]
async fn indexes_of_a_long_history_are_built_at_its_end() {
    let mut chain = story::eventful();
    let busy = chain.height();
    (0..QUIET).for_each(|_| chain.mine_logs(Vec::new()));
    let short = Database::of(&chain).await;
    let indexes = short.catalog().await.definitions().await;
    assert!(indexes.len() > 50, "{indexes:?}");

    let mut long = Database::new().await;
    for statement in ["CREATE TABLE guests (name TEXT)", "CREATE INDEX guests_by_name ON guests (name)"] {
        long.catalog().await.execute(statement).await;
    }
    for (from, to) in [(1, busy / 2), (busy / 2 + 1, busy), (busy + 1, chain.height() - 1)] {
        long.apply(&chain.applied(from, to, chain.height())).await.expect("the next blocks");
        let left = long.catalog().await.definitions().await;
        assert!(matches!(left.as_slice(), [one] if one.contains("guests_by_name")), "up to block {to}: {left:?}");
        long.restart().await;
    }
    long.catalog().await.execute("DROP TABLE guests").await;
    long.apply(&chain.applied(chain.height(), chain.height(), chain.height())).await.expect("the head");
    assert_eq!(long.catalog().await.definitions().await, indexes);
    assert_eq!(long.dump().await, short.dump().await);

    // Once built they stay, also when the indexer falls far behind.
    let known = chain.height();
    (0..QUIET).for_each(|_| chain.mine_logs(Vec::new()));
    long.restart().await;
    long.apply(&chain.applied(known + 1, known + 1, known + 1)).await.expect("the next block");
    assert_eq!(long.catalog().await.definitions().await, indexes);
}
