//! What the database says is what the contracts would say.

use std::collections::BTreeMap;

use crate::support::{
    chain::Chain,
    database::Database,
    events::log,
    market::{ACTIONS, Market, Stage, Task, min_stake},
    replicas::Phase,
    story,
};
use aiigo_indexer::store::{Condition, Order, Row, Snapshot, rows};
use aiigo_protocol::{
    ContractName, NodeStatus, ReplicaStatus, SeatState, TaskMarketplace,
    TaskMarketplace::{
        ReplicaApplied, ReplicaDrawFixed, ReplicasDrawn, ReplicasJudged, ReplicasReopened, ReplicasVerified,
    },
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

/// The shares of the escrows of replicated tasks that a node holds a slot for, and those that its result answers for.
fn replicas_of(market: &Market, node_id: u64) -> (Vec<U256>, Vec<U256>) {
    let (mut slots, mut answering) = (Vec::new(), Vec::new());
    for task in &market.replicated {
        for ((_, node), replica) in &task.replicas {
            match replica.status {
                _ if *node != node_id => {}
                ReplicaStatus::Applied | ReplicaStatus::Drawn => slots.push(task.share()),
                ReplicaStatus::Sealed | ReplicaStatus::Revealed => answering.push(task.share()),
                ReplicaStatus::Agreed | ReplicaStatus::Outvoted if task.phase == Phase::Counted => {
                    answering.push(task.share());
                }
                _ => {}
            }
        }
    }
    (slots, answering)
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
        let reviewed = |task: &&Task| matches!(task.stage, Stage::Delivered | Stage::Disputed) && task.node == node.id;
        let reviewing = market.tasks.iter().filter(reviewed).count();
        let (slots, answering) = replicas_of(&market, node.id);
        assert_eq!(
            (node.running as usize, node.reviewing as usize),
            (running + slots.len(), reviewing + answering.len()),
            "node {}",
            node.id
        );
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
    chain.mine(&[30 + ACTIONS * 4 * 80]);
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
    let count = market.tasks.len() + market.replicated.len();
    assert_eq!((tasks.len(), escrows.len()), (count, count));
    for truth in &market.tasks {
        let (task, escrow) = (&tasks[&truth.id], &escrows[&truth.id]);
        let expected = match truth.stage {
            Stage::Open => vec![TaskStatus::Open],
            Stage::Running => vec![TaskStatus::InProgress],
            Stage::Delivered => vec![TaskStatus::Completed],
            Stage::Disputed => vec![TaskStatus::Disputed],
            Stage::Closed => {
                vec![TaskStatus::Verified, TaskStatus::Cancelled, TaskStatus::Expired, TaskStatus::Resolved]
            }
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
    let out = eth.paid + eth.fees + eth.refunded + eth.tips + eth.split;
    assert_eq!(eth.deposited, eth.escrowed + out);
    assert_eq!(out, sum(balances.iter().map(|b| b.credited)));
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
    let waiting = [TaskStatus::Open, TaskStatus::Recruiting, TaskStatus::Drawing].map(tasks_in);
    assert_eq!(totals.tasks_open, waiting.iter().sum::<u64>());
    let executed = [TaskStatus::InProgress, TaskStatus::Replicating].map(tasks_in);
    assert_eq!(totals.tasks_in_progress, executed.iter().sum::<u64>());
    assert_eq!(totals.tasks_completed, tasks_in(TaskStatus::Completed));
    assert_eq!(totals.tasks_verified, tasks_in(TaskStatus::Verified));
    assert_eq!(totals.tasks_cancelled, tasks_in(TaskStatus::Cancelled));
    assert_eq!(totals.tasks_expired, tasks_in(TaskStatus::Expired));
    assert_eq!(totals.tasks_disputed, tasks_in(TaskStatus::Disputed));
    assert_eq!(totals.tasks_resolved, tasks_in(TaskStatus::Resolved));
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
        let answers_for = |task: &&Task| {
            task.node == escrow.node_id && matches!(task.stage, Stage::Running | Stage::Delivered | Stage::Disputed)
        };
        let alone = sum(market.tasks.iter().filter(answers_for).map(|task| task.escrow));
        let (slots, answering) = replicas_of(&market, escrow.node_id);
        assert_eq!(escrow.open, alone + sum([slots, answering].concat().into_iter()));
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
    let applied = |round| {
        let apply = |node| ReplicaApplied { taskId: task_id, nodeId: node, operator: Address::ZERO, round };
        [1, 2, 3].map(|node| log(ContractName::TaskMarketplace, &apply(node))).to_vec()
    };
    chain.mine(&[0, 0, 0]);
    let course = [
        (logs, TaskStatus::Recruiting, 0),
        (applied(1), TaskStatus::Recruiting, 0),
        (vec![fixed(1)], TaskStatus::Drawing, 0),
        (vec![drawn(1)], TaskStatus::Replicating, 0),
        (vec![log(ContractName::TaskMarketplace, &reopened)], TaskStatus::Recruiting, 1),
        (applied(2), TaskStatus::Recruiting, 1),
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

#[tokio::test]
async fn cases_are_as_the_court_has_them() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let market = chain.market();
    let cases: Vec<rows::Case> = all(&snapshot).await;
    let seats: Vec<rows::CaseJuror> = all(&snapshot).await;
    let evidence: Vec<rows::Evidence> = all(&snapshot).await;
    assert_eq!(cases.len(), market.cases.len());
    for (case, truth) in cases.iter().zip(&market.cases) {
        assert_eq!(
            (case.id, case.task_id, case.node_id, case.buyer, case.status, case.round, case.appellant),
            (truth.id, truth.task, truth.node, truth.buyer, truth.status, truth.round, truth.appellant)
        );
        assert_eq!((case.jury_size, case.replacements), (truth.size, truth.replacements), "case {}", case.id);
        assert_eq!(case.low.zip(case.high), truth.middle, "case {}", case.id);
        assert_eq!(case.share, truth.middle.map(|(low, high)| (low + high) / 2), "case {}", case.id);
        if case.closed_at.is_none() {
            assert_eq!(usize::from(case.seated), truth.seated(), "case {}", case.id);
        }
        let mut its: Vec<_> = seats.iter().filter(|seat| seat.case_id == case.id).collect();
        its.sort_by_key(|seat| seat.seat);
        let its: Vec<_> = its.iter().map(|seat| (seat.juror, seat.round, seat.state)).collect();
        let expected: Vec<_> = truth.seats.iter().map(|seat| (seat.juror, seat.round, seat.state)).collect();
        assert_eq!(its, expected, "case {}", case.id);
        let shown = seats.iter().filter(|seat| seat.case_id == case.id && seat.share.is_some());
        for seat in shown {
            assert_eq!(seat.share, Some(truth.seats[seat.seat as usize].share));
        }
        assert_eq!(evidence.iter().filter(|piece| piece.case_id == case.id).count(), truth.evidence as usize);
        let pot = sum(seats.iter().filter(|seat| seat.case_id == case.id).map(|seat| seat.fee));
        assert_eq!(pot, if case.ruled == Some(true) { case.pot.unwrap_or_default() } else { U256::ZERO });
        let returned = case.closed_at.and(case.appeal_fee);
        assert_eq!(case.appeal_fee_returned, returned, "case {}", case.id);
    }
    for state in [SeatState::Silent, SeatState::Released, SeatState::Coherent, SeatState::Incoherent] {
        assert!(seats.iter().any(|seat| seat.state == state), "no juror is {state}");
    }
    assert!(cases.iter().any(|case| case.ruled == Some(false)), "no case without a ruling");
    assert!(cases.iter().any(|case| case.appealed_at.is_some() && case.closed_at.is_some()), "no appeal");
}

#[tokio::test]
async fn jurors_and_what_the_court_owes_are_as_the_court_has_them() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let market = chain.market();
    let jurors: Vec<rows::Juror> = all(&snapshot).await;
    assert_eq!(jurors.len(), market.jurors.len());
    let seats: Vec<rows::CaseJuror> = all(&snapshot).await;
    for juror in &jurors {
        let truth = &market.jurors[&juror.address];
        assert_eq!((juror.position_id, juror.weight, juror.active), (truth.position, truth.weight, truth.active));
        assert_eq!((juror.seats, juror.released_at.is_none()), (truth.seats, truth.held));
        let its: Vec<_> = seats.iter().filter(|seat| seat.juror == juror.address).collect();
        assert_eq!(juror.drawn as usize, its.len());
        assert_eq!(juror.seats as usize, its.iter().filter(|seat| seat.ended_at.is_none()).count());
        assert_eq!(juror.fees, sum(its.iter().map(|seat| seat.fee)));
        assert_eq!(juror.penalties, sum(its.iter().map(|seat| seat.penalty)));
    }
    for account in all::<rows::Account>(&snapshot).await {
        assert_eq!(account.court_fees, market.court_fees.get(&account.address).copied().unwrap_or_default());
    }
    assert!(!market.court_fees.is_empty());
}

#[tokio::test]
async fn replicas_are_as_the_market_has_them() {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    let snapshot = database.reader().await.snapshot();
    let market = chain.market();
    let replicas: Vec<rows::Replica> = all(&snapshot).await;
    let rounds: Vec<rows::ReplicaRound> = all(&snapshot).await;
    let tasks: BTreeMap<_, rows::Task> =
        all(&snapshot).await.into_iter().map(|task: rows::Task| (task.id, task)).collect();
    assert_eq!(replicas.len(), market.replicated.iter().map(|task| task.replicas.len()).sum::<usize>());
    for truth in &market.replicated {
        let task = &tasks[&truth.id];
        assert_eq!((task.seats, task.escrow), (3, truth.escrow));
        let its = || replicas.iter().filter(|replica| replica.task_id == truth.id);
        for replica in its() {
            let known = &truth.replicas[&(replica.round, replica.node_id)];
            assert_eq!(replica.status, known.status, "{replica:?}");
            if let Some(result) = replica.result_hash {
                assert_eq!(result, known.result);
            }
        }
        let last = rounds.iter().filter(|round| round.task_id == truth.id).map(|round| round.round).max();
        assert_eq!(last, Some(truth.round));
        for round in rounds.iter().filter(|round| round.task_id == truth.id) {
            let of_round = || its().filter(|replica| replica.round == round.round);
            let shown = of_round().filter(|replica| replica.revealed_at.is_some()).count();
            let sealed = of_round().filter(|replica| replica.sealed_at.is_some()).count();
            assert_eq!((usize::from(round.sealed), usize::from(round.revealed)), (sealed, shown));
            assert_eq!(
                of_round().filter(|replica| replica.seat.is_some()).count(),
                if round.drawn_at.is_some() { 3 } else { 0 }
            );
            let agreed = of_round().filter(|replica| replica.status == ReplicaStatus::Agreed).count();
            assert_eq!(usize::from(round.agreeing.unwrap_or_default()), agreed);
            if round.draw_block.is_none() && truth.phase != Phase::Over {
                let standing = of_round().filter(|replica| replica.status == ReplicaStatus::Applied).count();
                assert_eq!(round.candidates as usize, standing);
            }
        }
        let paid = sum(its().filter_map(|replica| replica.provider_amount));
        assert_eq!(task.provider_amount.unwrap_or_default(), paid);
    }
    for status in [ReplicaStatus::TimedOut, ReplicaStatus::Undecided, ReplicaStatus::Agreed, ReplicaStatus::Slashed] {
        assert!(replicas.iter().any(|replica| replica.status == status), "no replica is {status}");
    }
}
