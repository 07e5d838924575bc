//! Keepers with one key and one outbox in PostgreSQL: one works, the other waits for its place.

use std::time::Duration;

use aiigo_devnet::{BlockTime, Postgres, eventually};

use crate::support::Stage;

const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_standby_takes_over_and_a_server_may_be_away() {
    let stage = Stage::with_blocks(BlockTime::Every(Duration::from_secs(1))).await;
    let mut server = Postgres::start().expect("a PostgreSQL server");
    let url = server.database("keeper").expect("a database");
    let args = ["--jitter", "0", "--duties", "expire-tasks", "--outbox", url.as_str()];
    let account = stage.keeper_account(0);
    let outbox_is_in_use = |index| stage.log(index).contains("in use by another process");

    let mut first = stage.keeper(0, &args).await;
    let (mut second, second_url) = stage.keeper_of(&account, 1, &args).await;
    eventually("a standby that waits", LIMIT, async || outbox_is_in_use(1).then_some(())).await;
    assert!(stage.log(1).contains("[AIIGO-K-022]"), "{}", stage.log(1));
    expire(&stage, 1).await;

    first.kill();
    second.wait_until_ready(&second_url, LIMIT).await.expect("the standby is ready");
    expire(&stage, 2).await;

    server.stop().expect("it stops");
    eventually("a notice", LIMIT, async || stage.log(1).contains("the outbox can't go on").then_some(())).await;
    server.resume().expect("it goes on");
    expire(&stage, 3).await;
    assert_eq!(stage.transactions_of(&account).await, 3, "each was sent once");
}

/// Lets a task go untaken, and waits until it is the given one that expired.
async fn expire(stage: &Stage, nth: u8) {
    stage.open_tasks(1).await;
    stage.pass(61).await;
    eventually("an expired task", LIMIT, async || (stage.expired().await == usize::from(nth)).then_some(())).await;
}
