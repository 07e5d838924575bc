//! Keys: what is remembered under them, for how long, and which comes next.

use std::time::Duration;

use aiigo_chain::{OutboxConfig, OutboxError};
use aiigo_devnet::eventually;
use alloy::providers::ext::AnvilApi;

use crate::world::{FINAL, LIMIT, Running, World, eager, landed, passive};

#[tokio::test]
async fn the_next_key_is_that_of_what_is_under_way_or_a_new_one() {
    let world = World::new().await;
    let running = world.run(passive()).await;
    let outbox = running.outbox.clone();
    let next = async || outbox.next_key("job").await.unwrap();
    assert_eq!(next().await, "job#1");
    for number in 1..=11 {
        assert_eq!(next().await, format!("job#{number}"));
        landed(&running.send(world.transfer(&next().await, 1)).await);
    }
    assert_eq!(next().await, "job#12", "also while a block can still be reorganised");
    world.stop_mining().await;
    for key in ["job#12", "job#13", "job#", "job#x", "job#90#1", "job", "jobs#70", "Job#80"] {
        outbox.submit(world.transfer(key, 1)).await.unwrap();
    }
    assert_eq!(next().await, "job#12", "it is under way");
    assert_eq!(outbox.next_key("job#90").await.unwrap(), "job#90#1");
    assert_eq!(outbox.next_key("jo").await.unwrap(), "jo#1");
    assert_eq!(outbox.next_key("job_").await.unwrap(), "job_#1");
    running.stop().await;
    drop(outbox);
    let running = world.run(eager()).await;
    assert_eq!(running.outbox.next_key("job").await.unwrap(), "job#12", "after a restart");
}

#[tokio::test]
async fn what_was_over_long_ago_is_forgotten_but_not_its_cost_nor_its_nonce() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    for number in 1..=3 {
        landed(&running.send(world.transfer(&format!("job#{number}"), 1)).await);
    }
    world.mine(FINAL).await;
    running.until_finished().await;
    running.stop().await;
    let running = world.run(eager()).await;
    landed(&running.send(world.transfer("job#4", 1)).await);
    assert_eq!(running.outbox.next_key("job").await.unwrap(), "job#5");
    let spending = running.outbox.spending(0).await.unwrap();
    running.stop().await;

    let forgotten = async |running: &Running, key: &str| {
        eventually("oblivion", LIMIT, async || {
            matches!(running.outbox.outcome(key).await, Err(OutboxError::UnknownKey(_))).then_some(())
        })
        .await;
    };
    let running = world.run(OutboxConfig { remember: Duration::ZERO, ..eager() }).await;
    forgotten(&running, "job#3").await;
    // It is in a block that is not final yet.
    assert!(running.outbox.outcome("job#4").await.unwrap().is_some());
    assert_eq!(running.outbox.next_key("job").await.unwrap(), "job#5", "numbers go on above those that are remembered");
    assert_eq!(running.outbox.spending(0).await.unwrap(), spending);

    // Everything is forgotten, and an endpoint says that no nonce was used.
    world.mine(FINAL).await;
    forgotten(&running, "job#4").await;
    world.stop_mining().await;
    world.provider.anvil_set_nonce(world.sender.address(), before).await.unwrap();
    assert_eq!(running.outbox.next_key("job").await.unwrap(), "job#1");
    running.outbox.submit(world.transfer("job#1", 1)).await.unwrap();
    let nonce = eventually("nonce", LIMIT, async || running.outbox.unfinished().await.unwrap().first()?.nonce).await;
    assert_eq!(nonce, before + 4);
    assert_eq!(running.outbox.spending(0).await.unwrap().paid, spending.paid);
}
