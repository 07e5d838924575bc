//! One keeper: deadlines pass, and it does what nobody else did.

use std::time::Duration;

use aiigo_devnet::eventually;
use aiigo_protocol::TaskStatus;
use alloy::primitives::{Address, U256};

use crate::support::{Stage, attempts};

const LIMIT: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_late_task_is_timed_out_and_the_tip_earned() {
    let stage = Stage::start().await;
    let node = stage.active_node().await;
    let task = stage.open_task(1).await;
    stage.accept(task, node).await;
    let market = stage.market(&stage.buyer);
    let tip = market.paymentToken(Address::ZERO).call().await.expect("the tip").timeoutTip;
    let grace = market.parameters().call().await.expect("parameters").grace;
    let stake = stage.registry(&stage.owner).nodeInfo(node.0).call().await.expect("a node").stake;

    // On time, nothing is due.
    stage.pass(50).await;
    let (code, stdout) = stage.run(0, &["once", "--json", "--duties", "time-out-tasks"]).await;
    assert_eq!((code, attempts(&stdout)), (0, vec![]));

    stage.pass(11 + u64::from(grace)).await;
    let (code, stdout) = stage.run(0, &["once", "--json", "--duties", "time-out-tasks"]).await;
    let done = attempts(&stdout);
    assert_eq!((code, done.len()), (0, 1), "{stdout}\n{}", stage.log(0));
    assert_eq!((done[0].0.as_str(), done[0].2.as_str()), ("time-out-tasks", "landed"));

    assert_eq!(stage.status(task).await, TaskStatus::Open, "it is open for others");
    assert_eq!(stage.credit(stage.keeper_account(0).address()).await, U256::from(tip));
    let slashed = stage.registry(&stage.owner).nodeInfo(node.0).call().await.expect("a node").stake;
    assert_eq!(slashed * 100, stake * 95);
}

#[tokio::test]
async fn a_silent_buyer_is_overruled_and_an_untaken_task_refunded() {
    let stage = Stage::start().await;
    let node = stage.active_node().await;
    let (delivered, untaken) = (stage.open_task(1).await, stage.open_task(2).await);
    stage.accept(delivered, node).await;
    stage.deliver(delivered).await;
    let held = stage.escrow().escrowOf(untaken.0).call().await.expect("an escrow").amount;
    let _keeper = stage.keeper(0, &["--jitter", "0"]).await;

    let before = stage.credit(stage.buyer.address()).await;
    stage.pass(61).await;
    eventually("a paid provider", LIMIT, async || {
        (stage.status(delivered).await == TaskStatus::Verified).then_some(())
    })
    .await;
    eventually("a refunded buyer", LIMIT, async || (stage.status(untaken).await == TaskStatus::Expired).then_some(()))
        .await;
    assert!(stage.credit(stage.owner.address()).await > U256::ZERO);
    assert!(stage.credit(stage.buyer.address()).await >= before + U256::from(held));
}

#[tokio::test]
async fn an_unanswered_challenge_is_closed_and_epochs_end() {
    let stage = Stage::start().await;
    let node = stage.register().await;
    stage.issue_challenge(node).await;
    let _keeper = stage.keeper(0, &["--jitter", "0"]).await;
    stage.pass(3600).await;
    let verifier = stage.verifier(&stage.operator);
    eventually("a closed challenge", LIMIT, async || {
        (!verifier.challengeOf(node.0).call().await.ok()?.open).then_some(())
    })
    .await;
    // The devnet's epochs are a minute long: an hour of them is closed, one after the other.
    let rewards = aiigo_protocol::RewardDistributor::new(
        stage.devnet.deployment().address(aiigo_protocol::ContractName::RewardDistributor),
        stage.devnet.provider(),
    );
    let current = rewards.currentEpoch().call().await.expect("an epoch");
    eventually("every epoch that is over to be closed", Duration::from_secs(120), async || {
        (rewards.nextEpochToClose().call().await.ok()? >= current).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_dry_run_tells_what_it_would_send_and_needs_no_key() {
    let stage = Stage::start().await;
    let task = stage.open_task(1).await;
    stage.pass(61).await;
    let (code, stdout) = stage.run_without_key(&["once", "--json", "--dry-run", "--duties", "expire-tasks"]).await;
    assert_eq!(code, 0, "{stdout}");
    assert_eq!(attempts(&stdout), [("expire-tasks".to_owned(), task.to_string(), "would-send".to_owned())]);
    assert_eq!(stage.status(task).await, TaskStatus::Open);
}

#[tokio::test]
async fn a_budget_that_is_used_up_is_said_and_kept() {
    let stage = Stage::start().await;
    let task = stage.open_task(1).await;
    stage.pass(61).await;
    let args = ["once", "--json", "--duties", "expire-tasks", "--daily-budget", "0.000000001"];
    let (code, stdout) = stage.run(0, &args).await;
    assert_eq!(code, 1);
    assert!(stdout.contains("[AIIGO-K-011]"), "{stdout}");
    assert_eq!(stage.transactions_of(&stage.keeper_account(0)).await, 0);
    assert_eq!(stage.status(task).await, TaskStatus::Open);
}

#[tokio::test]
async fn a_keeper_without_a_key_or_a_chain_says_what_to_do() {
    let stage = Stage::start().await;
    let (code, _) = stage.run_without_key(&["once"]).await;
    assert_eq!(code, 1);
    assert!(stage.log(9).contains("[AIIGO-K-003]"), "{}", stage.log(9));
    let (code, stdout) = stage.run(0, &["doctor"]).await;
    assert_eq!(code, 0, "{stdout}");
    let (code, stdout) = stage.run(0, &["doctor", "--max-cost", "1000000"]).await;
    assert_eq!(code, 1);
    assert!(stdout.contains("[AIIGO-K-012]") && stdout.contains("→"), "{stdout}");
}

#[tokio::test]
async fn a_duty_has_to_pay_if_its_settings_say_so() {
    let stage = Stage::start().await;
    // The tip is 0.0002 ETH. Empty blocks take the base fee down, so that gas costs nearly nothing.
    stage.mine(64).await;
    let node = stage.active_node().await;
    let task = stage.open_task(1).await;
    stage.accept(task, node).await;
    stage.pass(66).await;
    let once = ["once", "--json", "--duties", "time-out-tasks"];
    let greedy = stage.settings("greedy", "[duty.time-out-tasks]\nmin-profit = '0.001'");
    let (code, stdout) = stage.run(0, &[once.as_slice(), &["--config", &greedy]].concat()).await;
    assert_eq!(code, 1);
    assert!(stdout.contains("[AIIGO-K-017]"), "{stdout}\n{}", stage.log(0));
    let modest = stage.settings("modest", "[duty.time-out-tasks]\nmin-profit = '0.0001'");
    let (code, stdout) = stage.run(0, &[once.as_slice(), &["--config", &modest]].concat()).await;
    assert_eq!((code, attempts(&stdout)[0].2.as_str()), (0, "landed"), "{stdout}");
    // Refunding earns nothing.
    stage.pass(61).await;
    let (_, stdout) = stage.run(0, &["once", "--json", "--duty", "expire-tasks.min-profit=0"]).await;
    assert!(stdout.contains("[AIIGO-K-017]") && stage.status(task).await == TaskStatus::Open, "{stdout}");
}

#[tokio::test]
async fn a_keeper_waits_for_its_chain_and_says_so() {
    let stage = Stage::start().await;
    let mut keeper = stage.keeper_without_chain(0).await;
    eventually("a second beginning", LIMIT, async || {
        (stage.log(0).matches("[AIIGO-K-015]").count() >= 2).then_some(())
    })
    .await;
    assert_eq!(stage.status_of(0).await["ready"], false);
    assert!(keeper.exit_status().expect("a state").is_none());
    keeper.terminate(Duration::from_secs(10)).await.expect("an end");
    let (code, _) = stage.finish_status(0).await;
    assert_eq!(code, 1);
    assert!(stage.log(0).contains("[AIIGO-K-018]"), "{}", stage.log(0));
}
