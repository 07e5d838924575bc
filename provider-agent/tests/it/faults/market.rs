//! What buyers, the clock and the challenger do to a task in hand.

use std::time::Duration;

use aiigo_devnet::{eventually, mined};
use aiigo_protocol::{AIIGOToken, ContractName, DisputeCourt, ProofOfWorkVerifier, TaskId, TaskStatus};
use alloy::{
    primitives::U256,
    providers::{Provider, ext::AnvilApi},
    sol_types::SolCall,
};
use serde_json::Value;

use crate::support::{LIMIT, Stage, copy_program, node_of};

/// Some seconds of work.
const LONG: u64 = 8_000_000_000;
/// Seconds for an answer to a challenge.
const WINDOW: u32 = 12;

/// What the agent says of a task, once it is as wanted.
async fn told(stage: &Stage, task: TaskId, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("a task in the status", LIMIT, async || {
        let report = stage.report().await;
        let tasks = report["tasks"].as_array()?.clone();
        tasks.into_iter().find(|told| told["taskId"] == task.to_string() && wanted(told))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_cancelled_while_the_agent_goes_for_it_costs_only_gas() {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    // It sees the task when the chain stands: on a slow machine it would have accepted it before.
    assert!(stage.agent(&stage.operator, &["pause"]).await.success);
    let spec = stage.spec(copy_program(1000), b"cancelled").await;
    let task = stage.create(&spec, "0.36").await;
    let before = stage.nonce_of(&stage.operator).await;
    let provider = stage.devnet.provider();
    provider.anvil_set_interval_mining(0).await.expect("a stopped chain");
    assert!(stage.agent(&stage.operator, &["resume"]).await.success);
    // Agents look for work when there is a block.
    stage.devnet.mine(1).await.expect("a block");
    // The commitment waits for the next one, and so does the buyer's change of mind.
    eventually("a commitment", LIMIT, async || {
        let count = provider.get_transaction_count(stage.operator.address()).pending().await.ok()?;
        (count > before).then_some(())
    })
    .await;
    let market = stage.market();
    let cancelled = market.cancelTask(task.0).send().await.expect("sent");
    provider.anvil_set_interval_mining(1).await.expect("more blocks");
    assert!(cancelled.get_receipt().await.expect("mined").status());

    let told = told(&stage, task, |told| told["stage"] == "Lost").await;
    assert!(told["note"].is_string(), "{told}");
    assert_eq!(stage.status(task).await, TaskStatus::Cancelled);
    assert_eq!(stage.runs_of(task), 0);
    let next = stage.create(&stage.spec(copy_program(1000), b"next").await, "0.36").await;
    stage.until(next, TaskStatus::Completed).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_timed_out_under_the_agent_stops_and_others_follow() {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    // It would run for as long as it may.
    let task = stage.create(&stage.spec(copy_program(1 << 39), b"late").await, "0.36").await;
    eventually("a run", LIMIT, async || (stage.runs_of(task) == 1).then_some(())).await;
    stage.devnet.increase_time(Duration::from_secs(120)).await.expect("a later time");
    mined(stage.market().timeoutTask(task.0)).await;
    let told = told(&stage, task, |told| told["stage"] == "Failed").await;
    assert!(told["note"].as_str().expect("a note").contains("its time was over"), "{told}");
    assert_eq!(stage.status(task).await, TaskStatus::Open);

    let next = stage.create(&stage.spec(copy_program(1000), b"next").await, "0.36").await;
    stage.until(next, TaskStatus::Completed).await;
    assert_eq!(stage.runs_of(task), 1, "it never has this task again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disputed_task_is_told_and_keeps_its_files() {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let spec = stage.spec(copy_program(1000), b"doubtful").await;
    let task = stage.create(&spec, "0.36").await;
    stage.until(task, TaskStatus::Completed).await;

    let court = DisputeCourt::new(stage.at(ContractName::DisputeCourt), stage.devnet.provider_as(&stage.buyer));
    let fee = U256::from(court.parameters().call().await.expect("parameters").caseFee);
    stage.devnet.send_aiigo(stage.buyer.address(), fee).await.expect("AIIGO");
    let token = AIIGOToken::new(stage.at(ContractName::AIIGOToken), stage.devnet.provider_as(&stage.buyer));
    mined(token.approve(*court.address(), fee)).await;
    let market = stage.market();
    let state = market.taskOf(task.0).call().await.expect("a task");
    let elapsed = U256::from(state.submittedAt - state.assignedAt);
    let due = market.dueFor(state.escrow, state.duration, elapsed).call().await.expect("what is due");
    let bond = due * U256::from(200) / U256::from(10_000);
    mined(market.disputeTask(task.0, "ipfs://complaint".to_owned()).value(bond)).await;

    let files = stage.data_dir().join("work").join(task.to_string());
    let disputed = |told: &Value| told["note"].as_str().is_some_and(|note| note.contains("disputed in case"));
    for life in ["the first", "the next"] {
        let told = told(&stage, task, disputed).await;
        assert_eq!(told["stage"], "Reviewing", "{life} life: {told}");
        assert!(told["note"].as_str().expect("a note").contains(&files.display().to_string()), "{told}");
        assert!(files.join("manifest.json").exists() && files.join("inputs/0").exists());
        agent.process.kill();
        agent = stage.run(&[]).await;
        agent.ready().await;
    }
    // The buyer's store has the results as well.
    assert_eq!(stage.bytes(stage.manifest(task, &spec).await.outputs[0].cid).await, b"doubtful");
    let text = stage.agent(&stage.operator, &["status"]).await.stdout;
    assert!(text.contains("disputed in case") && text.contains("submitEvidence"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_challenge_beside_a_task_is_answered_and_excused_and_the_task_delivered() {
    let stage = Stage::start().await;
    let verifier = ProofOfWorkVerifier::new(stage.at(ContractName::ProofOfWorkVerifier), stage.devnet.provider());
    let mut rules = verifier.parameters().call().await.expect("parameters");
    rules.window = WINDOW;
    let call = ProofOfWorkVerifier::setParametersCall { parameters_: rules }.abi_encode();
    stage.devnet.govern(*verifier.address(), call.into()).await.expect("longer windows");
    let node = node_of(&stage.setup().await);
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let open = verifier.roundOpenToAnyoneAt().call().await.expect("a time").to::<u64>();
    let now = stage.devnet.now().await.expect("a time");
    stage.devnet.increase_time(Duration::from_secs(open.saturating_sub(now) + 1)).await.expect("a later time");

    let spec = stage.spec(copy_program(2 * LONG), b"audited").await;
    let task = stage.create_for(&spec, "0.36", 600).await;
    eventually("a run", LIMIT, async || (stage.runs_of(task) == 1).then_some(())).await;
    let challenger = ProofOfWorkVerifier::new(*verifier.address(), stage.devnet.provider_as(&stage.buyer));
    mined(challenger.openRoundWithoutPreimage()).await;
    // While it answers it takes nothing else.
    let other = stage.create(&stage.spec(copy_program(1000), b"other").await, "0.36").await;
    let round = verifier.currentRound().call().await.expect("a round");
    eventually("an answer", LIMIT, async || {
        assert!(stage.devnet.now().await.ok()? <= round.finishesAt.to::<u64>() + 30, "no answer came");
        (verifier.auditsOf(node.0).call().await.ok()?.passed == 1).then_some(())
    })
    .await;
    let excused = verifier.ExcuseRecorded_filter().topic1(U256::from(node.0)).from_block(0).query().await;
    assert_eq!(excused.expect("events").len(), 1, "the task excuses the node, had it shown too little");
    let accepted = stage.market().TaskAccepted_filter().topic1(other.0).from_block(0).query().await.expect("events");
    if let Some((_, log)) = accepted.first() {
        let block = stage.devnet.provider().get_block_by_number(log.block_number.expect("a block").into()).await;
        let accepted_at = block.expect("an answer").expect("a block").header.timestamp;
        assert!(accepted_at + 4 >= round.deadline.to::<u64>(), "taken at {accepted_at} beside a challenge");
    }
    stage.until(task, TaskStatus::Completed).await;
    stage.until(other, TaskStatus::Completed).await;
    assert_eq!(stage.runs_of(task), 1);
}
