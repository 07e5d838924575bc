//! A devnet is a whole chain with the suite on it, ready at once and gone without a trace.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too
use std::{path::Path, time::Duration};

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, eventually};
use aiigo_protocol::{AIIGOToken, ContractName};
use alloy::{
    primitives::U256,
    providers::{Provider, ext::AnvilApi},
};

async fn devnet(dir: &Path) -> Devnet {
    Devnet::start(DevnetConfig::new(dir).block_time(BlockTime::PerTransaction)).await.expect("a devnet")
}

fn unix_now() -> u64 {
    std::time::UNIX_EPOCH.elapsed().expect("after 1970").as_secs()
}

#[tokio::test]
async fn every_contract_of_the_suite_has_code_and_the_record_tells_where() {
    let dir = tempfile::tempdir().expect("a folder");
    let devnet = devnet(dir.path()).await;
    let provider = devnet.provider();
    for name in ContractName::ALL {
        let code = provider.get_code_at(devnet.deployment().address(name)).await.expect("an answer");
        assert!(!code.is_empty(), "{name} has no code");
    }
    assert_eq!(provider.get_chain_id().await.expect("an answer"), devnet.deployment().chain_id);
}

#[tokio::test]
async fn the_events_of_the_deployment_are_still_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let devnet = devnet(dir.path()).await;
    let filter =
        alloy::rpc::types::Filter::new().address(devnet.deployment().addresses()).from_block(devnet.deployment().block);
    let logs = devnet.provider().get_logs(&filter).await.expect("an answer");
    assert!(logs.iter().any(|log| log.address() == devnet.deployment().address(ContractName::AIIGOToken)));
}

#[tokio::test]
async fn two_devnets_side_by_side_know_nothing_of_each_other() {
    let (dir_a, dir_b) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let (a, b) = tokio::join!(devnet(dir_a.path()), devnet(dir_b.path()));
    assert_ne!(a.rpc_url(), b.rpc_url());
    let receiver = a.account(7).expect("an account").address();
    a.send_aiigo(receiver, U256::from(5)).await.expect("a transfer");
    let balance = async |devnet: &Devnet| {
        let token = AIIGOToken::new(devnet.deployment().address(ContractName::AIIGOToken), devnet.provider());
        token.balanceOf(receiver).call().await.expect("a balance")
    };
    assert_eq!(balance(&a).await, U256::from(5));
    assert_eq!(balance(&b).await, U256::ZERO);
}

#[tokio::test]
async fn the_clock_shows_the_present_and_goes_on_from_where_it_is_set() {
    let dir = tempfile::tempdir().expect("a folder");
    let devnet = devnet(dir.path()).await;
    let before = devnet.now().await.expect("a time");
    assert!(before.abs_diff(unix_now()) <= 5, "the chain says {before}, the system {}", unix_now());
    devnet.increase_time(Duration::from_secs(86_400)).await.expect("a jump");
    let after = devnet.now().await.expect("a time");
    assert!((86_400..86_410).contains(&(after - before)), "it jumped by {}", after - before);
}

#[tokio::test]
async fn blocks_come_by_themselves_and_can_be_replaced() {
    let dir = tempfile::tempdir().expect("a folder");
    let devnet = Devnet::start(DevnetConfig::new(dir.path())).await.expect("a devnet");
    let provider = devnet.provider();
    let start = provider.get_block_number().await.expect("a number");
    eventually("new block", Duration::from_secs(10), async || {
        (provider.get_block_number().await.ok()? > start + 1).then_some(())
    })
    .await;
    provider.anvil_set_interval_mining(0).await.expect("a stopped clock");
    let block =
        async |number: u64| provider.get_block_by_number(number.into()).await.expect("an answer").expect("a block");
    let head = provider.get_block_number().await.expect("a number");
    let (kept, replaced) = (block(head - 1).await.header.hash, block(head).await.header.hash);
    devnet.reorg(1).await.expect("a reorg");
    assert_eq!(block(head - 1).await.header.hash, kept);
    assert_ne!(block(head).await.header.hash, replaced);
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_dropped_devnet_is_gone() {
    let dir = tempfile::tempdir().expect("a folder");
    let devnet = devnet(dir.path()).await;
    let address = devnet.rpc_url().socket_addrs(|| None).expect("an address")[0];
    drop(devnet);
    assert!(std::net::TcpStream::connect(address).is_err(), "something still listens on {address}");
}
