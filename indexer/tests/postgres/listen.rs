//! What one process commits, the others hear of.

use std::time::Duration;

use tokio::time::timeout;

use crate::support::{chain::Chain, database::Database};

#[tokio::test]
async fn a_commit_is_heard_by_other_processes() {
    let mut chain = Chain::new();
    let mut database = Database::of(&chain).await;
    let reader = database.reader().await;
    let mut listener = reader.listen().await.expect("a server that lets listen");
    let silence = timeout(Duration::from_millis(200), listener.heard()).await;
    assert!(silence.is_err(), "nothing was committed since");

    chain.mine(&[0, 10]);
    database.apply(&chain.applied(2, 2, 1)).await.expect("a block");
    timeout(Duration::from_secs(5), listener.heard()).await.expect("a commit").expect("a working connection");
    let retracted = chain.retracted(1);
    database.apply(&retracted).await.expect("a reorg");
    timeout(Duration::from_secs(5), listener.heard()).await.expect("a retraction").expect("a working connection");
}
