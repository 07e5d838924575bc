//! A provider's bid, from the signature to the payment: a fixed price, whoever is quick.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, path::PathBuf};

use aiigo_devnet::{Finished, Program};
use aiigo_protocol::{TaskId, TaskStatus};
use aiigo_tests::{JobFile, World, modules, wei};
use alloy::primitives::U256;

/// Signs a bid with the provider's operator.
async fn bid(world: &World, task: TaskId, args: &[&str]) -> Finished {
    let agent = &world.market.agents()[0];
    let (task, folder) = (task.to_string(), agent.dir.to_str().expect("UTF-8"));
    let args = ["bid", &task, "--data-dir", folder, "--allow-private-gateways"].into_iter().chain(args.iter().copied());
    world.market.desk().run(Program::Agent, Some(&agent.operator), args).await.expect("it runs")
}

#[tokio::test]
async fn a_bid_is_signed_compared_taken_and_paid() {
    let mut world = World::start("bids", 1).await;
    let agent = world.market.agent(0).expect("an agent");
    let payout = agent.owner.address();
    // At the buyer's price it wants nothing, from the first look on.
    agent.stop().await.expect("it leaves when asked");
    fs::write(agent.dir.join("policy.toml"), "price.floor.CPU = '1'\n").expect("a policy");
    world.market.start_agent(0).await.expect("an agent");
    world.market.agent(0).expect("an agent").ready().await.expect("it is ready");
    let job = JobFile::new(&world.dir().join("jobs"), "for-bids", &modules::burn(1_000)).price("0.72").write();
    let task = world.submit(&job).await;

    let file = |name: &str| -> PathBuf { world.dir().join(name) };
    let (dear, cheap) = (file("dear.json"), file("cheap.json"));
    let text = |path: &PathBuf| path.to_str().expect("UTF-8").to_owned();
    for (path, price) in [(&dear, "0.6"), (&cheap, "0.36")] {
        let made =
            bid(&world, task, &["--price", price, "--within", "50s", "--valid", "1h", "--out", &text(path)]).await;
        assert_eq!(made.code(), 0, "{}", made.stderr);
    }
    for (args, reason) in [
        (["--price", "0.9", "--within", "60s"], "more than the"),
        (["--price", "0.1", "--within", "61s"], "within 60 s"),
    ] {
        let refused = bid(&world, task, &args).await;
        assert!(refused.code() != 0 && refused.stderr.contains(reason), "{}", refused.stderr);
    }

    // Who changes a bid has none.
    let forged = file("forged.json");
    let changed = fs::read_to_string(&cheap).expect("a bid").replace("360000000000000000", "300000000000000000");
    fs::write(&forged, changed).expect("a file");
    let offers = world.aiigo_json(&["job", "bids", &text(&dear), &text(&forged), &text(&cheap)]).await;
    let offers = offers.as_array().expect("a list");
    let order: Vec<_> = offers.iter().map(|offer| offer["file"].as_str().expect("a path").to_owned()).collect();
    assert_eq!(order, [text(&cheap), text(&dear), text(&forged)]);
    assert_eq!(offers[0]["total"], "5000000000000000", "0.36 ETH an hour for 50 s");
    assert_eq!(offers[2]["fault"], "it is not signed by the node");
    let refused = world.aiigo(&["job", "assign", "--yes", &text(&forged)]).await;
    assert!(refused.code() != 0 && refused.stderr.contains("not signed by the node"), "{}", refused.stderr);
    assert_eq!(world.task(task).await.0, TaskStatus::Open);

    // The agent hears of it from the chain, and begins.
    world.aiigo_json(&["job", "assign", "--yes", &text(&cheap)]).await;
    let before = world.credit(payout).await;
    let id = task.to_string();
    let results = text(&file("results"));
    world.aiigo_json(&["job", "follow", &id, "--approve", "auto", "--results", &results]).await;
    assert_eq!(world.task(task).await.0, TaskStatus::Verified);
    let price = wei("0.005");
    assert_eq!(world.credit(payout).await - before, price * U256::from(92) / U256::from(100));

    // Neither bid is worth anything now.
    for path in [&cheap, &dear] {
        let refused = world.aiigo(&["job", "assign", "--yes", &text(path)]).await;
        assert!(refused.code() != 0 && refused.stderr.contains("can't be taken"), "{}", refused.stderr);
    }
}
