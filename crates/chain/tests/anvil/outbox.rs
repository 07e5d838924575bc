//! Whatever happens to the process, the line or the chain: what was submitted is on the chain once.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aiigo_chain::{Outbox, OutboxConfig, OutboxError, Outcome};
use aiigo_devnet::{Fault, Faults, eventually};
use aiigo_protocol::AIIGOToken;
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, U256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};

use crate::world::{FINAL, LIMIT, Running, SEND, World, eager, landed, passive};

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

#[tokio::test]
async fn an_intent_lands_and_is_watched_until_it_is_final() {
    let world = World::new().await;
    let running = world.run(eager()).await;
    let outcome = running.send(world.transfer("a", 10)).await;
    landed(&outcome);
    assert_eq!(world.received().await, 10);
    assert_eq!(running.outbox.outcome("a").await.unwrap(), Some(outcome));
    assert_eq!(running.outbox.unfinished().await.unwrap().len(), 1, "its block can still be reorganised");
    world.mine(FINAL).await;
    running.until_finished().await;
    assert!(matches!(running.outbox.outcome("b").await, Err(OutboxError::UnknownKey(key)) if key == "b"));
}

#[tokio::test]
async fn the_same_key_is_sent_once() {
    let world = World::new().await;
    let running = world.run(eager()).await;
    let first = running.send(world.transfer("a", 10)).await;
    let second = running.send(world.transfer("a", 10)).await;
    assert_eq!(first, second);
    assert_eq!(world.received().await, 10);
}

#[tokio::test]
async fn many_intents_share_one_sequence_of_nonces() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    for number in 0..40 {
        running.outbox.submit(world.transfer(&number.to_string(), 1)).await.unwrap();
    }
    for number in 0..40 {
        landed(&running.wait(&number.to_string()).await);
    }
    assert_eq!((world.received().await, world.nonce().await), (40, before + 40));
}

#[tokio::test]
async fn a_crash_before_the_broadcast_loses_nothing() {
    let world = World::new().await;
    let before = world.nonce().await;
    let (running, _line) = world.run_behind(Faults::always(Fault::Silence).only(SEND)).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    eventually("record of a transaction", LIMIT, async || {
        running.outbox.unfinished().await.unwrap().first()?.nonce.filter(|nonce| *nonce == before)
    })
    .await;
    running.stop().await;
    assert_eq!(world.nonce().await, before, "nothing was sent");

    let running = world.run(eager()).await;
    landed(&running.wait("a").await);
    assert_eq!((world.received().await, world.nonce().await), (10, before + 1));
}

#[tokio::test]
async fn a_crash_after_the_broadcast_sends_nothing_twice() {
    let world = World::new().await;
    let before = world.nonce().await;
    let (running, _line) = world.run_behind(Faults::always(Fault::HalfClosed).only(SEND)).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    eventually("transaction on the chain", LIMIT, async || (world.nonce().await == before + 1).then_some(())).await;
    running.stop().await;

    let running = world.run(eager()).await;
    landed(&running.wait("a").await);
    assert_eq!((world.received().await, world.nonce().await), (10, before + 1));
}

#[tokio::test]
async fn a_crash_at_any_moment_loses_and_doubles_nothing() {
    let world = World::new().await;
    let before = world.nonce().await;
    let outbox = world.open(world.devnet.provider(), eager()).await;
    for moment in 0..30 {
        outbox.submit(world.transfer(&moment.to_string(), 1)).await.unwrap();
        // Dropped wherever it is then: the records are all that is left.
        let driver = outbox.run(tokio_util::sync::CancellationToken::new());
        let _ = tokio::time::timeout(Duration::from_millis(2 * moment), driver).await;
    }
    let running = Running::start(outbox);
    for moment in 0..30 {
        landed(&running.wait(&moment.to_string()).await);
    }
    assert_eq!((world.received().await, world.nonce().await), (30, before + 30));
}

#[tokio::test]
async fn a_line_that_fails_now_and_then_only_slows_it_down() {
    let world = World::new().await;
    let before = world.nonce().await;
    let (running, _line) = world.run_behind(Faults::mixed([Fault::LostRequest, Fault::LostAnswer], 125)).await;
    for number in 0..5 {
        running.outbox.submit(world.transfer(&number.to_string(), 1)).await.unwrap();
    }
    for number in 0..5 {
        landed(&running.wait(&number.to_string()).await);
    }
    assert_eq!((world.received().await, world.nonce().await), (5, before + 5));
}

#[tokio::test]
async fn a_transaction_that_the_nodes_forgot_is_sent_again() {
    let world = World::new().await;
    world.stop_mining().await;
    let running = world.run(eager()).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    world.until_waiting(1).await;
    world.provider.anvil_drop_all_transactions().await.unwrap();
    world.until_waiting(1).await;
    world.mine(1).await;
    landed(&running.wait("a").await);
    assert_eq!(world.received().await, 10);
}

#[tokio::test]
async fn a_transaction_that_pays_too_little_is_replaced() {
    let world = World::new().await;
    world.stop_mining().await;
    let running = world.run(eager()).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    world.until_waiting(1).await;
    let before = world.nonce().await;
    let dear = 500_000_000_000_u128;
    let outcome = eventually("block that takes it", LIMIT, async || {
        world.provider.anvil_set_next_block_base_fee_per_gas(dear).await.unwrap();
        world.mine(1).await;
        running.outbox.outcome("a").await.unwrap()
    })
    .await;
    landed(&outcome);
    let Outcome::Landed { receipt, .. } = outcome else { unreachable!("checked") };
    assert!(receipt.effective_gas_price >= dear, "it paid what the chain asked for by then");
    assert_eq!((world.received().await, world.nonce().await), (10, before + 1));
}

#[tokio::test]
async fn above_its_fee_limit_it_waits() {
    let world = World::new().await;
    let running = world.run(eager()).await;
    let mut intent = world.transfer("a", 10);
    intent.max_fee_per_gas = Some(1);
    running.outbox.submit(intent).await.unwrap();
    running.until_problem("above the limit").await;
    assert_eq!(world.received().await, 0);
}

#[tokio::test]
async fn what_a_simulation_refuses_is_not_sent() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    let outcome = running.send(world.transfer("a", 1001)).await;
    let Outcome::Reverted { tx_hash: None, error } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.name, "ERC20InsufficientBalance");
    assert_eq!(world.nonce().await, before);
    running.until_finished().await;
}

#[tokio::test]
async fn what_reverts_on_the_chain_says_why() {
    let world = World::new().await;
    let patron = world.devnet.account(4).unwrap();
    let token = AIIGOToken::new(world.token(), world.devnet.provider_as(&patron));
    world.devnet.send_aiigo(patron.address(), U256::from(50)).await.unwrap();
    let approve = async |amount: u64| {
        let _ = token.approve(world.sender.address(), U256::from(amount)).send().await.unwrap();
    };
    approve(50).await;
    world.stop_mining().await;

    let running = world.run(OutboxConfig { rebroadcast_after: Duration::from_secs(2), ..passive() }).await;
    let take = AIIGOToken::transferFromCall { from: patron.address(), to: world.receiver, value: U256::from(50) };
    running.outbox.submit(world.call("a", take)).await.unwrap();
    world.until_waiting(1).await;
    // Simulated and sent; but another transaction gets in first.
    world.provider.anvil_drop_all_transactions().await.unwrap();
    approve(0).await;
    world.mine(1).await;
    world.until_waiting(1).await;
    world.mine(1).await;

    let outcome = running.wait("a").await;
    let Outcome::Reverted { tx_hash: Some(_), error } = outcome else { panic!("{outcome:?}") };
    assert_eq!(error.name, "ERC20InsufficientAllowance");
    assert_eq!(world.received().await, 0);
}

/// A transfer to somebody who, after it was simulated, begins to have votes counted: two slots of storage dearer.
async fn dearer_in_its_block(room: u64) -> Outcome {
    let world = World::new().await;
    let voter = world.devnet.account(4).unwrap();
    let token = AIIGOToken::new(world.token(), world.devnet.provider_as(&voter));
    world.stop_mining().await;
    let config = OutboxConfig { rebroadcast_after: Duration::from_secs(2), gas_room: room, ..passive() };
    let running = world.run(config).await;
    let give = AIIGOToken::transferCall { to: voter.address(), value: U256::from(10) };
    running.outbox.submit(world.call("a", give)).await.unwrap();
    world.until_waiting(1).await;
    world.provider.anvil_drop_all_transactions().await.unwrap();
    let _ = token.delegate(voter.address()).send().await.unwrap();
    world.mine(1).await;
    world.until_waiting(1).await;
    world.mine(1).await;
    running.wait("a").await
}

#[tokio::test]
async fn what_costs_more_in_its_block_than_when_it_was_tried_has_room() {
    landed(&dearer_in_its_block(OutboxConfig::default().gas_room).await);
    let outcome = dearer_in_its_block(0).await;
    let Outcome::Reverted { tx_hash: Some(_), error } = outcome else { panic!("{outcome:?}") };
    assert!(error.detail.starts_with("out of gas"), "{error}");
}

#[tokio::test]
async fn a_nonce_that_a_stranger_took_is_given_up_only_when_that_is_final() {
    let world = World::new().await;
    world.stop_mining().await;
    let running = world.run(passive()).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    world.until_waiting(1).await;
    world.provider.anvil_drop_all_transactions().await.unwrap();
    let before = world.nonce().await;
    let nothing = TransactionRequest::default().with_to(Address::repeat_byte(1)).with_value(U256::from(1));
    let stranger = world.devnet.provider_as(&world.devnet.account(3).unwrap());
    let stranger = stranger.send_transaction(nothing).await.unwrap();
    world.mine(1).await;
    stranger.get_receipt().await.unwrap();
    running.until_problem("waiting until that is final").await;
    assert_eq!((world.waiting().await, world.received().await), (0, 0), "nothing is sent before");

    world.mine(FINAL).await;
    world.until_waiting(1).await;
    world.mine(1).await;
    landed(&running.wait("a").await);
    assert_eq!((world.received().await, world.nonce().await), (10, before + 2));
}

#[tokio::test]
async fn a_gap_that_a_stranger_left_is_filled() {
    let world = World::new().await;
    world.stop_mining().await;
    let nothing = TransactionRequest::default().with_to(Address::repeat_byte(1)).with_value(U256::from(1));
    let stranger = world.devnet.provider_as(&world.devnet.account(3).unwrap());
    let stranger = *stranger.send_transaction(nothing).await.unwrap().tx_hash();
    world.until_waiting(1).await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    world.until_waiting(2).await;
    world.provider.anvil_drop_transaction(stranger).await.unwrap();
    let outcome = eventually("block that takes it", LIMIT, async || {
        world.mine(1).await;
        running.outbox.outcome("a").await.unwrap()
    })
    .await;
    landed(&outcome);
    assert_eq!((world.received().await, world.nonce().await), (10, before + 2));
}

#[tokio::test]
async fn a_transaction_in_a_replaced_block_lands_again_once() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    let first = running.send(world.transfer("a", 10)).await;
    landed(&first);
    world.devnet.reorg(1).await.unwrap();
    let again = eventually("landing in another block", LIMIT, async || {
        running.outbox.outcome("a").await.unwrap().filter(|outcome| *outcome != first)
    })
    .await;
    assert_eq!(landed(&again), landed(&first), "the same transaction, not another");
    world.mine(FINAL).await;
    running.until_finished().await;
    assert_eq!((world.received().await, world.nonce().await), (10, before + 1));
}

#[tokio::test]
async fn a_reorg_while_nobody_watched_is_noticed_at_the_next_start() {
    let world = World::new().await;
    let running = world.run(eager()).await;
    let first = running.send(world.transfer("a", 10)).await;
    running.stop().await;
    world.devnet.reorg(1).await.unwrap();
    assert_eq!(world.received().await, 0);
    let running = world.run(eager()).await;
    eventually("landing in another block", LIMIT, async || {
        running.outbox.outcome("a").await.unwrap().filter(|outcome| *outcome != first)
    })
    .await;
    assert_eq!(world.received().await, 10);
}

#[tokio::test]
async fn what_is_late_before_it_is_sent_is_never_sent() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    let mut intent = world.transfer("a", 10);
    intent.deadline = Some(unix_now() - 1);
    assert_eq!(running.send(intent).await, Outcome::Expired);
    assert_eq!(world.nonce().await, before);
}

#[tokio::test]
async fn what_is_late_in_the_pool_is_cancelled() {
    let world = World::new().await;
    world.stop_mining().await;
    let before = world.nonce().await;
    let running = world.run(passive()).await;
    let mut intent = world.transfer("a", 10);
    intent.deadline = Some(unix_now() + 2);
    running.outbox.submit(intent).await.unwrap();
    world.until_waiting(1).await;
    let sender = world.sender.address();
    eventually("cancellation in the pool", LIMIT, async || {
        let block = world.provider.get_block_by_number(alloy::eips::BlockNumberOrTag::Pending).full().await.unwrap()?;
        block
            .transactions
            .txns()
            .any(|tx| {
                use alloy::consensus::Transaction;
                tx.inner.signer() == sender && tx.to() == Some(sender)
            })
            .then_some(())
    })
    .await;
    world.mine(1).await;
    assert_eq!(running.wait("a").await, Outcome::Expired);
    assert_eq!((world.received().await, world.nonce().await), (0, before + 1));
}

#[tokio::test]
async fn an_account_without_money_waits_until_it_is_funded() {
    let world = World::new().await;
    let poor = PrivateKeySigner::random();
    let outbox = Outbox::open(world.place("poor"), world.devnet.provider(), poor.clone(), eager()).await.unwrap();
    let running = Running::start(outbox);
    let approve = AIIGOToken::approveCall { spender: world.receiver, value: U256::from(1) };
    running.outbox.submit(world.call("a", approve)).await.unwrap();
    running.until_problem("waiting until it is funded").await;
    world.devnet.send_eth(poor.address(), U256::from(10).pow(U256::from(18))).await.unwrap();
    landed(&running.wait("a").await);
}

#[tokio::test]
async fn an_outbox_is_one_process_and_one_accounts() {
    let world = World::new().await;
    let outbox = world.open(world.devnet.provider(), eager()).await;
    let impatient = OutboxConfig { lock_patience: Duration::ZERO, ..eager() };
    let provider = || world.devnet.provider();
    let second = Outbox::open(world.outbox(), provider(), world.sender.clone(), impatient.clone()).await;
    assert!(matches!(second, Err(OutboxError::Locked { .. })));
    drop(outbox);
    let other = Outbox::open(world.outbox(), provider(), PrivateKeySigner::random(), impatient).await;
    assert!(matches!(other, Err(OutboxError::OtherAccount { .. })));
    world.open(provider(), eager()).await;
}

#[tokio::test]
async fn the_records_of_a_chain_are_not_sent_on_another_with_its_id() {
    let world = World::new().await;
    drop(world.open(world.devnet.provider(), eager()).await);
    let database = world.database().await;
    sqlx::query("UPDATE account SET genesis = $1").bind(vec![1_u8; 32]).execute(&database).await.unwrap();
    database.close().await;
    let opened = Outbox::open(world.outbox(), world.devnet.provider(), world.sender.clone(), eager()).await;
    assert!(matches!(opened, Err(OutboxError::OtherChain { chain: 31337, .. })));
}
