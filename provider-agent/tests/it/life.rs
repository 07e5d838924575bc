//! What a provider says to an agent that runs: policy, pause, exit; and what it answers.

use std::time::Duration;

use aiigo_devnet::eventually;
use aiigo_protocol::{NodeStatus, TaskId, TaskStatus};
use alloy::{
    primitives::{Address, U256},
    providers::ext::AnvilApi,
};
use serde_json::Value;

use crate::support::{LIMIT, Stage, aiigo, copy_program, node_of};

/// Waits until `status` gives a reason for leaving one of some tasks alone.
async fn until_declined(stage: &Stage, tasks: &[TaskId], reason: &str) {
    let tasks: Vec<_> = tasks.iter().map(ToString::to_string).collect();
    eventually("a reason", LIMIT, async || {
        let report = stage.report().await;
        let declined = report["declined"].as_array()?.iter();
        let mut declined = declined.filter(|it| tasks.iter().any(|task| it["taskId"] == *task));
        declined.any(|it| it["reason"].as_str().is_some_and(|it| it.contains(reason))).then_some(())
    })
    .await;
}

/// Waits until a check of `status` is as wanted and says something.
async fn until_health(stage: &Stage, name: &str, ok: bool, found: &str) {
    eventually("the health", LIMIT, async || {
        let report = stage.report().await;
        let check = report["health"].as_array()?.iter().find(|check| check["name"] == name)?.clone();
        (check["ok"] == ok && check["found"].as_str()?.contains(found)).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_that_changes_counts_at_once_and_a_mistake_changes_nothing() {
    let stage = Stage::start().await;
    stage.setup().await;
    let written = std::fs::read_to_string(stage.data_dir().join("policy.toml")).expect("written by setup");
    assert!(written.contains("[price]") && written.contains("leave-to-others"), "{written}");
    stage.policy("price.floor.CPU = '0.5'");
    let mut agent = stage.run(&[]).await;
    agent.ready().await;

    let spec = stage.spec(copy_program(1000), b"x").await;
    let task = stage.create(&spec, "0.36").await;
    until_declined(&stage, &[task], "0.36 ETH an hour, less than the lowest price of 0.5 ETH").await;
    assert_eq!(stage.status(task).await, TaskStatus::Open);

    // A mistake is told, and the policy before stays.
    stage.policy("price.floor.CPU = '0.1'\nprice.flor = 1");
    until_health(&stage, "policy", false, "line 2").await;
    assert_eq!(stage.status(task).await, TaskStatus::Open);

    stage.policy("price.floor.CPU = '0.3'");
    stage.until(task, TaskStatus::Completed).await;
    until_health(&stage, "policy", true, "in force").await;

    // With a mistake in it from the start, nothing starts.
    agent.process.kill();
    stage.policy("[price");
    let refused = stage.agent(&stage.operator, &["run", "--listen", "127.0.0.1:0"]).await;
    assert!(!refused.success && refused.stderr.contains("line 1"), "{}", refused.stderr);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_paused_takes_nothing_until_it_is_resumed() {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let paused = stage.agent(&stage.operator, &["pause", "--json"]).await.json();
    assert_eq!((paused["mode"].as_str(), paused["running"].as_bool()), (Some("Paused"), Some(true)));
    until_health(&stage, "tasks", false, "paused").await;

    let spec = stage.spec(copy_program(1000), b"x").await;
    let task = stage.create(&spec, "0.36").await;
    // Also a new process knows that it is paused.
    agent.process.kill();
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let seen = stage.head().await;
    eventually("some blocks", LIMIT, async || (stage.head().await >= seen + 3).then_some(())).await;
    assert_eq!(stage.status(task).await, TaskStatus::Open);
    assert_eq!(stage.report().await["mode"], "Paused");

    let resumed = stage.agent(&stage.operator, &["resume"]).await;
    assert!(resumed.success && resumed.stdout.contains("Takes tasks again"), "{}", resumed.stdout);
    stage.until(task, TaskStatus::Completed).await;

    // What it earned is told by day.
    stage.approve(task).await;
    let earned: Value = eventually("earnings", LIMIT, async || {
        let earned = stage.agent(&stage.operator, &["earnings", "--json", "--days", "3"]).await.json();
        (earned["total"]["tasks"] == 1).then_some(earned)
    })
    .await;
    assert_eq!(earned["total"]["paid"], stage.credit(stage.payout.address()).await.to_string());
    let days = earned["days"].as_array().expect("days");
    assert_eq!((days.len(), &days[2]["paid"]), (3, &earned["total"]["paid"]));
    assert_eq!(stage.report().await["earned"]["paid"], earned["total"]["paid"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn tasks_that_do_not_fit_together_run_one_after_the_other() {
    let stage = Stage::start().await;
    stage.setup().await;
    // Each asks for 16 MiB.
    stage.policy("machine.tasks = 8\nmachine.memory = '20MiB'");
    let spec = stage.spec(copy_program(8_000_000_000), b"x").await;
    let tasks = [stage.create(&spec, "0.36").await, stage.create(&spec, "0.36").await];
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    // Whichever came second.
    until_declined(&stage, &tasks, "16 MiB of memory, 4 MiB are left").await;
    for task in tasks {
        stage.until(task, TaskStatus::Completed).await;
    }
    // Taken after all, it is no longer told as left alone.
    assert_eq!(stage.report().await["declined"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_ends_what_runs_and_brings_the_stake_back() {
    let stage = Stage::start().await;
    let node = node_of(&stage.setup().await);
    let before = stage.aiigo_of(stage.owner.address()).await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let spec = stage.spec(copy_program(8_000_000_000), b"x").await;
    let task = stage.create(&spec, "0.36").await;
    stage.until(task, TaskStatus::InProgress).await;

    // Only the owner may, and nothing changes if another tries.
    let refused = stage.agent(&stage.operator, &["exit"]).await;
    assert!(!refused.success && refused.stderr.contains("owner's key"), "{}", refused.stderr);
    assert_eq!(stage.report().await["mode"], "Working");

    let left = stage.agent(&stage.owner, &["exit", "--json"]).await.json();
    assert_eq!(stage.status(task).await, TaskStatus::Completed, "what ran was brought to its end");
    let labels: Vec<_> = left["transactions"].as_array().expect("sent").iter().map(|sent| &sent["label"]).collect();
    assert_eq!(labels, ["take the node offline", "unstake 200 AIIGO"]);
    assert_eq!((left["unbonding"].as_str(), left["done"].as_bool()), (Some(&*aiigo(200).to_string()), Some(false)));

    // Started again, it does not come back to the market.
    agent.process.kill();
    let _agent = stage.run(&[]).await;
    until_health(&stage, "agent", true, "works").await;
    let info = stage.registry().nodeInfo(node.0).call().await.expect("a node");
    assert_ne!(NodeStatus::try_from(info.status).expect("a status"), NodeStatus::Active);

    // Too early nothing is lost, and nothing is sent.
    let early = stage.agent(&stage.owner, &["exit", "--json"]).await.json();
    assert_eq!(early["transactions"].as_array().map(Vec::len), Some(0), "{early}");
    stage.approve(task).await;
    let ready = left["readyAt"].as_u64().expect("a time");
    stage.devnet.provider().anvil_set_next_block_timestamp(ready).await.expect("set");
    stage.devnet.provider().anvil_mine(Some(1), None).await.expect("mined");
    let out = stage.agent(&stage.owner, &["exit", "--json"]).await.json();
    assert_eq!((out["withdrawn"].as_str(), out["done"].as_bool()), (Some(&*aiigo(200).to_string()), Some(true)));
    assert_eq!(stage.aiigo_of(stage.owner.address()).await, before + aiigo(200));
    assert_ne!(stage.payout.address(), Address::ZERO);
    assert!(stage.credit(stage.payout.address()).await > U256::ZERO);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_status_tells_what_the_node_is_and_what_it_lacks() {
    let stage = Stage::start().await;
    stage.setup().await;
    let text = stage.agent(&stage.operator, &["status"]).await;
    assert!(text.success, "{}", text.stderr);
    for part in ["Node 1: Pending", "level 1", "Work: Working", "!! agent", "→ start `aiigo-agent run`"] {
        assert!(text.stdout.contains(part), "{part}: {}", text.stdout);
    }
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let report = stage.report().await;
    assert_eq!(report["nextLevel"]["level"], 2);
    let missing = report["nextLevel"]["missing"].as_array().expect("a list");
    assert!(missing.iter().any(|it| it == "800 AIIGO more at stake"), "{missing:?}");
    assert!(missing.iter().any(|it| it == "a passed audit round"), "{missing:?}");
    until_health(&stage, "tasks", true, "taken").await;
    until_health(&stage, "gas", true, "ETH").await;

    // Watched, it tells again and again, until it is interrupted.
    let mut watching = stage.watch();
    eventually("two documents", Duration::from_secs(60), async || {
        let told = std::fs::read_to_string(stage.watched()).unwrap_or_default();
        (told.lines().filter(|line| line.starts_with("{\"nodeId\":\"1\"")).count() >= 2).then_some(())
    })
    .await;
    assert!(watching.terminate(Duration::from_secs(10)).await.expect("an end").success());
}
