//! Who has lost the lock writes no more.

use aiigo_chain::{OutboxConfig, OutboxError};
use tokio_util::sync::CancellationToken;

use crate::world::{World, eager};

/// What the database drops when a connection breaks.
const DROP_LOCK: &str = "SELECT CAST(COUNT(pg_terminate_backend(pid)) AS BIGINT) AS dropped FROM pg_locks
    WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";

async fn drop_lock(world: &World) {
    let database = world.database().await;
    let row = sqlx::query(DROP_LOCK).fetch_one(&database).await.unwrap();
    assert_eq!(sqlx::Row::get::<i64, _>(&row, "dropped"), 1);
    database.close().await;
}

#[tokio::test]
async fn an_outbox_whose_connection_broke_stops_and_another_goes_on() {
    let world = World::new().await;
    let outbox = world.open(world.devnet.provider(), eager()).await;
    outbox.submit(world.transfer("a", 1)).await.unwrap();
    let driver = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.run(CancellationToken::new()).await }
    });
    outbox.wait("a").await.unwrap();
    drop_lock(&world).await;
    let ended = tokio::time::timeout(crate::world::LIMIT, driver).await.expect("an end").unwrap();
    assert!(matches!(ended, Err(OutboxError::LockLost { .. })), "{ended:?}");
    let refused = outbox.submit(world.transfer("b", 1)).await;
    assert!(matches!(refused, Err(OutboxError::LockLost { .. })), "{refused:?}");
    let next = world.open(world.devnet.provider(), eager()).await;
    assert!(next.outcome("a").await.unwrap().is_some());
    assert!(matches!(next.outcome("b").await, Err(OutboxError::UnknownKey(_))));
}

#[tokio::test]
async fn who_does_not_know_yet_that_another_has_it_cannot_write_either() {
    let world = World::new().await;
    let outbox = world.open(world.devnet.provider(), eager()).await;
    outbox.submit(world.transfer("a", 1)).await.unwrap();
    // What another process does as soon as it has the lock.
    let database = world.database().await;
    sqlx::query("UPDATE account SET term = term + 1").execute(&database).await.unwrap();
    database.close().await;
    let refused = outbox.submit(world.transfer("b", 1)).await;
    assert!(matches!(refused, Err(OutboxError::LockLost { .. })), "{refused:?}");
    assert_eq!(outbox.unfinished().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error_without_its_password() {
    let world = World::new().await;
    let nowhere: aiigo_chain::OutboxDatabase = "postgres://user:secret@127.0.0.1:1/outbox".parse().unwrap();
    let opened =
        aiigo_chain::Outbox::open(nowhere, world.devnet.provider(), world.sender.clone(), OutboxConfig::default())
            .await;
    let error = opened.expect_err("nobody listens there").to_string();
    assert!(error.contains("database") && !error.contains("secret"), "{error}");
}
