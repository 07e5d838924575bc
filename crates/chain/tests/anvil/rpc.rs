//! Several endpoints as one.

use aiigo_chain::rpc::{RpcError, connect};
use aiigo_devnet::{Fault, Faults, Line, eventually};
use aiigo_protocol::Deployment;
use alloy::{
    consensus::TxEnvelope,
    eips::eip2718::Encodable2718,
    network::{NetworkTransactionBuilder, TransactionBuilder},
    primitives::{Address, U256},
    providers::Provider,
    rpc::types::TransactionRequest,
};
use url::Url;

use crate::world::{LIMIT, SEND, World};

fn dead() -> Url {
    "http://127.0.0.1:1/v1/key".parse().unwrap()
}

#[tokio::test]
async fn an_endpoint_that_is_down_is_replaced_by_the_next() {
    let world = World::new().await;
    let urls = [dead(), world.devnet.rpc_url().clone()];
    let provider = connect(&urls, world.devnet.deployment()).await.expect("one is up");
    assert_eq!(provider.get_chain_id().await.unwrap(), world.devnet.deployment().chain_id);
}

#[tokio::test]
async fn a_websocket_is_an_endpoint_too() {
    let world = World::new().await;
    let mut url = world.devnet.rpc_url().clone();
    url.set_scheme("ws").unwrap();
    let provider = connect(&[url], world.devnet.deployment()).await.expect("a connection");
    assert!(provider.get_block_number().await.unwrap() > 0);
}

#[tokio::test]
async fn another_chain_is_refused_with_its_name() {
    let world = World::new().await;
    let deployment = Deployment { chain_id: 1, ..world.devnet.deployment().clone() };
    let error = connect(&[world.devnet.rpc_url().clone()], &deployment).await.expect_err("chain 31337");
    assert!(matches!(error, RpcError::WrongChain { found: 31337, expected: 1, .. }), "{error}");
}

#[tokio::test]
async fn a_contract_that_is_not_there_is_named() {
    let world = World::new().await;
    let mut deployment = world.devnet.deployment().clone();
    let nowhere = Address::repeat_byte(9);
    deployment.contracts.get_mut("EscrowManager").unwrap().address = nowhere;
    let error = connect(&[world.devnet.rpc_url().clone()], &deployment).await.expect_err("nothing there").to_string();
    let url = world.devnet.rpc_url().as_str().trim_end_matches('/');
    assert!(error.contains("EscrowManager") && error.contains(&nowhere.to_string()) && error.contains(url), "{error}");
}

/// A transaction of the sender.
async fn signed(world: &World) -> TxEnvelope {
    TransactionRequest::default()
        .with_to(world.receiver)
        .with_value(U256::from(1))
        .with_nonce(world.nonce().await)
        .with_chain_id(31337)
        .with_gas_limit(21_000)
        .with_max_fee_per_gas(100_000_000_000)
        .with_max_priority_fee_per_gas(1)
        .build(&alloy::network::EthereumWallet::from(world.sender.clone()))
        .await
        .unwrap()
}

#[tokio::test]
async fn a_transaction_that_is_known_already_was_sent_well() {
    let world = World::new().await;
    world.stop_mining().await;
    let urls = [dead(), world.devnet.rpc_url().clone()];
    let provider = connect(&urls, world.devnet.deployment()).await.expect("one is up");
    let signed = signed(&world).await;
    for _ in 0..2 {
        let sent = provider.send_raw_transaction(&signed.encoded_2718()).await.expect("accepted");
        assert_eq!(sent.tx_hash(), signed.tx_hash());
    }
}

#[tokio::test]
async fn who_never_answers_is_not_flooded_with_transactions() {
    let world = World::new().await;
    world.stop_mining().await;
    let silent = Line::open(world.devnet.rpc_url(), 1).await.expect("a line");
    let urls = [silent.url().clone(), world.devnet.rpc_url().clone()];
    let provider = connect(&urls, world.devnet.deployment()).await.expect("a connection");
    silent.fail(Faults::always(Fault::Silence).only(SEND));
    let raw = signed(&world).await.encoded_2718();
    let broadcast = async |times: usize| {
        for _ in 0..times {
            let _ = provider.send_raw_transaction(&raw).await.expect("accepted by the other");
        }
    };
    broadcast(60).await;
    let unanswered = || silent.counts().get(&Fault::Silence).copied().unwrap_or_default();
    eventually("silence", LIMIT, async || (unanswered() >= 16).then_some(())).await;
    broadcast(20).await;
    assert_eq!(unanswered(), 16);
}
