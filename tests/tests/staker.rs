//! A staker's first hour: AIIGO locked, a share of the fees claimed, and an early leave that costs what was said.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::time::Duration;

use aiigo_devnet::{Account, eventually, mined};
use aiigo_protocol::{AIIGOToken, ContractName, RewardDistributor, StakingPool};
use aiigo_tests::{World, people::request, wei};
use alloy::{
    primitives::{Address, U256},
    providers::Provider as _,
};
use serde_json::Value;

/// An account of the devnet that no program of the market uses.
const STAKER: u32 = 17;
/// What the keeper may take to close an epoch and share its fees.
const LIMIT: Duration = Duration::from_secs(90);

async fn as_staker(world: &World, staker: &Account, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().copied().chain(["--json"]).collect();
    let finished = world.market.aiigo(staker, &args).await.expect("it runs");
    finished.json().unwrap_or_else(|error| panic!("{error}"))
}

fn amount(value: &Value) -> U256 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("an amount: {value}"))
}

/// A task is bought, done and paid: its fee is the stakers' and the treasury's.
async fn a_fee_is_earned(world: &World) {
    let (buyer, provider) = (world.buyer(), world.provider(13, "200").await);
    let task = world.order(&buyer, request(1)).await;
    world.perform(&provider, task).await;
    mined(world.marketplace(&buyer).approveTask(task.0)).await;
}

#[tokio::test]
async fn a_staker_claims_a_share_of_the_fees_and_leaves_early() {
    let mut world = World::empty("staker").await;
    let staker = world.account(STAKER);
    world.market.devnet().send_aiigo(staker.address(), wei("1000")).await.expect("AIIGO");
    let provider = world.market.provider();
    let pool = StakingPool::new(world.address(ContractName::StakingPool), provider.clone());
    let token = AIIGOToken::new(world.address(ContractName::AIIGOToken), provider.clone());
    let rewards = RewardDistributor::new(world.address(ContractName::RewardDistributor), provider);

    let added = as_staker(&world, &staker, &["stake", "add", "1000", "--lock", "90", "--yes"]).await;
    let id = added["positionId"].as_str().expect("an id").to_owned();
    let nothing =
        world.market.aiigo(&staker, ["stake", "claim", &id, "--token", "eth", "--yes"]).await.expect("it runs");
    assert!(nothing.code() == 1 && nothing.stderr.contains("nothing to claim"), "{}", nothing.stderr);

    // The fee of an epoch is shared by the keeper when the epoch is over, and streams to the stakers.
    a_fee_is_earned(&world).await;
    world.market.start_keeper().await.expect("a keeper");
    let epoch = rewards.epochLength().call().await.expect("a length").to::<u64>();
    world.market.devnet().increase_time(Duration::from_secs(epoch + 1)).await.expect("a later time");
    eventually("fees for the stakers", LIMIT, async || {
        let funded = pool.funded(Address::ZERO).call().await.ok()?;
        (!funded.is_zero()).then_some(())
    })
    .await;
    let ends = pool.streamEndsAt(Address::ZERO).call().await.expect("a time").to::<u64>();
    let now = world.market.devnet().now().await.expect("a time");
    world.pass(ends.saturating_sub(now) + 1).await;

    let listed = as_staker(&world, &staker, &["stake", "list"]).await;
    let waiting = listed[0]["claimable"].as_array().expect("a list");
    let in_eth = waiting.iter().find(|reward| reward["token"] == serde_json::json!(Address::ZERO));
    let in_eth = amount(&in_eth.unwrap_or_else(|| panic!("no ETH: {listed:#}"))["amount"]);
    let balance = async || world.market.provider().get_balance(staker.address()).await.expect("a balance");
    let before = balance().await;
    let claimed = as_staker(&world, &staker, &["stake", "claim", &id, "--token", "eth", "--yes"]).await;
    assert!(amount(&claimed["claimed"][0]["amount"]) >= in_eth, "{claimed:#}");
    let after = balance().await;
    assert!(after + wei("0.01") > before + in_eth, "all but some gas is there: {before} {after}");

    // Who leaves early is told first what it costs, and that is what it costs.
    let unasked = world.market.aiigo(&staker, ["stake", "remove", &id]).await.expect("it runs");
    assert!(unasked.code() == 2 && unasked.stderr.contains("burn 50 AIIGO"), "{}", unasked.stderr);
    let closed = as_staker(&world, &staker, &["stake", "remove", &id, "--yes", "--early"]).await;
    assert_eq!((amount(&closed["returnedWei"]), amount(&closed["burnedWei"])), (wei("950"), wei("50")));
    let held = token.balanceOf(staker.address()).call().await.expect("a balance");
    assert_eq!(held, wei("950") + amount(&closed["rewardWei"]));
    world.market.stop().await.expect("everything leaves when asked");
}
