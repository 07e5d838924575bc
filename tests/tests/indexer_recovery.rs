//! The indexer tells the same story however often it is killed, and only what the chain still says.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::time::Duration;

use aiigo_devnet::eventually;
use aiigo_protocol::TaskId;
use aiigo_tests::{World, people::request};
use alloy::providers::{Provider, ext::AnvilApi};
use serde_json::Value;

/// Everything that the indexer says of tasks, but how far it is.
const EVERYTHING: &str = r"{
  tasks(first: 100, orderBy: [{ createdAt: ASC }]) {
    totalCount
    nodes { id status buyer escrow specHash timeline { kind block txHash } }
  }
  events(first: 200) { totalCount nodes { kind block txHash logIndex args } }
}";

async fn story(world: &World) -> Value {
    world.caught_up().await.ask(EVERYTHING).await
}

#[tokio::test]
async fn a_killed_indexer_goes_on_with_the_same_story() {
    let mut world = World::empty("indexer-killed").await;
    world.market.start_indexer().await.expect("an indexer");
    let buyer = world.buyer();
    world.order(&buyer, request(1)).await;
    world.market.indexer().expect("an indexer").process().kill();
    // It misses this one, and is killed again as soon as it is back.
    world.order(&buyer, request(2)).await;
    world.market.start_indexer().await.expect("an indexer");
    world.market.indexer().expect("an indexer").process().kill();
    world.order(&buyer, request(3)).await;
    world.market.start_indexer().await.expect("an indexer");
    // No more blocks: both have the same to tell.
    world.market.provider().anvil_set_interval_mining(0).await.expect("a stopped chain");
    let restarted = story(&world).await;
    assert_eq!(restarted["tasks"]["totalCount"], 3);

    // One that begins with an empty database says the same.
    world.market.indexer().expect("an indexer").process().kill();
    std::fs::remove_dir_all(world.dir().join("indexer")).expect("no database");
    world.market.start_indexer().await.expect("an indexer");
    assert_eq!(story(&world).await, restarted);
}

#[tokio::test]
async fn a_reorganised_task_disappears_from_the_api() {
    let mut world = World::empty("indexer-reorg").await;
    world.market.start_indexer().await.expect("an indexer");
    let buyer = world.buyer();
    let kept = world.order(&buyer, request(1)).await;
    world.market.devnet().mine(3).await.expect("blocks");
    // From before the second task, so that it is told however soon it is indexed.
    let graphql = world.graphql();
    let cursor = graphql.ask("{ _meta { cursor } }").await["_meta"]["cursor"].clone();
    let undone = world.order(&buyer, request(2)).await;
    let tasks = format!("tasks(after: {cursor}) {{ retracted before {{ id }} task {{ id status }} }}");
    let mut subscriber = graphql.subscribe(&format!("subscription {{ {tasks} }}")).await;
    let present = |id: TaskId| format!(r#"{{ task(id: "{id}") {{ status }} }}"#);
    graphql.until("the second task", &present(undone), |data| (data["task"]["status"] == "OPEN").then_some(())).await;

    // The first task may be older than the cursor.
    let told = loop {
        let change = subscriber.next().await["tasks"].take();
        if change["task"]["id"] == undone.to_string() {
            break change;
        }
    };
    assert_eq!((&told["retracted"], &told["before"]), (&Value::Bool(false), &Value::Null));

    let provider = world.market.provider();
    provider.anvil_set_interval_mining(0).await.expect("a stopped chain");
    let created_in = eventually("the block of the second task", Duration::from_secs(5), async || {
        let query = format!(r#"{{ task(id: "{undone}") {{ timeline {{ block }} }} }}"#);
        let block = graphql.ask(&query).await["task"]["timeline"][0]["block"].clone();
        block.as_u64().or_else(|| block.as_str()?.parse().ok())
    })
    .await;
    let head = provider.get_block_number().await.expect("a number");
    world.market.devnet().reorg(head - created_in + 1).await.expect("a reorg");
    world.market.devnet().mine(1).await.expect("a block on the new branch");

    graphql.until("no second task", &present(undone), |data| data["task"].is_null().then_some(())).await;
    let taken_back = subscriber.next().await["tasks"].take();
    assert_eq!((&taken_back["retracted"], &taken_back["task"]), (&Value::Bool(true), &Value::Null));
    assert_eq!(taken_back["before"]["id"], undone.to_string());
    let still = graphql.ask(&present(kept)).await;
    assert_eq!(still["task"]["status"], "OPEN");
    let told = story(&world).await;
    assert_eq!(told["tasks"]["totalCount"], 1);

    // One that never saw the other branch says the same.
    world.market.indexer().expect("an indexer").process().kill();
    std::fs::remove_dir_all(world.dir().join("indexer")).expect("no database");
    world.market.start_indexer().await.expect("an indexer");
    assert_eq!(story(&world).await, told);
}
