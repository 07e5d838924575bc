//! The course of a seat in a task of several.

use std::path::PathBuf;

use aiigo_devnet::{eventually, mined};
use aiigo_protocol::{ReplicaStatus, TaskId};
use alloy::primitives::B256;

use super::{
    BAD_ENDS, Hold, LONG, SEAT,
    trap::{Trap, written},
};
use crate::{
    replicas::crowd::Crowd,
    support::{LIMIT, copy_program, runs_in},
};

/// The node whose agent is killed.
const VICTIM: usize = 0;

/// A crowd with a victim.
struct Course {
    crowd: Crowd,
    dir: PathBuf,
}

impl Course {
    async fn start() -> Self {
        let crowd = Crowd::start(3).await;
        // So that there is an outbox to set traps in.
        crowd.run(VICTIM);
        eventually("an outbox", LIMIT, async || crowd.log(VICTIM).contains("looking for work").then_some(())).await;
        crowd.kill(VICTIM);
        let dir = crowd.members[VICTIM].dir.clone();
        Self { crowd, dir }
    }

    async fn written(&self, task: TaskId) -> Option<String> {
        written(&self.dir, task).await
    }

    async fn kill_in(&self, trap: Trap) {
        self.crowd.run(VICTIM);
        trap.catches(self.crowd.process(VICTIM)).await;
        self.crowd.kill(VICTIM);
        trap.remove().await;
    }

    /// Kills it before it writes down that it has come to a stage.
    async fn kill_before(&self, name: &str) {
        self.kill_in(Trap::at_stage(&self.dir, name).await).await;
    }

    /// Kills it after that, and before anything else.
    async fn kill_after(&self, task: TaskId, name: &str, hold: Hold) {
        let crowd = &self.crowd;
        match hold {
            Hold::Sending(what) => self.kill_in(Trap::at_sending(&self.dir, what).await).await,
            Hold::Delivery | Hold::Program | Hold::Itself => {
                crowd.doors.let_deliveries_in(!matches!(hold, Hold::Delivery));
                crowd.run(VICTIM);
                eventually(name, LIMIT, async || (self.written(task).await.as_deref() == Some(name)).then_some(()))
                    .await;
                if matches!(hold, Hold::Program) {
                    eventually("a run", LIMIT, async || (runs_in(&crowd.log(VICTIM), task) > 0).then_some(())).await;
                }
                crowd.kill(VICTIM);
                crowd.doors.let_deliveries_in(true);
            }
        }
        assert_eq!(self.written(task).await.as_deref(), Some(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_killed_at_each_transition_of_a_seat_does_everything_once() {
    let course = Course::start().await;
    let crowd = &course.crowd;
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
        course.kill_before(name).await;
        assert_eq!(course.written(task).await.as_deref(), last, "killed before {name}");
        course.kill_after(task, name, hold).await;
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

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_killed_at_each_bad_end_of_a_seat_does_not_begin_again() {
    let course = Course::start().await;
    let crowd = &course.crowd;
    for end in BAD_ENDS {
        let before = crowd.nonce_of(VICTIM).await;
        let (task, _) = crowd.order(copy_program(LONG), end.as_bytes()).await;
        let sent = match end {
            // The buyer takes the task back before the application is sent.
            "Lost" => {
                course.kill_after(task, "Applying", Hold::Sending("apply")).await;
                crowd.cancel(task).await;
                0
            }
            // The provider lowers the limits: it withdraws while that is free.
            "Abandoned" => {
                course.kill_after(task, "Applied", Hold::Itself).await;
                std::fs::write(course.dir.join("policy.toml"), "task.memory = '1MiB'").expect("a policy");
                2
            }
            // The time passes while it is away.
            _ => {
                std::fs::write(course.dir.join("policy.toml"), "").expect("a policy");
                course.kill_after(task, "Applied", Hold::Itself).await;
                crowd.apply_by_hand(task, 1).await;
                crowd.apply_by_hand(task, 2).await;
                crowd.draw(task, 3).await;
                course.kill_after(task, "Executing", Hold::Program).await;
                crowd.pass(3600).await;
                1
            }
        };
        course.kill_before(end).await;
        course.kill_after(task, end, Hold::Itself).await;

        // Nothing more comes of it.
        crowd.run(VICTIM);
        let head = crowd.head().await;
        eventually("blocks", LIMIT, async || (crowd.head().await > head + 4).then_some(())).await;
        crowd.kill(VICTIM);
        assert_eq!(course.written(task).await.as_deref(), Some(end));
        assert_eq!(crowd.nonce_of(VICTIM).await - before, sent, "{end}");
        assert_eq!(runs_in(&crowd.log(VICTIM), task), usize::from(end == "Failed"), "{end}");
    }
}
