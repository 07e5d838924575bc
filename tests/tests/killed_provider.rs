//! A provider that dies in the middle of a task costs the buyer nothing but time.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, path::Path, time::Duration};

use aiigo_devnet::{Desk, Finished, Program, eventually};
use aiigo_protocol::{NodeId, TaskId, TaskStatus};
use aiigo_tests::{JobFile, World, modules};
use alloy::primitives::U256;
use tokio::{
    sync::{Mutex, OnceCell},
    task::JoinHandle,
};

/// Rounds that keep a processor busy for some seconds: time enough to kill whoever counts.
const ROUNDS: u64 = 6_000_000_000;

static WORLD: OnceCell<Mutex<World>> = OnceCell::const_new();

/// The tests take turns: each needs the providers as the other leaves them.
async fn world() -> tokio::sync::MutexGuard<'static, World> {
    let world = WORLD.get_or_init(async || Mutex::new(World::start("killed-provider", 2).await)).await;
    let mut guard = world.lock().await;
    for index in 0..guard.market.agents().len() {
        if guard.market.agent(index).expect("an agent").server().is_err() {
            guard.market.start_agent(index).await.expect("it starts again");
            guard.market.agent(index).expect("an agent").ready().await.expect("it is ready again");
        }
    }
    guard
}

/// A job that keeps its provider busy, under way: the buyer's client waits for it.
async fn run_long_job(world: &World, name: &str) -> (TaskId, JoinHandle<Finished>) {
    let job = JobFile::new(&world.dir().join("jobs"), name, &modules::burn(ROUNDS)).fuel("1e11").time("60s").write();
    let task = world.submit(&job).await;
    let (desk, buyer) = (world.market.desk(), world.buyer());
    let results = world.dir().join("results").join(name);
    let client = tokio::spawn(async move { follow(&desk, &buyer, task, &results).await });
    (task, client)
}

async fn follow(desk: &Desk, buyer: &aiigo_devnet::Account, task: TaskId, results: &Path) -> Finished {
    let task = task.to_string();
    let args = ["job", "follow", &task, "--approve", "auto", "--json", "--results", results.to_str().expect("UTF-8")];
    desk.run(Program::Aiigo, Some(buyer), args).await.expect("it runs")
}

async fn in_the_middle_of(world: &World, task: TaskId) -> NodeId {
    world.until_task_is(task, &[TaskStatus::InProgress]).await.expect("a node")
}

#[tokio::test]
async fn a_killed_provider_is_timed_out_and_another_finishes() {
    let mut world = world().await;
    let keeper = world.market.keeper_account().expect("an account").address();
    let tips_before = world.credit(keeper).await;
    let (task, client) = run_long_job(&world, "killed-for-good").await;
    let victim = in_the_middle_of(&world, task).await;
    let stake_before = world.node(victim).await.stake;
    let index = world.agent_of(victim);
    world.market.agent(index).expect("an agent").kill();

    // Nobody waits for the deadline: the chain's clock is moved over it.
    world.market.devnet().increase_time(Duration::from_secs(70)).await.expect("a later time");

    let report = client.await.expect("no panic").json().expect("a result");
    assert_eq!(report["status"], "Verified", "{report:#}");
    let (_, stored) = world.task(task).await;
    assert_ne!(NodeId(stored.nodeId), victim, "the node that failed gets the task no more");
    let results = world.dir().join("results/killed-for-good/out.txt");
    assert_eq!(fs::read_to_string(results).expect("the result"), "done\n");

    // 5% of the stake is gone, and the keeper has the tip.
    let info = world.node(victim).await;
    assert_eq!(info.stake * 100, stake_before * 95);
    assert_eq!(info.tasksFailed, 1);
    assert!(world.credit(keeper).await > tips_before, "the keeper earned nothing");

    // The indexer tells the whole story.
    let query = format!(
        r#"{{ task(id: "{task}") {{ status timeline {{ kind nodeId }} }}
              events(where: {{ kind: {{ _eq: "StakeSlashed" }}, nodeId: {{ _eq: "{victim}" }} }}) {{
                nodes {{ args }} }} }}"#
    );
    let story = world
        .graphql()
        .until("the story of a late node", &query, |data| (data["task"]["status"] == "VERIFIED").then(|| data.clone()))
        .await;
    let timeline = story["task"]["timeline"].as_array().expect("a list");
    let kinds: Vec<&str> = timeline.iter().filter_map(|entry| entry["kind"].as_str()).collect();
    let told =
        ["CREATED", "DEPOSITED", "ACCEPTED", "TIMED_OUT", "TIP_PAID", "REOPENED", "ACCEPTED", "RESULT_SUBMITTED"];
    assert_eq!(kinds[..told.len()], told);
    assert_eq!(kinds.last(), Some(&"VERIFIED"));
    let slashes = story["events"]["nodes"].as_array().expect("a list");
    assert_eq!(slashes.len(), 1, "{slashes:#?}");
    let burned = slashes[0]["args"]["burned"].as_str().and_then(|text| text.parse::<u128>().ok()).expect("an amount");
    assert_eq!(burned * 20, stake_before);
}

#[tokio::test]
async fn a_killed_provider_that_comes_back_delivers() {
    let mut world = world().await;
    let (task, client) = run_long_job(&world, "killed-and-back").await;
    let victim = in_the_middle_of(&world, task).await;
    let index = world.agent_of(victim);
    world.market.agent(index).expect("an agent").kill();
    world.market.start_agent(index).await.expect("it starts again");

    let report = client.await.expect("no panic").json().expect("a result");
    assert_eq!(report["status"], "Verified", "{report:#}");
    let (_, stored) = world.task(task).await;
    assert_eq!(NodeId(stored.nodeId), victim, "the provider that was killed delivered");
    assert_eq!(stored.attempts, 0, "nobody timed it out");
    let paid: U256 = report["providerPaidWei"].as_str().and_then(|text| text.parse().ok()).expect("an amount");
    assert!(paid > U256::ZERO);
    eventually("a free slot", Duration::from_secs(10), async || (world.node(victim).await.running == 0).then_some(()))
        .await;
}
