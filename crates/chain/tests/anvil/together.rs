//! Intents that are submitted together go out together, and none harms another.

use aiigo_chain::{Intent, Outcome};
use aiigo_devnet::eventually;
use aiigo_protocol::AIIGOToken;
use alloy::{
    primitives::{Bytes, U256},
    providers::{Provider, ext::AnvilApi},
};

use crate::world::{LIMIT, Running, World, eager, landed, passive};

#[tokio::test]
async fn what_needs_what_was_submitted_before_it_lands_after_it() {
    let world = World::new().await;
    let before = world.nonce().await;
    let outbox = world.open(world.devnet.provider(), eager()).await;
    let (owner, to) = (world.sender.address(), world.receiver);
    let take = |amount: u64| AIIGOToken::transferFromCall { from: owner, to, value: U256::from(amount) };
    // Each needs the one before it: what may be taken is what was approved last.
    for number in 1..=5_u64 {
        let approve = AIIGOToken::approveCall { spender: owner, value: U256::from(number) };
        outbox.submit(world.call(&format!("approve {number}"), approve)).await.unwrap();
        outbox.submit(world.call(&format!("take {number}"), take(number))).await.unwrap();
    }
    let running = Running::start(outbox);
    for number in 1..=5_u64 {
        landed(&running.wait(&format!("approve {number}")).await);
        landed(&running.wait(&format!("take {number}")).await);
    }
    assert_eq!((world.received().await, world.nonce().await), (15, before + 10));
}

#[tokio::test]
async fn what_is_refused_beside_others_says_why_in_the_end() {
    let world = World::new().await;
    let outbox = world.open(world.devnet.provider(), eager()).await;
    for (key, amount) in [("a", 1), ("b", 2000), ("c", 1)] {
        outbox.submit(world.transfer(key, amount)).await.unwrap();
    }
    let running = Running::start(outbox);
    landed(&running.wait("a").await);
    landed(&running.wait("c").await);
    let outcome = running.wait("b").await;
    assert!(matches!(outcome, Outcome::Reverted { tx_hash: None, .. }), "{outcome:?}");
    assert_eq!(world.received().await, 2);
}

#[tokio::test]
async fn what_was_signed_a_moment_before_counts_against_the_balance() {
    let world = World::new().await;
    world.stop_mining().await;
    let ether = U256::from(10).pow(U256::from(18));
    world.provider.anvil_set_balance(world.sender.address(), ether * U256::from(5) / U256::from(2)).await.unwrap();
    let outbox = world.open(world.devnet.provider(), passive()).await;
    for number in 0..5 {
        let nothing = world.transfer(&number.to_string(), 0);
        let intent = Intent { to: world.receiver, data: Bytes::new(), value: ether, ..nothing };
        outbox.submit(intent).await.unwrap();
    }
    let running = Running::start(outbox);
    let short = async || {
        let unfinished = running.outbox.unfinished().await.unwrap();
        let short = |problem: &str| problem.contains("waiting until it is funded");
        unfinished.iter().filter(|one| one.nonce.is_none() && one.problem.as_deref().is_some_and(short)).count()
    };
    eventually("lack of money", LIMIT, async || (short().await == 3).then_some(())).await;
    assert_eq!(world.waiting().await, 2);
    world.mine(1).await;
    assert_eq!(world.provider.get_balance(world.receiver).await.unwrap(), ether * U256::from(2));
}
