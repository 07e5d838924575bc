//! The line to the chain is down, or who is at its other end does not tell the truth.

use std::time::Duration;

use aiigo_devnet::{Fault, Faults, Lie, Line, eventually};
use aiigo_protocol::TaskStatus;

use crate::support::{LIMIT, Stage, copy_program};

/// Some seconds of work.
const LONG: u64 = 8_000_000_000;

/// A stage, and a line to its chain.
async fn on_a_line() -> (Stage, Line) {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    agent.process.kill();
    let line = Line::open(stage.devnet.rpc_url(), 1).await.expect("a line");
    (stage, line)
}

async fn blocks(stage: &Stage, count: u64) {
    let head = stage.head().await;
    eventually("blocks", LIMIT, async || (stage.head().await >= head + count).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_down_for_minutes_while_a_task_runs_costs_nothing() {
    let (stage, line) = on_a_line().await;
    let before = stage.nonce_of(&stage.operator).await;
    let spec = stage.spec(copy_program(LONG), b"patient").await;
    let task = stage.create_for(&spec, "0.36", 600).await;
    let mut agent = stage.run_on(&line);
    eventually("a run", LIMIT, async || (stage.runs_of(task) == 1).then_some(())).await;

    line.fail(Faults::always(Fault::LostRequest));
    let manifest = stage.data_dir().join("work").join(task.to_string()).join("manifest.json");
    eventually("the end of the program", LIMIT, async || manifest.exists().then_some(())).await;
    // Minutes for everybody but this machine's clock.
    stage.devnet.increase_time(Duration::from_secs(300)).await.expect("a later time");
    let lost = line.counts()[&Fault::LostRequest];
    eventually("more tries", LIMIT, async || (line.counts()[&Fault::LostRequest] > lost + 5).then_some(())).await;
    assert!(agent.exit_status().expect("a state").is_none(), "it waits: {}", agent.last_lines());

    line.fail(Faults::none());
    stage.until(task, TaskStatus::Completed).await;
    assert_eq!(stage.bytes(stage.manifest(task, &spec).await.outputs[0].cid).await, b"patient");
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 3);
    assert_eq!(stage.runs_of(task), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_of_another_chain_is_refused() {
    let (stage, line) = on_a_line().await;
    line.lie(Lie::Chain(1));
    let mut agent = stage.run_on(&line);
    let status = agent.wait_for_end(LIMIT).await.expect("an end");
    let said = agent.last_lines();
    assert!(!status.success() && said.contains("serves chain 1, but the deployment file is of chain 31337"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_has_stood_still_is_waited_for() {
    let (stage, line) = on_a_line().await;
    let before = stage.nonce_of(&stage.operator).await;
    let spec = stage.spec(copy_program(LONG), b"behind").await;
    let task = stage.create_for(&spec, "0.36", 600).await;
    let mut agent = stage.run_on(&line);
    // Back to where the task was open: from there everything would be done again.
    let open = stage.head().await;
    eventually("a run", LIMIT, async || (stage.runs_of(task) == 1).then_some(())).await;
    line.lie(Lie::OldHead(open));
    let manifest = stage.data_dir().join("work").join(task.to_string()).join("manifest.json");
    eventually("the end of the program", LIMIT, async || manifest.exists().then_some(())).await;
    blocks(&stage, 4).await;
    assert!(agent.exit_status().expect("a state").is_none(), "it waits: {}", agent.last_lines());
    assert_eq!(stage.status(task).await, TaskStatus::InProgress);

    line.lie(None);
    stage.until(task, TaskStatus::Completed).await;
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 3, "{}", agent.last_lines());
    assert_eq!(stage.runs_of(task), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_withholds_logs_hides_new_tasks_and_harms_none_in_hand() {
    let (stage, line) = on_a_line().await;
    let before = stage.nonce_of(&stage.operator).await;
    let spec = stage.spec(copy_program(LONG), b"in hand").await;
    let task = stage.create_for(&spec, "0.36", 600).await;
    let mut agent = stage.run_on(&line);
    stage.until(task, TaskStatus::InProgress).await;
    line.lie(Lie::NoLogs);
    stage.until(task, TaskStatus::Completed).await;
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 3);

    // What it is not shown it can't take. Its next start reads everything again.
    let hidden = stage.create(&stage.spec(copy_program(1000), b"hidden").await, "0.36").await;
    blocks(&stage, 4).await;
    assert_eq!(stage.status(hidden).await, TaskStatus::Open);
    assert!(agent.exit_status().expect("a state").is_none(), "{}", agent.last_lines());
    agent.kill();
    line.lie(None);
    let _agent = stage.run_on(&line);
    stage.until(hidden, TaskStatus::Completed).await;
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 6);
}

#[tokio::test(flavor = "multi_thread")]
async fn invented_receipts_make_no_agent_work_for_nothing() {
    let (stage, line) = on_a_line().await;
    let mut agent = stage.run_on(&line);
    eventually("an agent at work", LIMIT, async || {
        stage.logs().iter().any(|log| log.contains("looking for work")).then_some(())
    })
    .await;
    line.lie(Lie::Receipts);
    let spec = stage.spec(copy_program(1_000_000), b"invented").await;
    let task = stage.create_for(&spec, "0.36", 600).await;
    eventually("an agent that goes for it", LIMIT, async || {
        (stage.report().await["tasks"][0]["taskId"] == task.to_string()).then_some(())
    })
    .await;
    blocks(&stage, 6).await;
    assert_eq!(stage.status(task).await, TaskStatus::Open);
    assert_eq!(stage.runs_of(task), 0, "nothing was accepted, and nothing is run");
    assert!(agent.exit_status().expect("a state").is_none(), "{}", agent.last_lines());

    // With the truth it gets on.
    line.lie(None);
    stage.until(task, TaskStatus::Completed).await;
    assert_eq!(stage.runs_of(task), 1);
    assert_eq!(stage.bytes(stage.manifest(task, &spec).await.outputs[0].cid).await, b"invented");
}
