//! What the database says is what the contracts would say.

use std::collections::BTreeMap;

use crate::support::{
    chain::Chain,
    database::Database,
    events::log,
    market::{Stage, min_stake},
    story,
};
use aiigo_indexer::store::{Condition, Order, Row, Snapshot, rows};
use aiigo_protocol::{
    ContractName, NodeStatus, TaskMarketplace,
    TaskMarketplace::{ReplicaDrawFixed, ReplicasDrawn, ReplicasJudged, ReplicasReopened, ReplicasVerified},
    TaskStatus,
};
use alloy::{
    primitives::{
        Address, B256, U256,
        aliases::{U40, U48},
    },
    sol_types::SolEvent,
};

async fn all<R: Row>(snapshot: &Snapshot) -> Vec<R> {
    let order = vec![Order { column: R::TABLE.columns[0], descending: false }];
    snapshot.list(Condition::EVERYTHING, order, 100_000).await.expect("the rows")
}

fn sum(amounts: impl Iterator<Item = U256>) -> U256 {
    amounts.fold(U256::ZERO, |sum, amount| sum + amount)
}

#[tokio::test]
async fn nodes_are_as_the_registry_has_them() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let nodes: Vec<rows::Node> = all(&snapshot).await;
    let market = chain.market();
    assert_eq!(nodes.len(), market.nodes.len());
    for (node, truth) in nodes.iter().zip(&market.nodes) {
        assert_eq!(
            (node.stake, node.unbonding, node.reputation, node.online, node.banned, node.verified),
            (truth.stake, truth.unbonding, truth.reputation, truth.online, truth.banned, truth.proven),
            "node {}",
            node.id
        );
        let running = market.tasks.iter().filter(|task| task.stage == Stage::Running && task.node == node.id).count();
        let reviewing =
            market.tasks.iter().filter(|task| task.stage == Stage::Delivered && task.node == node.id).count();
        assert_eq!((node.running as usize, node.reviewing as usize), (running, reviewing), "node {}", node.id);
    }
}

#[tokio::test]
async fn a_node_is_active_exactly_while_it_is_verified_staked_and_online() {
    let mut chain = Chain::new();
    let database = |chain: &Chain| {
        let chain = chain.clone();
        async move { all::<rows::Node>(&Database::of(&chain).await.reader().await.snapshot()).await.remove(0) }
    };
    let register = 0;
    let (stake, challenge, answer, switch, ban) = (2, 4, 6, 9, 31);
    chain.mine(&[register]);
    assert_eq!(database(&chain).await.status, NodeStatus::Pending);
    chain.mine(&[challenge, answer]);
    assert_eq!(database(&chain).await.status, NodeStatus::Verified);
    chain.mine(&[stake, stake]);
    let node = database(&chain).await;
    assert!(node.stake >= min_stake());
    assert_eq!((node.status, node.trust_level), (NodeStatus::Inactive, 1));
    chain.mine(&[switch]);
    assert_eq!(database(&chain).await.status, NodeStatus::Active);
    // Governance asks for 80 AIIGO more than the 150 it has would allow.
    chain.mine(&[30 + 32 * 4 * 80]);
    let node = database(&chain).await;
    assert_eq!((node.status, node.trust_level), (NodeStatus::Verified, 0));
    chain.mine(&[ban]);
    assert_eq!(database(&chain).await.status, NodeStatus::Slashed);
}

#[tokio::test]
async fn tasks_and_escrows_are_as_the_market_has_them() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let tasks: BTreeMap<_, rows::Task> =
        all(&snapshot).await.into_iter().map(|task: rows::Task| (task.id, task)).collect();
    let escrows: BTreeMap<_, rows::Escrow> =
        all(&snapshot).await.into_iter().map(|escrow: rows::Escrow| (escrow.task_id, escrow)).collect();
    let market = chain.market();
    assert_eq!((tasks.len(), escrows.len()), (market.tasks.len(), market.tasks.len()));
    for truth in &market.tasks {
        let (task, escrow) = (&tasks[&truth.id], &escrows[&truth.id]);
        let expected = match truth.stage {
            Stage::Open => vec![TaskStatus::Open],
            Stage::Running => vec![TaskStatus::InProgress],
            Stage::Delivered => vec![TaskStatus::Completed],
            Stage::Closed => vec![TaskStatus::Verified, TaskStatus::Cancelled, TaskStatus::Expired],
        };
        assert!(expected.contains(&task.status), "{task:?}");
        assert_eq!(task.attempts, truth.attempts);
        let held = if truth.stage == Stage::Closed { U256::ZERO } else { truth.held };
        assert_eq!(escrow.held, held, "{escrow:?}");
        let split = escrow.split_amount + escrow.tips_paid;
        let out = escrow.provider_amount + escrow.fee_amount + escrow.refund_amount + split;
        assert_eq!(escrow.deposited, escrow.held + out, "every wei of an escrow went somewhere");
    }
    assert!(market.tasks.iter().any(|task| task.stage == Stage::Closed && task.attempts == 0));
}

#[tokio::test]
async fn balances_are_what_was_credited_less_what_was_withdrawn() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let balances: Vec<rows::Balance> = all(&snapshot).await;
    let market = chain.market();
    for balance in &balances {
        assert_eq!(balance.amount, market.balances.get(&balance.account).copied().unwrap_or_default());
        assert_eq!(balance.credited, balance.amount + balance.withdrawn);
    }
    let totals: Vec<rows::TokenTotals> = all(&snapshot).await;
    let [eth] = totals.as_slice() else { panic!("one payment token, not {totals:?}") };
    assert_eq!(eth.deposited, eth.escrowed + eth.paid + eth.fees + eth.refunded + eth.tips);
    assert_eq!(eth.paid + eth.fees + eth.refunded + eth.tips, sum(balances.iter().map(|b| b.credited)));
    assert_eq!(eth.withdrawn, sum(balances.iter().map(|b| b.withdrawn)));
}

#[tokio::test]
async fn the_totals_are_the_sums_of_the_rows() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let nodes: Vec<rows::Node> = all(&snapshot).await;
    let tasks: Vec<rows::Task> = all(&snapshot).await;
    let positions: Vec<rows::Position> = all(&snapshot).await;
    let accounts: Vec<rows::Account> = all(&snapshot).await;
    let totals = all::<rows::Protocol>(&snapshot).await.remove(0);
    let nodes_in = |status| nodes.iter().filter(|node| node.status == status).count() as u64;
    let tasks_in = |status| tasks.iter().filter(|task| task.status == status).count() as u64;
    assert_eq!(totals.nodes, nodes.len() as u64);
    assert_eq!(totals.nodes_pending, nodes_in(NodeStatus::Pending));
    assert_eq!(totals.nodes_verified, nodes_in(NodeStatus::Verified));
    assert_eq!(totals.nodes_active, nodes_in(NodeStatus::Active));
    assert_eq!(totals.nodes_inactive, nodes_in(NodeStatus::Inactive));
    assert_eq!(totals.nodes_slashed, nodes_in(NodeStatus::Slashed));
    let active = nodes.iter().filter(|node| node.status == NodeStatus::Active);
    assert_eq!(totals.active_power, sum(active.map(|node| node.power)));
    assert_eq!(totals.node_stake, sum(nodes.iter().map(|node| node.stake)));
    assert_eq!(totals.node_unbonding, sum(nodes.iter().map(|node| node.unbonding)));
    assert_eq!(totals.slashed, sum(nodes.iter().map(|node| node.slashed)));
    assert_eq!(totals.tasks, tasks.len() as u64);
    assert_eq!(totals.tasks_open, tasks_in(TaskStatus::Open));
    assert_eq!(totals.tasks_in_progress, tasks_in(TaskStatus::InProgress));
    assert_eq!(totals.tasks_completed, tasks_in(TaskStatus::Completed));
    assert_eq!(totals.tasks_verified, tasks_in(TaskStatus::Verified));
    assert_eq!(totals.tasks_cancelled, tasks_in(TaskStatus::Cancelled));
    assert_eq!(totals.tasks_expired, tasks_in(TaskStatus::Expired));
    let open: Vec<_> = positions.iter().filter(|position| position.closed_at.is_none()).collect();
    assert_eq!(totals.pool_staked, sum(open.iter().map(|position| position.amount)));
    assert_eq!(totals.pool_weight, sum(open.iter().map(|position| position.weight)));
    assert_eq!(totals.minted - totals.burned, sum(accounts.iter().map(|account| account.token_balance)));
    assert_eq!(totals.pool_staked, sum(accounts.iter().map(|account| account.staked)));
}

#[tokio::test]
async fn open_escrow_of_a_node_is_that_of_its_tasks() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let market = chain.market();
    for escrow in all::<rows::NodeEscrow>(&snapshot).await {
        let answers_for = |task: &&crate::support::market::Task| {
            task.node == escrow.node_id && matches!(task.stage, Stage::Running | Stage::Delivered)
        };
        assert_eq!(escrow.open, sum(market.tasks.iter().filter(answers_for).map(|task| task.escrow)));
    }
}

#[tokio::test]
async fn rewards_add_up_to_their_epoch() {
    let database = Database::of(&story::eventful()).await;
    let snapshot = database.reader().await.snapshot();
    let rewards: Vec<rows::Reward> = all(&snapshot).await;
    let fees: Vec<rows::EpochFee> = all(&snapshot).await;
    assert_eq!(sum(rewards.iter().map(|reward| reward.weight)), sum(fees.iter().map(|fee| fee.weight)));
    for epoch in all::<rows::Epoch>(&snapshot).await {
        let its: Vec<_> = rewards.iter().filter(|reward| reward.epoch == epoch.number).collect();
        assert_eq!(epoch.claimed, sum(its.iter().filter_map(|reward| reward.claimed)));
        assert_eq!(epoch.ends_at - epoch.starts_at, crate::support::market::EPOCH);
        if !epoch.closed {
            assert_eq!(epoch.total_weight, sum(its.iter().map(|reward| reward.weight)));
        }
    }
}

#[tokio::test]
async fn a_replicated_task_is_followed_through_two_rounds_to_its_payment() {
    let mut chain = Chain::new();
    let mut logs = chain.market().create(5, 1_000);
    let mut created = TaskMarketplace::TaskCreated::decode_log_data(&logs[0].data).expect("the creation");
    created.request.replicas = 3;
    logs[0] = log(ContractName::TaskMarketplace, &created);
    let task_id = created.taskId;
    let fixed = |round| {
        let event = ReplicaDrawFixed { taskId: task_id, round, candidates: U256::from(9), drawBlock: U48::from(70) };
        log(ContractName::TaskMarketplace, &event)
    };
    let drawn = |round| {
        let (nodes, seal_until) = (vec![1, 2, 3], U40::from(2_000));
        let event =
            ReplicasDrawn { taskId: task_id, round, randomness: B256::ZERO, nodeIds: nodes, sealUntil: seal_until };
        log(ContractName::TaskMarketplace, &event)
    };
    let reopened = ReplicasReopened { taskId: task_id, round: 2, acceptBy: U40::from(3_000) };
    let judged = ReplicasJudged {
        taskId: task_id,
        round: 2,
        resultHash: B256::repeat_byte(9),
        agreeing: U256::from(2),
        settleAfter: U40::from(4_000),
    };
    let verified = ReplicasVerified {
        taskId: task_id,
        enforcer: Address::ZERO,
        due: U256::from(100),
        providerAmount: U256::from(92),
        feeAmount: U256::from(8),
        refundAmount: U256::from(7),
    };
    let course = [
        (logs, TaskStatus::Recruiting, 0),
        (vec![fixed(1)], TaskStatus::Drawing, 0),
        (vec![drawn(1)], TaskStatus::Replicating, 0),
        (vec![log(ContractName::TaskMarketplace, &reopened)], TaskStatus::Recruiting, 1),
        (vec![fixed(2)], TaskStatus::Drawing, 1),
        (vec![drawn(2)], TaskStatus::Replicating, 1),
        (
            vec![log(ContractName::TaskMarketplace, &judged), log(ContractName::TaskMarketplace, &verified)],
            TaskStatus::Verified,
            1,
        ),
    ];
    let mut last = None;
    for (logs, status, attempts) in course {
        chain.mine_logs(logs);
        let task = all::<rows::Task>(&Database::of(&chain).await.reader().await.snapshot()).await.remove(0);
        assert_eq!((task.status, task.attempts), (status, attempts));
        assert_eq!(task.assigned_at.is_some(), matches!(status, TaskStatus::Replicating | TaskStatus::Verified));
        last = Some(task);
    }
    let task = last.expect("a task");
    assert_eq!((task.due, task.provider_amount), (Some(U256::from(100)), Some(U256::from(92))));
    assert_eq!((task.fee_amount, task.refund_amount), (Some(U256::from(8)), Some(U256::from(7))));
    assert_eq!((task.result_hash, task.closed_at.is_some()), (Some(B256::repeat_byte(9)), true));
}
