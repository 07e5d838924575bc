//! Agents in replicated tasks, as real processes on a real chain, with the gateway of `aiigo store serve`.

pub(crate) mod crowd;

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use aiigo_devnet::{eventually, mined};
use aiigo_protocol::ReplicaStatus::{
    Agreed, Applied, Drawn, Outvoted, Released, Revealed, Sealed, Slashed, TimedOut, Undecided,
};
use alloy::primitives::{B256, U256};

use crate::support::{LIMIT, copy_program};
use crowd::Crowd;

/// Some seconds of work.
const LONG: u64 = 8_000_000_000;
const SHORT: u64 = 1_000_000;

#[tokio::test(flavor = "multi_thread")]
async fn three_agents_that_agree_are_paid_though_one_forgets_everything() {
    let crowd = Crowd::start(3).await;
    for index in 0..3 {
        crowd.run(index);
    }
    let mut before = [0; 3];
    for (index, nonce) in before.iter_mut().enumerate() {
        *nonce = crowd.nonce_of(index).await;
    }
    let (task, spec) = crowd.order(copy_program(LONG), b"thrice").await;
    crowd.draw(task, 3).await;

    // Without its memory it takes up the seat that the chain says is its own.
    eventually("work", LIMIT, async || {
        crowd.members[1].dir.join("work").join(task.to_string()).join("scratch").exists().then_some(())
    })
    .await;
    crowd.kill(1);
    assert_eq!(crowd.replica(task, 1).await, Drawn);
    std::fs::remove_dir_all(&crowd.members[1].dir).expect("removed");
    crowd.run(1);

    crowd.until_seats(task, 3, &[Revealed]).await;
    crowd.judge(task).await;
    for (index, nonce) in before.into_iter().enumerate() {
        assert_eq!(crowd.replica(task, index).await, Agreed);
        let manifest = crowd.revealed(task, index, &spec).await;
        assert_eq!(crowd.bytes(manifest.outputs[0].cid).await, b"thrice");
        let told = crowd.until_told(index, task, "Settled").await;
        assert_eq!(told["paid"], crowd.earned(index).await.to_string());
        assert_eq!(crowd.nonce_of(index).await, nonce + 3, "an application, a seal, a reveal");
        let info = crowd.node(index).await;
        assert_eq!((info.running, info.reviewing, info.tasksVerified), (0, 0, 1));
        assert!(!crowd.members[index].dir.join("work").join(task.to_string()).exists(), "its files are gone");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agent_that_is_killed_again_and_again_does_everything_once() {
    let crowd = Crowd::start(3).await;
    for index in 0..3 {
        crowd.run(index);
    }
    let before = crowd.nonce_of(0).await;
    let (task, spec) = crowd.order(copy_program(SHORT), b"stubborn").await;
    let over = AtomicBool::new(false);
    let course = async {
        crowd.draw(task, 3).await;
        crowd.until_seats(task, 3, &[Revealed]).await;
        over.store(true, Ordering::Relaxed);
    };
    // Killed at points that wander through everything it does.
    let kills = async {
        let mut lives = 0;
        while !over.load(Ordering::Relaxed) {
            lives += 1;
            tokio::time::sleep(Duration::from_millis(170 * (1 + lives % 9))).await;
            crowd.kill(0);
            crowd.run(0);
        }
        lives
    };
    let ((), lives) = tokio::join!(course, kills);
    eprintln!("{lives} lives");
    assert_eq!(crowd.nonce_of(0).await, before + 3, "an application, a seal, a reveal");

    // The count comes while it is away.
    crowd.kill(0);
    crowd.judge(task).await;
    crowd.run(0);
    let told = crowd.until_told(0, task, "Settled").await;
    assert_eq!(told["paid"], crowd.earned(0).await.to_string());
    let manifest = crowd.revealed(task, 0, &spec).await;
    assert_eq!(crowd.bytes(manifest.outputs[0].cid).await, b"stubborn");
    assert_eq!(crowd.nonce_of(0).await, before + 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_liar_is_outvoted_and_slashed_and_learns_nothing_before_it_has_sealed() {
    let crowd = Crowd::start(4).await;
    crowd.run(0);
    crowd.run(1);
    let lie = B256::repeat_byte(0xbb);
    let (task, spec) = crowd.order(copy_program(SHORT), b"guessable").await;
    crowd.apply_by_hand(task, 2).await;
    crowd.draw(task, 3).await;

    // Who can guess the result can ask for it by its name: it is not there before the last seal.
    crowd.until_seats(task, 2, &[Sealed]).await;
    let head = crowd.head().await;
    eventually("blocks", LIMIT, async || (crowd.head().await > head + 5).then_some(())).await;
    assert!(!crowd.has(b"printed\n").await, "what the program printed is in the store");
    let careless = &crowd.members[0].operator;
    let refused = crowd.push_by_hand(task, careless, b"a hint").await.expect("a refusal");
    assert!(refused.contains("have not sealed"), "{refused}");
    assert_eq!(crowd.replica(task, 0).await, Sealed);
    crowd.seal_by_hand(task, 2, lie).await;
    crowd.until_seats(task, 2, &[Revealed]).await;
    assert!(crowd.has(b"printed\n").await);
    let refused = crowd.push_by_hand(task, &crowd.members[3].operator, b"x").await.expect("a refusal");
    assert!(refused.contains("is not the operator of a node that has sealed"), "{refused}");
    crowd.reveal_by_hand(task, 2, lie).await;
    crowd.judge(task).await;
    assert_eq!(crowd.replica(task, 2).await, Outvoted);
    for index in 0..2 {
        crowd.revealed(task, index, &spec).await;
        let told = crowd.until_told(index, task, "Settled").await;
        assert_eq!(told["paid"], crowd.earned(index).await.to_string());
    }
    assert_eq!(crowd.earned(2).await, U256::ZERO);
    let stakes = stakes(&crowd).await;
    crowd.pass(86_401).await;
    mined(crowd.anyone().settleReplicas(task.0)).await;
    assert_eq!(crowd.replica(task, 2).await, Slashed);
    let after = self::stakes(&crowd).await;
    assert_eq!(after[..2], stakes[..2]);
    assert!(after[2] < stakes[2], "{after:?}");

    // Two liars outvote an agent: it says so, and how to appeal, and keeps its files until the last word.
    crowd.kill(1);
    let (task, _) = crowd.order(copy_program(SHORT), b"alone").await;
    crowd.apply_by_hand(task, 2).await;
    crowd.apply_by_hand(task, 3).await;
    crowd.draw(task, 3).await;
    for liar in 2..4 {
        crowd.seal_by_hand(task, liar, lie).await;
    }
    crowd.until_seats(task, 1, &[Revealed]).await;
    for liar in 2..4 {
        crowd.reveal_by_hand(task, liar, lie).await;
    }
    crowd.judge(task).await;
    let told = crowd.until_told(0, task, "Failed").await;
    assert!(told["note"].as_str().expect("a note").contains("outvoted"), "{told}");
    assert!(crowd.log(0).contains("appealReplica"));
    let files = crowd.members[0].dir.join("work").join(task.to_string());
    assert!(files.join("manifest.json").exists());
    crowd.pass(86_401).await;
    mined(crowd.anyone().settleReplicas(task.0)).await;
    eventually("the last word", LIMIT, async || (!files.exists()).then_some(())).await;
    let told = crowd.until_told(0, task, "Failed").await;
    assert!(told["note"].as_str().expect("a note").contains("slashed"), "{told}");
}

async fn stakes(crowd: &Crowd) -> Vec<U256> {
    let mut stakes = Vec::new();
    for index in 0..crowd.members.len() {
        stakes.push(U256::from(crowd.node(index).await.stake));
    }
    stakes
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_is_not_drawn_gets_its_slot_back() {
    let crowd = Crowd::start(4).await;
    let mut before = Vec::new();
    for index in 0..4 {
        before.push(crowd.nonce_of(index).await);
        crowd.run(index);
    }
    let (task, _) = crowd.order(copy_program(SHORT), b"three of four").await;
    crowd.draw(task, 4).await;
    let mut spare = None;
    for index in 0..4 {
        if matches!(crowd.replica(task, index).await, Applied | Released) {
            spare = Some(index);
        }
    }
    let spare = spare.expect("three of four are drawn");

    // No keeper is there: the agent frees its node itself.
    let told = crowd.until_told(spare, task, "Lost").await;
    assert!(told["note"].as_str().expect("a note").contains("not drawn"), "{told}");
    assert_eq!(crowd.replica(task, spare).await, Released);
    let info = crowd.node(spare).await;
    assert_eq!((info.running, info.reviewing, info.runningPower), (0, 0, 0));
    assert_eq!(crowd.nonce_of(spare).await, before[spare] + 2, "an application, a release");

    // And the others work.
    crowd.until_seats(task, 3, &[Revealed]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seat_that_is_silent_holds_nobody_up_for_ever() {
    let crowd = Crowd::start(3).await;
    crowd.run(0);
    crowd.run(1);
    let (task, _) = crowd.order(copy_program(SHORT), b"two of three").await;
    crowd.apply_by_hand(task, 2).await;
    crowd.draw(task, 3).await;
    crowd.until_seats(task, 2, &[Sealed]).await;
    let until = crowd.replication(task).await.sealUntil.to::<u64>();
    crowd.pass(until - crowd.devnet.now().await.expect("a time") + 1).await;
    crowd.until_seats(task, 2, &[Revealed]).await;
    crowd.judge(task).await;
    assert_eq!(crowd.replica(task, 2).await, TimedOut);
    for index in 0..2 {
        crowd.until_told(index, task, "Settled").await;
    }

    // Of two results none has a majority: who worked goes free, and applies for the second round.
    let (task, _) = crowd.order(copy_program(SHORT), b"one against one").await;
    crowd.kill(1);
    for other in 1..3 {
        crowd.apply_by_hand(task, other).await;
    }
    crowd.draw(task, 3).await;
    for (other, result) in [(1, 1), (2, 2)] {
        crowd.seal_by_hand(task, other, B256::repeat_byte(result)).await;
    }
    crowd.until_seats(task, 1, &[Revealed]).await;
    for (other, result) in [(1, 1), (2, 2)] {
        crowd.reveal_by_hand(task, other, B256::repeat_byte(result)).await;
    }
    crowd.judge(task).await;
    assert_eq!(crowd.replica(task, 1).await, Undecided);
    eventually("a second application", LIMIT, async || {
        let replication = crowd.replication(task).await;
        ((replication.round, replication.candidates) == (2, 1)).then_some(())
    })
    .await;
    assert_eq!(crowd.replica(task, 0).await, Applied);
}
