//! The chain takes an acceptance back.

use aiigo_devnet::{eventually, mined};
use aiigo_protocol::{NodeId, TaskId, TaskStatus};
use alloy::{
    primitives::{B256, FixedBytes},
    providers::{Provider, ext::AnvilApi},
};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use crate::{
    replicas::crowd::Crowd,
    support::{LIMIT, copy_program, runs_in},
};

/// Some seconds of work.
const LONG: u64 = 8_000_000_000;

async fn node_of(crowd: &Crowd, task: TaskId) -> (TaskStatus, NodeId) {
    let task = crowd.anyone().taskOf(task.0).call().await.expect("a task");
    (TaskStatus::try_from(task.status).expect("a status"), NodeId(task.nodeId))
}

async fn until(crowd: &Crowd, task: TaskId, status: TaskStatus) {
    eventually(status.name(), LIMIT, async || (node_of(crowd, task).await.0 == status).then_some(())).await;
}

/// Replaces the blocks from that of the acceptance on by empty ones; no more blocks come until somebody mines.
async fn take_acceptance_back(crowd: &Crowd, task: TaskId) {
    let provider = crowd.devnet.provider();
    provider.anvil_set_interval_mining(0).await.expect("a stopped chain");
    let market = crowd.anyone();
    let accepted = market.TaskAccepted_filter().topic1(task.0).from_block(0).query().await.expect("events");
    let block = accepted[0].1.block_number.expect("a block");
    let head = provider.get_block_number().await.expect("a number");
    crowd.devnet.reorg(head - block + 1).await.expect("a reorg");
    assert_eq!(node_of(crowd, task).await, (TaskStatus::Open, NodeId(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganised_acceptance_that_comes_back_breaks_no_work_off() {
    let crowd = Crowd::start(1).await;
    crowd.run(0);
    let before = crowd.nonce_of(0).await;
    let (task, _) = crowd.order_for(1, copy_program(LONG), b"back again").await;
    until(&crowd, task, TaskStatus::InProgress).await;
    eventually("a run", LIMIT, async || (runs_in(&crowd.log(0), task) == 1).then_some(())).await;

    take_acceptance_back(&crowd, task).await;
    crowd.devnet.provider().anvil_set_interval_mining(1).await.expect("more blocks");
    until(&crowd, task, TaskStatus::Completed).await;
    assert_eq!(node_of(&crowd, task).await.1, crowd.members[0].node);
    assert_eq!(runs_in(&crowd.log(0), task), 1, "it went on meanwhile");
    assert_eq!(crowd.nonce_of(0).await, before + 3, "a commitment, an acceptance, a result");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reorganised_acceptance_that_somebody_else_got_ends_the_work() {
    let crowd = Crowd::start(2).await;
    crowd.run(0);
    // It would run for minutes.
    let (task, _) = crowd.order_for(1, copy_program(1 << 39), b"somebody else's").await;
    until(&crowd, task, TaskStatus::InProgress).await;
    eventually("a run", LIMIT, async || (runs_in(&crowd.log(0), task) == 1).then_some(())).await;

    // The machine sleeps while the chain changes its mind.
    let agent = Pid::from_raw(crowd.process(0).try_into().expect("a process"));
    kill(agent, Signal::SIGSTOP).expect("stopped");
    take_acceptance_back(&crowd, task).await;
    crowd.devnet.provider().anvil_set_interval_mining(1).await.expect("more blocks");
    let (node, operator) = (crowd.members[1].node, &crowd.members[1].operator);
    let (market, salt) = (crowd.market(operator), B256::repeat_byte(7));
    let sealed = market.commitmentHash(task.0, node.0, salt, operator.address()).call().await.expect("a hash");
    mined(market.commitAccept(node.0, FixedBytes::<20>::from_slice(&sealed[..20]))).await;
    mined(market.acceptTask(task.0, node.0, salt)).await;
    kill(agent, Signal::SIGCONT).expect("awake");

    let told = crowd.until_told(0, task, "Lost").await;
    assert!(told["note"].as_str().expect("a note").contains("reorganisation"), "{told}");
    assert_eq!(node_of(&crowd, task).await, (TaskStatus::InProgress, node));
    assert!(crowd.log(0).contains("its program is stopped"));
    // The machine is free for others at once.
    let (next, _) = crowd.order_for(1, copy_program(1000), b"next").await;
    until(&crowd, next, TaskStatus::Completed).await;
    assert_eq!(node_of(&crowd, next).await.1, crowd.members[0].node);
}
