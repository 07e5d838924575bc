//! The course of a task of one node.

use std::{path::PathBuf, time::Duration};

use aiigo_devnet::{eventually, mined};
use aiigo_protocol::{TaskId, TaskStatus};
use alloy::primitives::U256;

use super::{
    ALONE, BAD_ENDS, Hold, LONG,
    trap::{Trap, written},
};
use crate::support::{LIMIT, Running, Stage, copy_program};

/// One node's agent and what it is killed with.
struct Victim {
    stage: Stage,
    dir: PathBuf,
}

impl Victim {
    async fn start() -> Self {
        let stage = Stage::start().await;
        stage.setup().await;
        let dir = stage.data_dir();
        let mut agent = stage.run(&[]).await;
        agent.ready().await;
        agent.process.kill();
        Self { stage, dir }
    }

    async fn written(&self, task: TaskId) -> Option<String> {
        written(&self.dir, task).await
    }

    /// Kills it before it writes down that it has come to a stage.
    async fn kill_before(&self, name: &str, meanwhile: impl AsyncFnOnce(&mut Running)) {
        let trap = Trap::at_stage(&self.dir, name).await;
        let mut agent = self.stage.run(&[]).await;
        meanwhile(&mut agent).await;
        trap.catches(agent.process.id()).await;
        agent.process.kill();
        trap.remove().await;
    }

    /// Kills it after that, and before anything else.
    async fn kill_after(&self, task: TaskId, name: &str, hold: Hold) {
        let trap = match hold {
            Hold::Sending(what) => Some(Trap::at_sending(&self.dir, what).await),
            Hold::Delivery => {
                self.stage.doors.let_deliveries_in(false);
                None
            }
            Hold::Program | Hold::Itself => None,
        };
        let mut agent = self.stage.run(&[]).await;
        match trap {
            Some(trap) => {
                trap.catches(agent.process.id()).await;
                agent.process.kill();
                trap.remove().await;
            }
            None => {
                self.until_written(task, name).await;
                if matches!(hold, Hold::Program) {
                    eventually("a run", LIMIT, async || (self.stage.runs_of(task) > 0).then_some(())).await;
                }
                agent.process.kill();
            }
        }
        self.stage.doors.let_deliveries_in(true);
        assert_eq!(self.written(task).await.as_deref(), Some(name));
    }

    async fn until_written(&self, task: TaskId, name: &str) {
        eventually(name, LIMIT, async || (self.written(task).await.as_deref() == Some(name)).then_some(())).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_killed_at_each_transition_of_a_task_does_everything_once() {
    let victim = Victim::start().await;
    let stage = &victim.stage;
    let before = stage.nonce_of(&stage.operator).await;
    let spec = stage.spec(copy_program(LONG), b"precious").await;
    let task = stage.create_for(&spec, "0.36", 600).await;

    let mut last = None;
    for (name, hold) in ALONE {
        if name == "Settled" {
            stage.approve(task).await;
        }
        victim.kill_before(name, async |_| {}).await;
        assert_eq!(victim.written(task).await.as_deref(), last, "killed before {name}");
        victim.kill_after(task, name, hold).await;
        last = Some(name);
    }

    assert_eq!(stage.nonce_of(&stage.operator).await, before + 3, "a commitment, an acceptance, a result");
    // Broken off once, and once to the end, though it was killed then before it could write that down.
    assert_eq!(stage.runs_of(task), 2);
    let manifest = stage.manifest(task, &spec).await;
    assert_eq!(stage.bytes(manifest.outputs[0].cid).await, b"precious");
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    eventually("the pay", LIMIT, async || {
        let report = stage.report().await;
        (report["tasks"][0]["stage"] == "Settled" && report["tasks"][0]["paid"].is_string()).then_some(())
    })
    .await;
    assert!(stage.credit(stage.payout.address()).await > U256::ZERO);
    assert_eq!(stage.nonce_of(&stage.operator).await, before + 3);
    assert!(!victim.dir.join("work").join(task.to_string()).exists(), "its files are gone");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_killed_at_each_bad_end_does_not_begin_again() {
    let victim = Victim::start().await;
    let stage = &victim.stage;
    for end in BAD_ENDS {
        let before = stage.nonce_of(&stage.operator).await;
        let spec = stage.spec(copy_program(LONG), end.as_bytes()).await;
        let task = stage.create_for(&spec, "0.36", 1200).await;
        match end {
            // The buyer takes the task back when the commitment stands.
            "Lost" => {
                victim.kill_before("Accepting", async |_| {}).await;
                mined(stage.market().cancelTask(task.0)).await;
                victim.kill_before(end, async |_| {}).await;
            }
            // The machine has lost the files, and no gateway gives them again.
            "Abandoned" => {
                victim.kill_after(task, "Executing", Hold::Program).await;
                for lost in ["work", "cache"] {
                    std::fs::remove_dir_all(victim.dir.join(lost)).expect("removed");
                }
                stage.doors.answer(false);
                victim
                    .kill_before(end, async |_| {
                        let note = eventually("trouble", LIMIT, async || {
                            let report = stage.report().await;
                            report["tasks"][0]["note"].as_str().map(ToOwned::to_owned)
                        })
                        .await;
                        assert!(note.starts_with("trying again") && note.contains("cannot fetch"), "{note}");
                        stage.devnet.increase_time(Duration::from_secs(50)).await.expect("later");
                    })
                    .await;
                stage.doors.answer(true);
                assert_eq!(stage.status(task).await, TaskStatus::Open);
            }
            // The time passes while it is away.
            _ => {
                victim.kill_after(task, "Executing", Hold::Program).await;
                stage.devnet.increase_time(Duration::from_secs(3600)).await.expect("later");
                victim.kill_before(end, async |_| {}).await;
            }
        }
        victim.kill_after(task, end, Hold::Itself).await;

        // Nothing more comes of it.
        let sent = stage.nonce_of(&stage.operator).await - before;
        assert_eq!(
            sent,
            if end == "Lost" {
                1
            } else if end == "Failed" {
                2
            } else {
                3
            },
            "{end}"
        );
        let mut agent = stage.run(&[]).await;
        agent.ready().await;
        let head = stage.head().await;
        eventually("blocks", LIMIT, async || (stage.head().await > head + 3).then_some(())).await;
        agent.process.kill();
        assert_eq!(victim.written(task).await.as_deref(), Some(end));
        assert_eq!(stage.nonce_of(&stage.operator).await - before, sent, "{end}");
        assert_eq!(stage.runs_of(task), usize::from(end != "Lost"), "{end}");
        assert!(!victim.dir.join("work").join(task.to_string()).exists(), "{end}: its files are gone");
    }
}
