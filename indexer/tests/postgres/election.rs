//! One process writes, others wait for its place.

use std::time::Duration;

use aiigo_indexer::store::{self, Candidate, Writer};
use tokio::time::timeout;

use crate::support::{chain::Chain, database::Database, events::deployment};

/// Within which the next one must have taken over.
const TAKE_OVER: Duration = Duration::from_secs(5);

async fn elected(candidate: Candidate) -> Option<Writer> {
    timeout(TAKE_OVER, candidate.elect(&deployment())).await.ok().map(|writer| writer.expect("a working database"))
}

#[tokio::test]
async fn the_next_writer_takes_over_when_the_first_is_gone() {
    let mut database = Database::new().await;
    let mut chain = Chain::new();
    chain.mine(&[1, 2, 3]);
    let second = store::prepare(database.url()).await.expect("a database that opens");
    assert!(elected(second).await.is_none(), "one writes already");
    let state = store::inspect(database.url(), &deployment()).await.expect("nobody waits to look");
    assert!(state.is_some());

    let third = store::prepare(database.url()).await.expect("a database that opens");
    let waiting = tokio::spawn(elected(third));
    database.apply(&chain.applied(1, chain.height(), chain.height())).await.expect("it still writes");
    database.close();
    let third = waiting.await.expect("no panic").expect("its turn");
    assert_eq!(third.state().indexed, Some(chain.height()), "it goes on where the first was");
}
