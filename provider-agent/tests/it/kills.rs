//! An agent is killed at each transition that it writes down: just before, when all that led there has been done, and just
//! after, when nothing has been done yet of what follows. However it is killed, it goes on where it was: nothing is sent
//! twice, nothing that ended is run again, and no result is lost.

mod trap;

use std::{collections::BTreeSet, path::PathBuf};

use aiigo_devnet::eventually;
use aiigo_protocol::{ReplicaStatus, TaskId, TaskStatus};
use alloy::primitives::{B256, U256};

use self::trap::{Trap, written};
use crate::{
    replicas::crowd::{Crowd, mined},
    support::{LIMIT, Running, Stage, copy_program, runs_in},
};

/// Some seconds of work: an agent can be killed in the middle of it.
const LONG: u64 = 4_000_000_000;

/// What keeps an agent where it has just written down a stage.
#[derive(Clone, Copy, Debug)]
enum Hold {
    /// The outbox can't take the transaction of this key, the first thing that follows.
    Sending(&'static str),
    /// The buyer's gateway takes nothing.
    Delivery,
    /// Its program runs: it is killed in the middle of that.
    Program,
    /// It stays there by itself: others have the word.
    Itself,
}

/// The course of a task of one node.
const ALONE: [(&str, Hold); 7] = [
    ("Committing", Hold::Sending("commit")),
    ("Accepting", Hold::Sending("accept")),
    ("Executing", Hold::Program),
    ("Delivering", Hold::Delivery),
    ("Submitting", Hold::Sending("result")),
    ("Reviewing", Hold::Itself),
    ("Settled", Hold::Itself),
];

/// The course of a seat in a task of several.
const SEAT: [(&str, Hold); 9] = [
    ("Applying", Hold::Sending("apply")),
    ("Applied", Hold::Itself),
    ("Executing", Hold::Program),
    ("Sealing", Hold::Sending("seal")),
    ("Sealed", Hold::Itself),
    ("Delivering", Hold::Delivery),
    ("Revealing", Hold::Sending("reveal")),
    ("Revealed", Hold::Itself),
    ("Settled", Hold::Itself),
];

/// Ends that nobody hoped for.
const BAD_ENDS: [&str; 3] = ["Lost", "Abandoned", "Failed"];

#[test]
fn there_is_a_kill_at_every_stage() {
    let source = include_str!("../../src/store/work.rs");
    let (_, stages) = source.split_once("\nstages! {\n").expect("the list of stages");
    let (stages, _) = stages.split_once("\n}\n").expect("its end");
    let names = stages.lines().filter_map(|line| line.trim().strip_suffix(','));
    let stages: BTreeSet<&str> = names.filter(|name| name.chars().all(char::is_alphanumeric)).collect();
    let killed: BTreeSet<&str> = ALONE.iter().chain(&SEAT).map(|(name, _)| *name).chain(BAD_ENDS).collect();
    assert!(stages.len() >= 16, "{stages:?}");
    assert_eq!(killed, stages, "a stage without its kills, or kills without a stage");
}

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
                let cancel = stage.market().cancelTask(task.0).send().await.expect("sent");
                assert!(cancel.get_receipt().await.expect("mined").status());
                victim.kill_before(end, async |_| {}).await;
            }
            // The machine has lost the files, and no gateway gives them again.
            "Abandoned" => {
                victim.kill_after(task, "Executing", Hold::Program).await;
                std::fs::remove_dir_all(victim.dir.join("work")).expect("removed");
                stage.doors.answer(false);
                victim
                    .kill_before(end, async |_| {
                        let note = eventually("trouble", LIMIT, async || {
                            let report = stage.report().await;
                            report["tasks"][0]["note"].as_str().map(ToOwned::to_owned)
                        })
                        .await;
                        assert!(note.starts_with("trying again") && note.contains("cannot fetch"), "{note}");
                        stage.devnet.increase_time(std::time::Duration::from_secs(50)).await.expect("later");
                    })
                    .await;
                stage.doors.answer(true);
                assert_eq!(stage.status(task).await, TaskStatus::Open);
            }
            // The time passes while it is away.
            _ => {
                victim.kill_after(task, "Executing", Hold::Program).await;
                stage.devnet.increase_time(std::time::Duration::from_secs(3600)).await.expect("later");
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

/// The node of a crowd whose agent is killed.
const VICTIM: usize = 0;

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_killed_at_each_transition_of_a_seat_does_everything_once() {
    let crowd = Crowd::start(3).await;
    // So that there is an outbox to set traps in.
    crowd.run(VICTIM);
    let dir = crowd.members[VICTIM].dir.clone();
    eventually("an outbox", LIMIT, async || crowd.log(VICTIM).contains("looking for work").then_some(())).await;
    crowd.kill(VICTIM);
    crowd.run(1);
    let before = crowd.nonce_of(VICTIM).await;
    let (task, spec) = crowd.order(copy_program(LONG), b"thrice").await;
    // One against two: it is outvoted, so all hangs on the victim.
    let lie = B256::repeat_byte(0xbb);
    crowd.apply_by_hand(task, 2).await;

    let mut last = None;
    for (name, hold) in SEAT {
        match name {
            "Executing" => crowd.draw(task, 3).await,
            "Delivering" => crowd.seal_by_hand(task, 2, lie).await,
            "Settled" => {
                crowd.until_seats(task, 2, &[ReplicaStatus::Revealed]).await;
                crowd.reveal_by_hand(task, 2, lie).await;
                crowd.judge(task).await;
            }
            _ => {}
        }
        let trap = Trap::at_stage(&dir, name).await;
        crowd.run(VICTIM);
        trap.catches(crowd.process(VICTIM)).await;
        crowd.kill(VICTIM);
        trap.remove().await;
        assert_eq!(written(&dir, task).await.as_deref(), last, "killed before {name}");

        let trap = match hold {
            Hold::Sending(what) => Some(Trap::at_sending(&dir, what).await),
            Hold::Delivery => {
                crowd.doors.let_deliveries_in(false);
                None
            }
            Hold::Program | Hold::Itself => None,
        };
        crowd.run(VICTIM);
        match &trap {
            Some(trap) => trap.catches(crowd.process(VICTIM)).await,
            None => {
                eventually(name, LIMIT, async || (written(&dir, task).await.as_deref() == Some(name)).then_some(()))
                    .await;
                if matches!(hold, Hold::Program) {
                    eventually("a run", LIMIT, async || (runs_in(&crowd.log(VICTIM), task) > 0).then_some(())).await;
                }
            }
        }
        crowd.kill(VICTIM);
        if let Some(trap) = trap {
            trap.remove().await;
        }
        crowd.doors.let_deliveries_in(true);
        assert_eq!(written(&dir, task).await.as_deref(), Some(name));
        last = Some(name);
    }

    assert_eq!(crowd.nonce_of(VICTIM).await, before + 3, "an application, a seal, a reveal");
    assert_eq!(runs_in(&crowd.log(VICTIM), task), 2, "broken off once, and once to the end");
    let manifest = crowd.revealed(task, VICTIM, &spec).await;
    assert_eq!(crowd.bytes(manifest.outputs[0].cid).await, b"thrice");
    crowd.run(VICTIM);
    let told = crowd.until_told(VICTIM, task, "Settled").await;
    assert_eq!(told["paid"], crowd.earned(VICTIM).await.to_string());
    assert_eq!(crowd.nonce_of(VICTIM).await, before + 3);
    // The liar pays for it.
    crowd.pass(86_401).await;
    mined(crowd.anyone().settleReplicas(task.0)).await;
    assert_eq!(crowd.replica(task, 2).await, ReplicaStatus::Slashed);
}
