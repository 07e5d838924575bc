//! A job from the buyer's file to the provider's pocket: every amount, to the wei.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, time::Duration};

use aiigo_devnet::{eventually, project_root};
use aiigo_protocol::{ContractName, EscrowManager, FeeVault, RewardDistributor, TaskId, TaskStatus};
use aiigo_tests::World;
use alloy::{primitives::U256, providers::Provider};
use serde_json::Value;

/// A decimal string of wei in a document.
fn amount(document: &Value, name: &str) -> U256 {
    let text = document[name].as_str().unwrap_or_else(|| panic!("no {name} in {document:#}"));
    text.parse().expect("a decimal number")
}

/// The module that `cargo xtask setup` builds.
fn example_module() -> std::path::PathBuf {
    let module = project_root().join("target/examples/wasm32-wasip1/release/text-stats.wasm");
    assert!(module.is_file(), "{} is not there: run `cargo xtask setup` first", module.display());
    module
}

fn example_job() -> std::path::PathBuf {
    example_module();
    project_root().join("examples/text-stats/job.yaml")
}

#[tokio::test]
async fn a_job_is_bought_done_checked_paid_and_indexed() {
    let world = World::start("happy-path", 2).await;
    let buyer = world.buyer();
    let vault = FeeVault::new(world.address(ContractName::FeeVault), world.market.provider());

    let results = world.dir().join("results");
    let job = example_job();
    let report = world
        .aiigo_json(&[
            "job",
            "run",
            job.to_str().expect("UTF-8"),
            "--approve",
            "auto",
            "--yes",
            "--results",
            results.to_str().expect("UTF-8"),
        ])
        .await;

    // The buyer has what was ordered.
    assert_eq!(report["status"], "Verified");
    assert_eq!((&report["outcome"], &report["exitCode"]), (&"Exited".into(), &0.into()));
    let summary: Value =
        serde_json::from_slice(&fs::read(results.join("report.json")).expect("the report")).expect("JSON");
    assert!(summary.is_object(), "{summary}");

    // 92 : 8 of what was due, exactly, and the rest of the escrow back to the buyer.
    let (paid, provider, fee, refund) = (
        amount(&report, "paidWei"),
        amount(&report, "providerPaidWei"),
        amount(&report, "feeWei"),
        amount(&report, "refundedWei"),
    );
    assert!(paid > U256::ZERO);
    assert_eq!(provider * U256::from(100), paid * U256::from(92));
    assert_eq!(fee * U256::from(100), paid * U256::from(8));
    let escrowed = amount(&report, "escrowWei");
    assert_eq!(paid + refund, escrowed);
    let tips = amount(&report, "tipsReturnedWei");
    assert!(tips > U256::ZERO, "nobody was late");

    // The money is where the report says.
    let task: TaskId = report["taskId"].as_str().and_then(|id| id.parse().ok()).expect("a task id");
    let (status, stored) = world.task(task).await;
    assert_eq!(status, TaskStatus::Verified);
    let node = aiigo_protocol::NodeId(stored.nodeId);
    let agent = world.agent_of(node);
    let owner = world.market.agents()[agent].owner.clone();
    assert_eq!(world.credit(owner.address()).await, provider);
    // The keeper sends it on when an epoch ends.
    eventually("the fee in the vault, or sent on", Duration::from_secs(10), async || {
        let sent =
            vault.FeesCollected_filter().from_block(world.market.devnet().deployment().block).query().await.ok()?;
        let sent: U256 = sent.iter().map(|(collected, _)| collected.toStakers + collected.toTreasury).sum();
        (world.credit(*vault.address()).await + sent == fee).then_some(())
    })
    .await;
    assert_eq!(world.credit(buyer.address()).await, refund + tips);

    // The node's standing and its share of the rewards.
    let info = world.node(node).await;
    assert_eq!((info.reputation, info.tasksVerified, info.running, info.reviewing), (5050, 1, 0, 0));
    let rewards = RewardDistributor::new(world.address(ContractName::RewardDistributor), world.market.provider());
    let mut weight = U256::ZERO;
    let current = rewards.currentEpoch().call().await.expect("an epoch");
    for back in 0..3 {
        let epoch = current.saturating_sub(U256::from(back));
        weight = weight.max(rewards.weightOf(epoch, node.0).call().await.expect("a weight"));
    }
    assert!(weight > U256::ZERO, "the fee earned no share of the rewards");

    // The provider takes its money out.
    let provider_before = world.market.provider().get_balance(owner.address()).await.expect("a balance");
    let withdrawn = world.market.aiigo(&owner, ["wallet", "withdraw", "--yes", "--json"]).await.expect("it runs");
    assert_eq!(amount(&withdrawn.json().expect("a withdrawal"), "amountWei"), provider);
    assert_eq!(world.credit(owner.address()).await, U256::ZERO);
    let provider_after = world.market.provider().get_balance(owner.address()).await.expect("a balance");
    let gas = provider_before + provider - provider_after;
    assert!(gas > U256::ZERO && gas < aiigo_tests::wei("0.01"), "gas of {gas} wei");

    // The indexer tells all of it, with every transaction.
    let timeline = world
        .graphql()
        .until(
            "the whole timeline",
            &format!(
                r#"{{ task(id: "{task}") {{ status node {{ id }} providerAmount feeAmount refundAmount resultHash
                     timeline {{ kind txHash block timestamp }} }} }}"#
            ),
            |data| (data["task"]["status"] == "VERIFIED").then(|| data["task"].clone()),
        )
        .await;
    assert_eq!(timeline["providerAmount"], provider.to_string());
    assert_eq!(timeline["feeAmount"], fee.to_string());
    assert_eq!(timeline["refundAmount"], refund.to_string());
    assert_eq!(timeline["resultHash"], report["resultHash"]);
    let kinds: Vec<&str> =
        timeline["timeline"].as_array().expect("a list").iter().filter_map(|entry| entry["kind"].as_str()).collect();
    assert_eq!(kinds, ["CREATED", "DEPOSITED", "ACCEPTED", "RESULT_SUBMITTED", "RELEASED", "VERIFIED"]);
    for entry in timeline["timeline"].as_array().expect("a list") {
        let hash = entry["txHash"].as_str().and_then(|hash| hash.parse().ok()).expect("a transaction hash");
        let receipt = world.market.provider().get_transaction_receipt(hash).await.expect("an answer");
        assert!(receipt.is_some_and(|receipt| receipt.status()), "{hash} is on the chain");
    }

    // The market's list has it, whoever asks for such a node, with the name that it gave itself.
    let listed = async |more: &[&str]| {
        let args = [&["provider", "list", "--type", "cpu", "--status", "active"], more].concat();
        let listed = world.aiigo_json(&args).await;
        let nodes = listed["nodes"].as_array().expect("nodes").iter();
        nodes.map(|node| (node["id"].clone(), node["name"].clone(), node["region"].clone())).collect::<Vec<_>>()
    };
    let known = (serde_json::json!(node.0), serde_json::json!(world.market.agents()[agent].name), "devnet".into());
    assert!(listed(&["--min-power", "0.001", "--sort", "stake"]).await.contains(&known));
    assert_eq!(listed(&["--min-reputation", "5050", "--sort", "reputation"]).await, [known], "it alone has delivered");
    assert!(listed(&["--min-trust", "4"]).await.is_empty());

    // The task's escrow is empty: what it held was credited above.
    let escrow = EscrowManager::new(world.address(ContractName::EscrowManager), world.market.provider());
    assert_eq!(escrow.escrowOf(task.0).call().await.expect("an escrow").amount, 0);
    world.market.stop().await.expect("everything leaves when asked");
}

#[tokio::test]
async fn a_job_in_one_line_is_checked_quoted_run_and_read() {
    let world = World::start("one-line", 1).await;
    let (module, results) = (example_module(), world.dir().join("results"));
    let table = world.dir().join("mine.csv");
    fs::write(&table, "city,km\nBasel,3\nBern,5\n").expect("a table");
    let input = format!("data.csv={}", table.display());
    let job = [
        "--wasm",
        module.to_str().expect("UTF-8"),
        "--input",
        &input,
        "--output",
        "report.json",
        "--output",
        "report.md",
        "--price",
        "0.36",
        "--time",
        "60s",
    ];
    let line = |verb: &'static str, more: &[&'static str]| {
        let args = [&["job", verb][..], &job, more, &["--json", "--", "data.csv"]].concat();
        args.into_iter().map(str::to_owned).collect::<Vec<_>>()
    };
    let ask = async |args: Vec<String>| {
        let ended = world.aiigo(&args.iter().map(String::as_str).collect::<Vec<_>>()).await;
        ended.json().expect("a document")
    };

    let checked = ask(line("validate", &[])).await;
    assert_eq!((&checked["name"], &checked["inputs"][0]["size"]), (&"text-stats.wasm".into(), &23.into()));
    let quoted = ask(line("quote", &[])).await;
    assert_eq!(amount(&quoted, "escrowWei"), aiigo_tests::wei("0.006"));
    assert_eq!(quoted["providers"]["eligible"], 1, "{quoted:#}");

    let folder = results.to_str().expect("UTF-8").to_owned();
    let planned = ask(line("run", &["--dry-run"])).await;
    assert_eq!((&planned["escrowWei"], &planned["replicas"]), (&quoted["escrowWei"], &1.into()), "{planned:#}");

    let mut run = line("run", &["--approve", "auto", "--yes"]);
    run.splice(2..2, ["--results".to_owned(), folder]);
    let report = ask(run).await;
    assert_eq!((&report["status"], &report["exitCode"]), (&"Verified".into(), &0.into()), "{report:#}");
    let summary = fs::read_to_string(results.join("report.json")).expect("the report");
    assert!(summary.contains("km"), "{summary}");

    let task = report["taskId"].as_str().expect("an id");
    let shown = world.aiigo_json(&["job", "show", task]).await;
    assert_eq!(planned["specHash"], shown["request"]["specHash"], "what the dry run said is what was ordered");
    let printed = world.aiigo_json(&["job", "logs", task]).await;
    let kept = fs::read_to_string(results.join(".aiigo/stdout")).ok();
    assert_eq!(printed["stdout"].as_str().map(str::to_owned), kept, "{printed:#}");
    world.market.stop().await.expect("everything leaves when asked");
}
