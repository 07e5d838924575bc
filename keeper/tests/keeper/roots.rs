//! Bonuses: their root is posted, adopted and paid from; a wrong one raises the alarm.

use aiigo_devnet::mined;
use aiigo_protocol::{
    AIIGOToken, ContractName, Event, NodeId,
    RewardDistributor::{self, RewardDistributorInstance},
};
use aiigo_rewards::{BonusTree, Ledger};
use alloy::{
    primitives::{Address, B256, U256},
    providers::{DynProvider, Provider},
    rpc::types::Filter,
};
use serde_json::Value;

use crate::support::{Stage, aiigo, attempts};

const KEEPER: u32 = 0;
/// Longer than the devnet's veto delay, seconds.
const VETO_DELAY: u64 = 11;
/// More blocks than can be replaced.
const FINALITY: u64 = 100;

fn rewards(stage: &Stage, provider: DynProvider) -> RewardDistributorInstance<DynProvider> {
    RewardDistributor::new(stage.at(ContractName::RewardDistributor), provider)
}

async fn aiigo_of(stage: &Stage, account: Address) -> U256 {
    let token = AIIGOToken::new(stage.at(ContractName::AIIGOToken), stage.devnet.provider());
    token.balanceOf(account).call().await.expect("a balance")
}

/// The last closed epoch with a tree, as anyone computes it who has the events.
async fn last_tree(stage: &Stage) -> (u64, BonusTree) {
    let deployment = stage.devnet.deployment();
    let filter = Filter::new().address(deployment.addresses()).from_block(deployment.block);
    let logs = stage.devnet.provider().get_logs(&filter).await.expect("logs");
    let mut ledger = Ledger::default();
    let closed = logs
        .iter()
        .filter_map(|log| Event::decode(deployment.contract_at(log.address())?, log.data()))
        .filter_map(|event| ledger.apply(&event))
        .last()
        .expect("a closed epoch");
    (closed.number, closed.tree().expect("a bonus"))
}

/// A node is paid for a task, and the epoch of its fee is closed for good.
async fn an_epoch_with_a_fee(stage: &Stage) -> NodeId {
    let node = stage.active_node().await;
    let task = stage.open_task(1).await;
    stage.accept(task, node).await;
    stage.pass(20).await;
    stage.deliver(task).await;
    mined(stage.market(&stage.buyer).approveTask(task.0)).await;
    stage.pass(60).await;
    let (code, stdout) = stage.run(KEEPER, &["once", "--json", "--duties", "close-epochs,claim-rewards"]).await;
    assert_eq!(code, 0, "{stdout}\n{}", stage.log(KEEPER));
    stage.mine(FINALITY).await;
    node
}

/// Duty and subject of what landed; nothing else may have been tried.
async fn landed(stage: &Stage, duties: &str) -> Vec<(String, String)> {
    let (code, stdout) = stage.run(KEEPER, &["once", "--json", "--duties", duties]).await;
    assert_eq!(code, 0, "{stdout}\n{}", stage.log(KEEPER));
    let landed = |(duty, subject, ending): (String, String, String)| {
        assert_eq!(ending, "landed", "{duty} {subject}");
        (duty, subject)
    };
    attempts(&stdout).into_iter().map(landed).collect()
}

#[tokio::test]
async fn a_node_is_paid_by_a_proof_under_the_root_that_the_keeper_posted() {
    let stage = Stage::start().await;
    let node = an_epoch_with_a_fee(&stage).await;
    let (epoch, tree) = last_tree(&stage).await;
    let (poster, bond) = (stage.keeper_account(KEEPER).address(), aiigo("10000"));
    stage.devnet.send_aiigo(poster, bond).await.expect("a bond");

    let duty = |subject: String| ("post-roots".to_owned(), subject);
    let expected = [format!("bond for epoch {epoch}"), format!("epoch {epoch}/{}", tree.root())].map(duty);
    assert_eq!(landed(&stage, "post-roots,finalize-roots").await, expected);
    assert_eq!(aiigo_of(&stage, poster).await, U256::ZERO);
    stage.pass(VETO_DELAY).await;
    let adopted = ("finalize-roots".to_owned(), "root 1".to_owned());
    assert_eq!(landed(&stage, "post-roots,finalize-roots").await, [adopted]);
    assert_eq!(aiigo_of(&stage, poster).await, bond);

    // The only node is the best one: 3% of the base reward, which the keeper claimed.
    let rewards = rewards(&stage, stage.devnet.provider_as(&stage.buyer));
    let base = rewards.rewardsOf(node.0).call().await.expect("rewards").baseClaimed;
    let amount = tree.amount(node).expect("a bonus");
    assert_eq!((base > 0, amount), (true, U256::from(base) * U256::from(3) / U256::from(100)));
    let before = aiigo_of(&stage, stage.owner.address()).await;
    mined(rewards.claimBonus(node.0, amount, tree.proof(node).expect("a proof"))).await;
    assert_eq!(aiigo_of(&stage, stage.owner.address()).await - before, amount);
}

#[tokio::test]
async fn a_wrong_root_raises_the_alarm_and_is_not_adopted() {
    let stage = Stage::start().await;
    an_epoch_with_a_fee(&stage).await;
    let (epoch, tree) = last_tree(&stage).await;
    let liar = stage.devnet.account(20).expect("an account");
    stage.fund(&liar, aiigo("10000"), ContractName::RewardDistributor).await;
    let false_root = B256::repeat_byte(1);
    mined(rewards(&stage, stage.devnet.provider_as(&liar)).postRoot(U256::from(epoch), false_root)).await;
    stage.pass(VETO_DELAY).await;

    let (code, stdout) = stage.run(KEEPER, &["once", "--json", "--duties", "finalize-roots"]).await;
    assert_eq!((code, attempts(&stdout)), (1, vec![]), "{stdout}");
    let report: Value = serde_json::from_str(&stdout).expect("JSON");
    let wrong = &report["wrongRoots"][0];
    let text = |root: B256| Value::from(root.to_string());
    assert_eq!((&wrong["root"], &wrong["own"]), (&text(false_root), &text(tree.root())), "{stdout}");
    assert!(stage.log(KEEPER).contains("[AIIGO-K-019]"), "{}", stage.log(KEEPER));

    let _keeper = stage.keeper(KEEPER, &["--duties", "expire-tasks"]).await;
    assert_eq!(stage.status_of(KEEPER).await["wrongRoots"], 1);
}
