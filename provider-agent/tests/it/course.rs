//! From the setup to the money, through kills and bad lines.

use std::time::Duration;

use aiigo_devnet::{Fault, Faults, Line, eventually};
use aiigo_protocol::{NodeStatus, TaskStatus};
use aiigo_task::Outcome;
use alloy::primitives::U256;

use crate::support::{LIMIT, Stage, aiigo, copy_program, node_of};

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_becomes_a_node_that_earns() {
    let stage = Stage::start().await;

    // Set up once; a second time changes nothing and costs nothing.
    let setup = stage.setup().await;
    let node = node_of(&setup);
    assert_eq!(setup["transactions"].as_array().map(Vec::len), Some(3), "{setup}");
    let nonce = stage.nonce_of(&stage.owner).await;
    let again = stage.setup().await;
    assert_eq!(node_of(&again), node);
    assert_eq!(again["transactions"].as_array().map(Vec::len), Some(0), "{again}");
    assert_eq!(stage.nonce_of(&stage.owner).await, nonce);
    let info = stage.registry().nodeInfo(node.0).call().await.expect("a node");
    assert_eq!(U256::from(info.stake), aiigo(200));
    assert_eq!((info.operator, info.payout), (stage.operator.address(), stage.payout.address()));

    // A lost folder does not pay the fee a second time.
    std::fs::remove_dir_all(stage.data_dir()).expect("removed");
    assert_eq!(node_of(&stage.setup().await), node);
    assert_eq!(stage.nonce_of(&stage.owner).await, nonce);

    // It proves its power and goes online by itself.
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let info = stage.registry().nodeInfo(node.0).call().await.expect("a node");
    assert_eq!(NodeStatus::try_from(info.status).expect("a status"), NodeStatus::Active);
    assert!(info.verifiedPower > 0);

    // One task, from the offer to the money.
    let spec = stage.spec(copy_program(1_000_000), b"some bytes").await;
    let task = stage.create(&spec, "0.36").await;
    stage.until(task, TaskStatus::Completed).await;
    let manifest = stage.manifest(task, &spec).await;
    assert_eq!((manifest.outcome, manifest.exit_code), (Outcome::Exited, 3));
    assert_eq!(stage.bytes(manifest.outputs[0].cid).await, b"some bytes");
    assert_eq!(stage.bytes(manifest.stdout.expect("something").cid).await, b"printed\n");
    stage.approve(task).await;
    eventually("settled work", LIMIT, async || {
        let status = stage.agent(&stage.operator, &["status", "--json"]).await.json();
        (status["tasks"][0]["stage"] == "Settled").then_some(())
    })
    .await;
    assert!(!stage.data_dir().join("work").join(task.to_string()).exists(), "its files are gone");

    // The payout key gets the money out, and only once.
    let credit = stage.credit(stage.payout.address()).await;
    assert!(credit > U256::ZERO);
    let withdrawn = stage.agent(&stage.payout, &["withdraw", "--json"]).await.json();
    assert_eq!(withdrawn["amount"], credit.to_string());
    assert_eq!(stage.credit(stage.payout.address()).await, U256::ZERO);
    let nothing = stage.agent(&stage.payout, &["withdraw", "--json"]).await.json();
    assert_eq!((nothing["amount"].as_str(), nothing["txHash"].is_null()), (Some("0"), true));

    // It leaves in time when asked to.
    let status = agent.process.terminate(Duration::from_secs(10)).await.expect("an end");
    assert!(status.success(), "{status}: {}", agent.process.last_lines());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_agent_goes_on_where_it_stopped() {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;

    // Some seconds of work: killed in the middle of it.
    let spec = stage.spec(copy_program(8_000_000_000), b"precious").await;
    let task = stage.create(&spec, "0.36").await;
    stage.until(task, TaskStatus::InProgress).await;
    agent.process.kill();
    let before = stage.nonce_of(&stage.operator).await;

    let mut agent = stage.run(&[]).await;
    stage.until(task, TaskStatus::Completed).await;
    // The result, and nothing that was sent before.
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 1);
    let manifest = stage.manifest(task, &spec).await;
    assert_eq!(stage.bytes(manifest.outputs[0].cid).await, b"precious");

    // Killed while the buyer looks: it learns of the payment all the same.
    agent.process.kill();
    stage.approve(task).await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    eventually("settled work", LIMIT, async || {
        let status = stage.agent(&stage.operator, &["status", "--json"]).await.json();
        (status["tasks"][0]["stage"] == "Settled" && status["tasks"][0]["paid"].is_string()).then_some(())
    })
    .await;
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_again_and_again_sends_everything_once() {
    let stage = Stage::start().await;
    let node = node_of(&stage.setup().await);
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let before = stage.nonce_of(&stage.operator).await;
    let spec = stage.spec(copy_program(1_000_000), b"stubborn").await;
    let task = stage.create(&spec, "0.36").await;
    // Killed at points that wander through everything it does.
    for life in 0.. {
        assert!(life < 100, "no result after {life} lives");
        tokio::time::sleep(Duration::from_millis(130 * (1 + life % 9))).await;
        agent.process.kill();
        if stage.status(task).await == TaskStatus::Completed {
            break;
        }
        agent = stage.run(&[]).await;
    }
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 3, "a commitment, an acceptance, a result");
    let manifest = stage.manifest(task, &spec).await;
    assert_eq!(stage.bytes(manifest.outputs[0].cid).await, b"stubborn");

    // Even without its memory it brings to an end what the chain says is its own.
    let spec = stage.spec(copy_program(8_000_000_000), b"forgotten").await;
    let task = stage.create(&spec, "0.36").await;
    let mut agent = stage.run(&[]).await;
    stage.until(task, TaskStatus::InProgress).await;
    agent.process.kill();
    std::fs::remove_dir_all(stage.data_dir()).expect("removed");
    let _agent = stage.run(&["--node", &node.to_string()]).await;
    stage.until(task, TaskStatus::Completed).await;
    let manifest = stage.manifest(task, &spec).await;
    assert_eq!(stage.bytes(manifest.outputs[0].cid).await, b"forgotten");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_on_a_bad_line_that_is_killed_at_any_request_sends_everything_once() {
    let stage = Stage::start().await;
    stage.setup().await;
    stage.run(&[]).await.ready().await;
    let before = stage.nonce_of(&stage.operator).await;
    let seed =
        std::env::var("AIIGO_CHAOS_SEED").map_or(std::process::id().into(), |text| text.parse().expect("a number"));
    eprintln!("AIIGO_CHAOS_SEED={seed}");
    let line = Line::open(stage.devnet.rpc_url(), seed).await.expect("a line");
    line.fail(Faults::mixed(Fault::ALL, 30));
    let mut requests = line.requests();
    for number in 0..3_u64 {
        let spec = stage.spec(copy_program(1_000_000), &number.to_be_bytes()).await;
        let task = stage.create(&spec, "0.36").await;
        for life in 0.. {
            assert!(life < 300, "no result after {life} lives");
            let mut agent = stage.run_on(&line);
            let fate = *requests.borrow_and_update() + 40 + (seed + 37 * life) % 200;
            while agent.exit_status().expect("a state").is_none() {
                tokio::select! {
                    _ = requests.wait_for(|requests| *requests >= fate) => agent.kill(),
                    () = tokio::time::sleep(Duration::from_millis(50)) => {}
                }
            }
            if stage.status(task).await == TaskStatus::Completed {
                break;
            }
        }
        let manifest = stage.manifest(task, &spec).await;
        assert_eq!(stage.bytes(manifest.outputs[0].cid).await, number.to_be_bytes());
        assert_eq!(stage.nonce_of(&stage.operator).await, before + 3 * (number + 1), "{:?}", line.counts());
    }
}

/// The spec with another size of its module.
fn with_size_of_module(spec: &aiigo_task::TaskSpec, size: u64) -> Vec<u8> {
    let mut spec: serde_json::Value = serde_json::from_slice(&spec.canonical()).expect("JSON");
    spec["module"]["size"] = size.into();
    spec.to_string().into_bytes()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_suit_the_provider_is_left_alone() {
    let stage = Stage::start().await;
    stage.setup().await;
    stage.policy("price.floor.CPU = '0.3'\ntask.memory = '32MiB'");
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let nonce = stage.nonce_of(&stage.operator).await;

    let good = stage.spec(copy_program(1000), b"x").await;
    let cheap = stage.create(&good, "0.29").await;
    let lying = stage.spec(copy_program(1000), b"y").await;
    let lying = aiigo_task::TaskSpec::parse(&with_size_of_module(&lying, 1)).expect("a spec");
    let lying = stage.create(&lying, "0.36").await;
    let mut greedy = stage.spec(copy_program(1000), b"z").await;
    greedy.limits.memory_bytes = 33 << 20;
    let greedy = stage.create(&greedy, "0.36").await;

    // A task that suits comes last, so that the others were looked at before.
    let suits = stage.create(&good, "0.36").await;
    stage.until(suits, TaskStatus::Completed).await;
    for task in [cheap, lying, greedy] {
        assert_eq!(stage.status(task).await, TaskStatus::Open);
    }
    // A commitment, an acceptance, a result.
    assert_eq!(stage.nonce_of(&stage.operator).await, nonce + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_without_consent_pays_nothing() {
    let stage = Stage::start().await;
    let balance = stage.aiigo_of(stage.owner.address()).await;
    let refused = stage.agent(&stage.owner, &["setup", "--stake", "200"]).await;
    assert!(!refused.success);
    assert!(refused.stderr.contains("0.1 ETH") && refused.stderr.contains("--yes"), "{}", refused.stderr);
    assert_eq!(stage.nonce_of(&stage.owner).await, 0);
    assert_eq!(stage.aiigo_of(stage.owner.address()).await, balance);

    // Neither does a wrong key get anywhere.
    stage.setup().await;
    let wrong = stage.agent(&stage.buyer, &["run", "--listen", "127.0.0.1:0"]).await;
    assert!(!wrong.success && wrong.stderr.contains("is not the operator"), "{}", wrong.stderr);
}
