//! A job that three machines do, each on its own: the majority's result is the buyer's, and nobody approves it.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, time::Duration};

use aiigo_devnet::eventually;
use aiigo_protocol::{ContractName, NodeRegistry, ProofOfWorkVerifier, TaskId, TaskMarketplace, TaskStatus};
use aiigo_tests::{JobFile, World, modules, wei};
use alloy::sol_types::SolCall;
use serde_json::Value;

/// Seats, and nodes.
const SEATS: u8 = 3;
/// Seconds for an audit's answer: enough for three machines on two processors.
const WINDOW: u32 = 16;
/// What two busy processors may take for a step.
const LIMIT: Duration = Duration::from_secs(120);

/// A market with three machines of trust level 2.
async fn trusted_market() -> World {
    let mut world = World::empty("replicated-jobs").await;
    relax(&world).await;
    world.market.start_indexer().await.expect("an indexer");
    world.market.start_store().await.expect("a store");
    world.market.start_keeper().await.expect("a keeper");
    for index in 0..usize::from(SEATS) {
        assert_eq!(world.market.add_agent().expect("an account"), index);
        world.market.agent(index).expect("an agent").args = ["--threads", "1"].map(str::to_owned).to_vec();
        world.market.fund_agent(index).await.expect("AIIGO");
        world.market.set_up_agent(index).await.expect("a node");
        let (owner, node) = {
            let agent = &world.market.agents()[index];
            (agent.owner.clone(), agent.node().expect("a node").to_string())
        };
        world.market.devnet().send_aiigo(owner.address(), wei("1200")).await.expect("AIIGO");
        let staked = world.market.aiigo(&owner, ["node", "stake", &node, "1200", "--yes"]).await.expect("it runs");
        staked.success().expect("more stake");
        world.market.start_agent(index).await.expect("an agent");
    }
    for index in 0..usize::from(SEATS) {
        world.market.agent(index).expect("an agent").ready().await.expect("it is ready");
    }
    audited(&world).await;
    world
}

/// One audit makes a node trusted.
async fn relax(world: &World) {
    let devnet = world.market.devnet();
    let registry = NodeRegistry::new(world.address(ContractName::NodeRegistry), devnet.provider());
    let mut rules = registry.parameters().call().await.expect("parameters");
    rules.levelTwoChallenges = 1;
    let call = NodeRegistry::setParametersCall { parameters_: rules }.abi_encode();
    devnet.govern(*registry.address(), call.into()).await.expect("other rules");
    let verifier = ProofOfWorkVerifier::new(world.address(ContractName::ProofOfWorkVerifier), devnet.provider());
    let mut rules = verifier.parameters().call().await.expect("parameters");
    rules.window = WINDOW;
    let call = ProofOfWorkVerifier::setParametersCall { parameters_: rules }.abi_encode();
    devnet.govern(*verifier.address(), call.into()).await.expect("longer windows");
}

/// All machines pass an audit round, which the keeper opens when the challenger is late.
async fn audited(world: &World) {
    let devnet = world.market.devnet();
    let verifier = ProofOfWorkVerifier::new(world.address(ContractName::ProofOfWorkVerifier), devnet.provider());
    let open = verifier.roundOpenToAnyoneAt().call().await.expect("a time").to::<u64>();
    let now = devnet.now().await.expect("a time");
    devnet.increase_time(Duration::from_secs(open.saturating_sub(now) + 1)).await.expect("a later time");
    for agent in world.market.agents() {
        let node = agent.node().expect("a node");
        eventually(&format!("an audit passed by node {node}"), LIMIT, async || {
            (verifier.auditsOf(node.0).call().await.ok()?.passed == 1).then_some(())
        })
        .await;
    }
}

/// Lets the time pass that the market's rules want to see passed, and nothing else: who applies, draws, seals and counts are
/// the market's own programs.
async fn pass_time(world: &World) -> TaskId {
    let query = r"{ tasks(first: 1) { edges { node { id } } } }";
    let graphql = world.graphql();
    let task = graphql
        .until("the task", query, |data| data["tasks"]["edges"][0]["node"]["id"].as_str()?.parse::<TaskId>().ok());
    let task = task.await;
    let devnet = world.market.devnet();
    let market = TaskMarketplace::new(world.address(ContractName::TaskMarketplace), devnet.provider());
    let state = async || market.replicationOf(task.0).call().await.ok();
    eventually("three candidates", LIMIT, async || (state().await?.candidates == u32::from(SEATS)).then_some(())).await;
    let until = world.task(task).await.1.acceptBy.to::<u64>();
    let now = devnet.now().await.expect("a time");
    devnet.increase_time(Duration::from_secs(until.saturating_sub(now) + 1)).await.expect("a later time");
    world.until_task_is(task, &[TaskStatus::Drawing]).await;
    devnet.mine(98).await.expect("blocks");
    task
}

#[tokio::test(flavor = "multi_thread")]
async fn three_machines_do_a_job_and_the_majority_is_paid() {
    let world = trusted_market().await;
    let job = JobFile::new(&world.dir().join("jobs"), "replicated", &modules::exit_with(0));
    let job = job.replicas(SEATS).accept_within("10m").write();
    let results = world.dir().join("results");
    let run = ["job", "run", job.to_str().expect("UTF-8"), "--yes", "--results", results.to_str().expect("UTF-8")];
    let (report, task) = tokio::join!(world.aiigo_json(&run), pass_time(&world));

    assert_eq!((&report["status"], &report["exitCode"]), (&"Verified".into(), &0.into()), "{report:#}");
    let nodes: Vec<u64> = world.market.agents().iter().map(|agent| agent.node().expect("a node").0).collect();
    let mut paid: Vec<u64> =
        report["agreeingNodes"].as_array().expect("a list").iter().filter_map(Value::as_u64).collect();
    paid.sort_unstable();
    assert_eq!(paid, nodes);
    let amount = |name: &str| report[name].as_str().and_then(|wei| wei.parse::<u128>().ok()).expect(name);
    assert_eq!(amount("escrowWei"), amount("paidWei") + amount("refundedWei"));
    assert_eq!(amount("paidWei"), amount("providerPaidWei") + amount("feeWei"));
    assert!(results.join(".aiigo/manifest.json").exists());

    // Afterwards, by whoever asks.
    let id = task.to_string();
    let shown = world.aiigo_json(&["job", "show", &id]).await;
    assert_eq!((&shown["request"]["replicas"], &shown["request"]["trust"]), (&3.into(), &2.into()), "{shown:#}");
    let kinds: Vec<&str> =
        shown["timeline"].as_array().expect("rows").iter().filter_map(|row| row["kind"].as_str()).collect();
    for kind in ["Applied", "DrawFixed", "Drawn", "Sealed", "AllSealed", "Revealed", "Judged", "Verified"] {
        assert!(kinds.contains(&kind), "{kind} of {kinds:?}");
    }
    let again = world.dir().join("again");
    let copy = ["job", "download", &id, "--results", again.to_str().expect("UTF-8")];
    assert_eq!(world.aiigo_json(&copy).await["resultHash"], report["resultHash"]);
    assert_eq!(
        fs::read_dir(&again).expect("a folder").count(),
        fs::read_dir(&results).expect("a folder").count(),
        "the same again"
    );
    let refused = world.aiigo(&["job", "approve", &id, "--yes"]).await;
    assert!(refused.code() != 0 && refused.stderr.contains("paid already"), "{}", refused.stderr);
    world.market.stop().await.expect("everything leaves when asked");
}
