//! Whatever the endpoints do with a transaction, and whatever they say of it, it lands once.

use std::time::Duration;

use aiigo_chain::OutboxConfig;
use aiigo_devnet::{Fault, Faults, Line, REFUSALS, eventually};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, TxHash, U256},
    providers::{Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
};

use crate::{
    odd::{self, Oddity},
    world::{FINAL, LIMIT, Running, SEND, World, eager, landed},
};

async fn until_it_strikes(line: &Line) {
    eventually("fault", LIMIT, async || line.counts().values().any(|count| *count > 0).then_some(())).await;
}

/// A transaction of the sender that its outbox knows nothing of.
async fn stranger(world: &World, fee: u128) -> TxHash {
    let transaction = TransactionRequest::default()
        .with_to(Address::repeat_byte(1))
        .with_value(U256::from(1))
        .with_nonce(world.nonce().await)
        .with_max_fee_per_gas(fee)
        .with_max_priority_fee_per_gas(fee);
    let provider = world.devnet.provider_as(&world.devnet.account(3).unwrap());
    *provider.send_transaction(transaction).await.unwrap().tx_hash()
}

#[tokio::test]
async fn what_an_endpoint_says_of_a_transaction_decides_nothing() {
    let world = World::new().await;
    let before = world.nonce().await;
    let (running, line) = world.run_behind(Faults::none()).await;
    for refusal in REFUSALS {
        line.fail(Faults::always(Fault::FalseFailure).only(SEND).saying(refusal));
        landed(&running.send(world.transfer(refusal, 1)).await);
    }
    let sent = REFUSALS.len() as u64;
    assert_eq!((world.received().await, world.nonce().await), (sent, before + sent));
}

#[tokio::test]
async fn what_an_endpoint_does_with_a_transaction_only_delays_it() {
    let world = World::new().await;
    let before = world.nonce().await;
    for fault in Fault::ALL {
        let (running, line) = world.run_behind(Faults::always(fault).only(SEND)).await;
        running.outbox.submit(world.transfer(&format!("{fault:?}"), 1)).await.unwrap();
        until_it_strikes(&line).await;
        // Nobody waits here for a request that is never answered: a restart is as good.
        running.stop().await;
        let running = world.run(eager()).await;
        landed(&running.wait(&format!("{fault:?}")).await);
        running.stop().await;
    }
    let sent = Fault::ALL.len() as u64;
    assert_eq!((world.received().await, world.nonce().await), (sent, before + sent));
}

#[tokio::test]
async fn that_a_transaction_is_known_already_is_no_problem() {
    let world = World::new().await;
    world.stop_mining().await;
    let (running, line) = world.run_behind(Faults::none()).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    world.until_waiting(1).await;
    let sent = *line.requests().borrow();
    line.requests().wait_for(|requests| *requests > sent + 20).await.unwrap();
    assert_eq!(running.outbox.unfinished().await.unwrap()[0].problem, None);
    world.mine(1).await;
    landed(&running.wait("a").await);
}

#[tokio::test]
async fn who_is_underpriced_by_a_stranger_waits_for_the_nonce() {
    let world = World::new().await;
    let before = world.nonce().await;
    world.stop_mining().await;
    let (running, line) = world.run_behind(Faults::always(Fault::LostRequest).only(SEND)).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    until_it_strikes(&line).await;
    let stranger = stranger(&world, 1_000_000_000_000).await;
    line.fail(Faults::none());
    running.until_problem("underpriced").await;
    world.provider.anvil_drop_transaction(stranger).await.unwrap();
    world.until_waiting(1).await;
    world.mine(1).await;
    landed(&running.wait("a").await);
    assert_eq!((world.received().await, world.nonce().await), (10, before + 1));
}

#[tokio::test]
async fn money_that_vanished_before_the_broadcast_is_waited_for() {
    let world = World::new().await;
    let (running, line) = world.run_behind(Faults::always(Fault::LostRequest).only(SEND)).await;
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    until_it_strikes(&line).await;
    let address = world.sender.address();
    world.provider.anvil_set_balance(address, U256::from(1)).await.unwrap();
    line.fail(Faults::none());
    running.until_problem("Insufficient funds").await;
    world.provider.anvil_set_balance(address, U256::from(10).pow(U256::from(18))).await.unwrap();
    landed(&running.wait("a").await);
    assert_eq!(world.received().await, 10);
}

#[tokio::test]
async fn an_endpoint_that_says_nothing_is_left_for_another() {
    let world = World::new().await;
    let silent = Line::open(world.devnet.rpc_url(), 1).await.expect("a line");
    let args = aiigo_chain::rpc::RpcArgs {
        rpc_urls: vec![silent.url().clone(), world.devnet.rpc_url().clone()],
        deployment: Some(world.devnet.deployment_path().to_owned()),
        timeout: 200,
    };
    let (provider, _) = args.connect().await.expect("a connection");
    silent.fail(Faults::always(Fault::Silence));
    let running = Running::start(world.open(provider, eager()).await);
    landed(&running.send(world.transfer("a", 10)).await);
    assert_eq!(world.received().await, 10);
}

#[tokio::test]
async fn one_transaction_that_the_nodes_forgot_holds_nobody_up() {
    let world = World::new().await;
    world.stop_mining().await;
    let patient = OutboxConfig { rebroadcast_after: Duration::from_secs(1), ..eager() };
    let running = world.run(patient).await;
    for number in 0..3 {
        running.outbox.submit(world.transfer(&number.to_string(), 1)).await.unwrap();
    }
    world.until_waiting(3).await;
    let middle = *world.pool().await[1].inner.tx_hash();
    world.provider.anvil_drop_transaction(middle).await.unwrap();
    world.until_waiting(3).await;
    world.mine(1).await;
    for number in 0..3 {
        landed(&running.wait(&number.to_string()).await);
    }
    assert_eq!(world.received().await, 3);
}

#[tokio::test]
async fn a_nonce_that_was_used_is_not_given_out_again_whatever_an_endpoint_says() {
    let world = World::new().await;
    let before = world.nonce().await;
    let running = world.run(eager()).await;
    landed(&running.send(world.transfer("a", 1)).await);
    world.mine(FINAL).await;
    running.until_finished().await;
    world.stop_mining().await;
    world.provider.anvil_set_nonce(world.sender.address(), before).await.unwrap();
    running.outbox.submit(world.transfer("b", 1)).await.unwrap();
    let nonce = eventually("nonce", LIMIT, async || running.outbox.unfinished().await.unwrap().first()?.nonce).await;
    assert_eq!(nonce, before + 1);
}

#[tokio::test]
async fn one_odd_answer_holds_nobody_else_up() {
    for oddity in [Oddity::Nonsense, Oddity::Silence] {
        let world = World::new().await;
        world.stop_mining().await;
        let (provider, oddities) = odd::endpoint(world.devnet.rpc_url());
        let running = Running::start(world.open(provider, eager()).await);
        for key in ["a", "b"] {
            running.outbox.submit(world.transfer(key, 1)).await.unwrap();
        }
        world.until_waiting(2).await;
        let first = *world.pool().await[0].inner.tx_hash();
        oddities.set(format!("eth_getTransactionReceipt\",\"params\":[\"{first}"), oddity);
        world.mine(1).await;
        landed(&running.wait("b").await);
        running.until_problem("about it").await;
        assert_eq!(running.outbox.outcome("a").await.unwrap(), None);
        // The next one comes after the odd one too.
        running.outbox.submit(world.transfer("c", 1)).await.unwrap();
        world.until_waiting(1).await;
        oddities.clear();
        landed(&running.wait("a").await);
    }
}

#[tokio::test]
async fn what_was_answered_in_the_end_is_no_problem_any_more() {
    let world = World::new().await;
    world.stop_mining().await;
    let (provider, oddities) = odd::endpoint(world.devnet.rpc_url());
    let running = Running::start(world.open(provider, eager()).await);
    running.outbox.submit(world.transfer("a", 1)).await.unwrap();
    world.until_waiting(1).await;
    let block = world.provider.get_block_number().await.unwrap() + 1;
    oddities.set(format!("eth_getBlockByNumber\",\"params\":[\"{block:#x}\""), Oddity::Nonsense);
    world.mine(1).await;
    landed(&running.wait("a").await);
    // Whether its block is still there is asked with the next.
    world.mine(1).await;
    running.until_problem("about it").await;
    oddities.clear();
    eventually("end of the problem", LIMIT, async || {
        let unfinished = running.outbox.unfinished().await.unwrap();
        assert_eq!(unfinished.len(), 1, "its block can still be reorganised");
        unfinished[0].problem.is_none().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_dead_line_is_asked_less_and_less() {
    let world = World::new().await;
    let (running, line) = world.run_behind(Faults::always(Fault::ServerError)).await;
    let mut requests = line.requests();
    let started = std::time::Instant::now();
    running.outbox.submit(world.transfer("a", 10)).await.unwrap();
    let first = *requests.borrow();
    requests.wait_for(|count| *count >= first + 7).await.unwrap();
    // 30 ms, and twice as long each time: 1890 ms in the end.
    assert!(started.elapsed() > Duration::from_millis(1800), "{:?}", started.elapsed());
    line.fail(Faults::none());
    landed(&running.wait("a").await);
}

#[tokio::test]
async fn who_takes_no_transaction_holds_up_no_question() {
    let world = World::new().await;
    let before = world.nonce().await;
    let silent = Line::open(world.devnet.rpc_url(), 1).await.expect("a line");
    let args = aiigo_chain::rpc::RpcArgs {
        rpc_urls: vec![silent.url().clone()],
        deployment: Some(world.devnet.deployment_path().to_owned()),
        timeout: 1000,
    };
    let (provider, _) = args.connect().await.expect("a connection");
    let outbox = world.open(provider, eager()).await;
    silent.fail(Faults::always(Fault::Silence).only(SEND));
    for number in 0..8_u64 {
        outbox.submit(world.transfer(&number.to_string(), 1)).await.unwrap();
    }
    let mut requests = silent.requests();
    let running = Running::start(outbox);
    until_it_strikes(&silent).await;
    // A round asks for the head and the nonce, and then once in vain, for whomever of the eight it is.
    let (asked, struck) = (*requests.borrow(), silent.counts()[&Fault::Silence]);
    requests.wait_for(|count| *count >= asked + 24).await.unwrap();
    assert!(silent.counts()[&Fault::Silence] - struck < 12);
    silent.fail(Faults::none());
    for number in 0..8_u64 {
        landed(&running.wait(&number.to_string()).await);
    }
    assert_eq!((world.received().await, world.nonce().await), (8, before + 8));
}
