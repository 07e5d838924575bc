//! What has become pointless does not land, and what is in a hurry goes first.

use std::time::Duration;

use aiigo_chain::{OutboxConfig, OutboxError, Outcome};
use aiigo_devnet::eventually;
use aiigo_protocol::AIIGOToken;
use alloy::{
    consensus::Transaction as _,
    primitives::{TxHash, U256},
    providers::{Provider, ext::AnvilApi},
};

use crate::world::{FINAL, LIMIT, World, eager, landed, passive};

/// The fees of the sender's transaction that waits for a block, if it does nothing.
async fn cancellation_in_the_pool(world: &World) -> u128 {
    eventually("cancellation in the pool", LIMIT, async || {
        let pool = world.pool().await;
        let waiting = pool.iter().find(|transaction| transaction.inner.to() == Some(world.sender.address()))?;
        assert!(waiting.inner.value().is_zero() && waiting.inner.input().is_empty());
        Some(waiting.inner.max_fee_per_gas())
    })
    .await
}

#[tokio::test]
async fn what_is_cancelled_before_it_was_sent_is_never_sent() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    let mut intent = world.transfer("a", 10);
    intent.max_fee_per_gas = Some(1);
    running.outbox.submit(intent).await.unwrap();
    running.until_problem("above the limit").await;
    running.outbox.cancel("a").await.unwrap();
    assert_eq!(running.wait("a").await, Outcome::Expired);
    assert_eq!((world.received().await, world.nonce().await), (0, before));
    assert!(matches!(running.outbox.cancel("b").await, Err(OutboxError::UnknownKey(key)) if key == "b"));
}

#[tokio::test]
async fn what_is_cancelled_in_the_pool_does_not_land_and_keeps_to_its_limit() {
    let world = World::new().await;
    world.stop_mining().await;
    let before = world.nonce().await;
    let running = world.run(passive()).await;
    let mut intent = world.transfer("a", 10);
    // The chain asks for twice as much, in case its price rises.
    let base_fee = world.devnet.provider().get_gas_price().await.unwrap();
    intent.max_fee_per_gas = Some(base_fee * 3 / 2);
    running.outbox.submit(intent).await.unwrap();
    world.until_waiting(1).await;
    running.outbox.cancel("a").await.unwrap();
    assert!(cancellation_in_the_pool(&world).await <= base_fee * 3 / 2);
    world.mine(1).await;
    assert_eq!(running.wait("a").await, Outcome::Expired);
    assert_eq!((world.received().await, world.nonce().await), (0, before + 1));
}

#[tokio::test]
async fn what_is_in_a_block_is_not_cancelled() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    let outcome = running.send(world.transfer("a", 10)).await;
    landed(&outcome);
    running.outbox.cancel("a").await.unwrap();
    world.mine(FINAL).await;
    running.until_finished().await;
    assert_eq!(running.outbox.outcome("a").await.unwrap(), Some(outcome));
    assert_eq!((world.received().await, world.nonce().await), (10, before + 1));
}

#[tokio::test]
async fn what_the_contract_began_to_refuse_is_cancelled_instead_of_paid_for() {
    let world = World::new().await;
    let before = world.nonce().await;
    let patron = world.devnet.account(4).unwrap();
    world.devnet.send_aiigo(patron.address(), U256::from(50)).await.unwrap();
    let token = AIIGOToken::new(world.token(), world.devnet.provider_as(&patron));
    let approve = async |amount: u64| {
        let _ = token.approve(world.sender.address(), U256::from(amount)).send().await.unwrap();
    };
    approve(50).await;
    world.stop_mining().await;
    let running = world.run(OutboxConfig { rebroadcast_after: Duration::from_secs(3600), ..eager() }).await;
    let take = AIIGOToken::transferFromCall { from: patron.address(), to: world.receiver, value: U256::from(50) };
    running.outbox.submit(world.call("a", take)).await.unwrap();
    world.until_waiting(1).await;

    // Forgotten by the nodes; and when it is its turn to pay more, there is nothing left to take.
    world.provider.anvil_drop_all_transactions().await.unwrap();
    approve(0).await;
    world.mine(2).await;
    cancellation_in_the_pool(&world).await;
    world.mine(1).await;
    assert_eq!(running.wait("a").await, Outcome::Expired);
    assert_eq!((world.received().await, world.nonce().await), (0, before + 1));
}

#[tokio::test]
async fn what_is_urgent_goes_first_and_tips_more() {
    let world = World::new().await;
    world.stop_mining().await;
    let running = world.run(OutboxConfig { max_in_flight: 1, ..passive() }).await;
    running.outbox.submit(world.transfer("first", 1)).await.unwrap();
    world.until_waiting(1).await;
    running.outbox.submit(world.transfer("normal", 1)).await.unwrap();
    let mut urgent = world.transfer("urgent", 1);
    urgent.priority = aiigo_chain::Priority::Urgent;
    running.outbox.submit(urgent).await.unwrap();
    let mut found = Vec::new();
    for key in ["first", "urgent", "normal"] {
        world.until_waiting(1).await;
        world.mine(1).await;
        found.push(transaction(&world, landed(&running.wait(key).await)).await);
    }
    let [(first, _), (urgent, tip), (normal, usual)] = found[..] else { unreachable!("three") };
    assert!(first < urgent && urgent < normal);
    assert_eq!(tip, 2 * usual);
}

/// Nonce and tip.
async fn transaction(world: &World, hash: TxHash) -> (u64, u128) {
    let found = world.provider.get_transaction_by_hash(hash).await.unwrap().expect("on the chain");
    (found.inner.nonce(), found.inner.max_priority_fee_per_gas().expect("EIP-1559"))
}

#[tokio::test]
async fn a_chain_that_was_set_back_gets_the_same_transaction_again() {
    let world = World::new().await;
    let before = world.nonce().await;
    let snapshot = world.provider.anvil_snapshot().await.unwrap();
    let running = world.run(eager()).await;
    let first = running.send(world.transfer("a", 10)).await;
    world.provider.anvil_revert(snapshot).await.unwrap();
    eventually("landing again", LIMIT, async || (world.received().await == 10).then_some(())).await;
    let again = eventually("outcome", LIMIT, async || running.outbox.outcome("a").await.unwrap()).await;
    assert_eq!(landed(&again), landed(&first));
    assert_eq!(world.nonce().await, before + 1);
}
