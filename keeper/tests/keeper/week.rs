//! A week of the protocol, with one keeper that has every duty: each of them has something to do, and does it.
//!
//! What the keeper does nobody else does here: whatever is waited for is its work. The devnet's reward epochs last a minute; of
//! the ten thousand that go by it closes as many as it gets to.

use std::time::Duration;

use aiigo_devnet::{Account, eventually, mined, try_until};
use aiigo_keeper::DutyName;
use aiigo_protocol::{
    AIIGOGovernor, AIIGOToken, ContractName, DisputeCourt, NodeId, NodeRegistry, ProofOfWorkVerifier, StakingPool,
    TaskId, TaskStatus,
};
use alloy::{
    primitives::{B256, Bytes, U256},
    providers::DynProvider,
    sol_types::{SolCall, SolEvent},
};

use crate::support::{Stage, aiigo, request, solved_in};

const LIMIT: Duration = Duration::from_secs(45);
const DAY: u64 = 86_400;
/// Seconds for the answer to a challenge or a round: enough for all, however busy this machine is.
const WINDOW: u32 = 30;
/// Hashes a second that count as one TFLOPS.
const HASHES_PER_TFLOPS: u64 = 60_000;
/// How long each node looks for an answer to a round.
const ANSWER: Duration = Duration::from_secs(5);
/// How long a node that fails is under review.
const REVIEW: u64 = 2 * DAY;
const KEEPER: u32 = 0;
/// `CaseStatus` of the court.
const COMMITTING: u8 = 2;
/// `ReplicaStatus` of the market.
const SLASHED: u8 = 13;

/// A node whose owner operates it.
struct Provider {
    node: NodeId,
    account: Account,
}

struct Week {
    stage: Stage,
    /// With the trust that replicated tasks ask for, once they have passed a round.
    trusted: Vec<Provider>,
    /// Accepts and does nothing.
    idler: Provider,
}

#[tokio::test]
async fn in_a_week_every_duty_does_its_work() {
    let week = Week::begin().await;
    let every: Vec<&str> = DutyName::ALL.iter().map(|duty| duty.name()).collect();
    let every = every.join(",");
    week.stage.make_secrets(KEEPER).await;
    let settings = ["--duties", &every, "--jitter", "0", "--daily-budget", "50", "--duty"];
    let retries: Vec<String> = DutyName::ALL.iter().map(|duty| format!("{duty}.retry-every=2")).collect();
    let retries = retries.join(",");
    let mut keeper = week.stage.keeper(KEEPER, &[settings.as_slice(), &[&retries]].concat()).await;

    week.jurors_and_stakers().await;
    week.a_proposal_passes().await;
    week.tasks_of_one_node().await;
    week.a_bond_is_at_hand().await;
    week.a_dispute_that_no_juror_cares_for().await;
    let mut day = week.stage.devnet.now().await.expect("a time");
    let end = day + 7 * DAY;
    week.a_round_is_answered(1).await;
    week.a_replicated_task().await;
    while day < end {
        let now = week.stage.devnet.now().await.expect("a time");
        day = now.max(day + DAY);
        week.stage.pass(day - now).await;
    }

    let idle = |status: &serde_json::Value| {
        let landed = |duty: &DutyName| status["duties"][duty.name()]["landed"].as_u64().unwrap_or(0);
        DutyName::ALL.iter().filter(|duty| landed(duty) == 0).map(|duty| duty.name()).collect::<Vec<_>>()
    };
    let all_done = try_until(LIMIT, async || {
        week.stage.mine(1).await;
        idle(&week.stage.status_of(KEEPER).await).is_empty().then_some(())
    });
    let all_done = all_done.await;
    let status = week.stage.status_of(KEEPER).await;
    assert!(all_done.is_some(), "never did {:?}: {status:#}\n{}", idle(&status), week.stage.log(KEEPER));
    let sum = |field: &str| {
        status["duties"].as_object().into_iter().flatten().filter_map(|(_, sums)| sums[field].as_u64()).sum::<u64>()
    };
    assert!(sum("reverted") * 20 <= sum("sent"), "{status:#}");
    assert!(keeper.exit_status().expect("a state").is_none());
}

impl Week {
    /// Rules that fit into a week, five nodes that proved their power, and one that was challenged and will not answer.
    async fn begin() -> Self {
        let stage = Stage::start().await;
        let registry = stage.registry(&stage.owner);
        let mut rules = registry.parameters().call().await.expect("parameters");
        (rules.levelTwoChallenges, rules.reviewMinTasks) = (1, 1);
        rules.reviewPeriod = u32::try_from(REVIEW).expect("a few days");
        let call = NodeRegistry::setParametersCall { parameters_: rules };
        stage.devnet.govern(*registry.address(), call.abi_encode().into()).await.expect("other rules");
        // Of a busy machine, a thousandth of a TFLOPS is too coarse a unit: it would round to no power at all.
        stage
            .set_audits(|rules| {
                rules.window = WINDOW;
                rules.hashesPerTflops = [HASHES_PER_TFLOPS; 5];
            })
            .await;

        let mut trusted = Vec::new();
        for index in 13..17 {
            trusted.push(Provider::new(&stage, index, "1200").await);
        }
        let idler = Provider::new(&stage, 17, "200").await;
        let prove = |provider: &Provider| {
            let (node, account) = (provider.node, provider.account.clone());
            let stage = &stage;
            async move { stage.prove(node, &account, &account).await }
        };
        tokio::join!(prove(&trusted[0]), prove(&trusted[1]));
        tokio::join!(prove(&trusted[2]), prove(&trusted[3]));
        prove(&idler).await;
        let silent = stage.register().await;
        stage.issue_challenge(silent).await;
        Self { stage, trusted, idler }
    }

    fn account(&self, index: u32) -> Account {
        self.stage.devnet.account(index).expect("an account")
    }

    fn court(&self, account: &Account) -> DisputeCourt::DisputeCourtInstance<DynProvider> {
        DisputeCourt::new(self.stage.at(ContractName::DisputeCourt), self.stage.devnet.provider_as(account))
    }

    /// A position of the account's in the pool, locked for so many seconds.
    async fn stake(&self, account: &Account, amount: &str, lock: u64) -> U256 {
        self.stage.fund(account, aiigo(amount), ContractName::StakingPool).await;
        let pool = StakingPool::new(self.stage.at(ContractName::StakingPool), self.stage.devnet.provider_as(account));
        let receipt = mined(pool.stake(aiigo(amount), U256::from(lock))).await;
        let staked = receipt.logs().iter().find_map(|log| StakingPool::Staked::decode_log(&log.inner).ok());
        staked.expect("a position").positionId
    }

    /// Three judge, one has second thoughts; another one locks a stake for a day.
    async fn jurors_and_stakers(&self) {
        for index in 20..24 {
            let juror = self.account(index);
            let position = self.stake(&juror, "10000", 0).await;
            mined(self.court(&juror).joinJury(position)).await;
            if index == 23 {
                mined(self.court(&juror).leaveJury()).await;
            }
        }
        self.stake(&self.account(24), "100", DAY).await;
    }

    /// The owner of the public sale makes the keeper the challenger.
    async fn a_proposal_passes(&self) {
        let (stage, voter) = (&self.stage, self.account(0));
        let provider = stage.devnet.provider_as(&voter);
        let token = AIIGOToken::new(stage.at(ContractName::AIIGOToken), provider.clone());
        mined(token.delegate(voter.address())).await;
        stage.pass(1).await;
        let governor = AIIGOGovernor::new(stage.at(ContractName::AIIGOGovernor), provider);
        let challenger = stage.keeper_account(KEEPER).address();
        let call: Bytes = ProofOfWorkVerifier::setChallengerCall { challenger_: challenger }.abi_encode().into();
        let targets = vec![stage.at(ContractName::ProofOfWorkVerifier)];
        let receipt = mined(governor.propose(targets, vec![U256::ZERO], vec![call], "a challenger".to_owned())).await;
        let created = receipt.logs().iter().find_map(|log| AIIGOGovernor::ProposalCreated::decode_log(&log.inner).ok());
        let proposal = created.expect("a proposal").data;
        stage.pass_until(proposal.voteStart.to::<u64>() + 1).await;
        mined(governor.castVote(proposal.proposalId, 1)).await;
        // Reaching the quorum late prolongs the vote.
        let until = governor.proposalDeadline(proposal.proposalId).call().await.expect("a deadline");
        stage.pass_until(until.to::<u64>() + 1).await;
        let eta = eventually("a proposal in the timelock", LIMIT, async || {
            let eta = governor.proposalEta(proposal.proposalId).call().await.ok()?;
            (eta > U256::ZERO).then(|| eta.to::<u64>())
        });
        stage.pass_until(eta.await).await;
        let verifier = stage.verifier(&stage.owner);
        eventually("the new challenger", LIMIT, async || {
            (verifier.challenger().call().await.ok()? == challenger).then_some(())
        })
        .await;
        eventually("a committed chain of secrets", LIMIT, async || {
            (verifier.chainHead().call().await.ok()? != B256::ZERO).then_some(())
        })
        .await;
    }

    /// One is delivered to a silent buyer, one is not delivered, reopened, and taken by nobody else.
    async fn tasks_of_one_node(&self) {
        let (stage, worker) = (&self.stage, &self.trusted[0]);
        let (delivered, late) = (stage.open_task(1).await, stage.open_task(2).await);
        stage.accept_as(&worker.account, delivered, worker.node).await;
        stage.deliver_as(&worker.account, delivered).await;
        stage.accept_as(&self.idler.account, late, self.idler.node).await;
        stage.pass(66).await;
        self.until(delivered, TaskStatus::Verified).await;
        self.until(late, TaskStatus::Open).await;
        let registry = stage.registry(&stage.owner);
        eventually("a review of the node that failed", LIMIT, async || {
            (registry.nodeInfo(self.idler.node.0).call().await.ok()?.reviewUntil.to::<u64>() > 0).then_some(())
        })
        .await;
        stage.pass(61).await;
        self.until(late, TaskStatus::Expired).await;
    }

    async fn until(&self, task: TaskId, wanted: TaskStatus) {
        let what = format!("{} for a task", wanted.name());
        eventually(&what, LIMIT, async || (self.stage.status(task).await == wanted).then_some(())).await;
    }

    /// For the roots of bonuses, which the keeper posts, and nobody vetoes.
    async fn a_bond_is_at_hand(&self) {
        let poster = self.stage.keeper_account(KEEPER).address();
        self.stage.devnet.send_aiigo(poster, aiigo("50000")).await.expect("AIIGO");
    }

    /// The keeper draws, replaces who is silent, and closes the case when nobody rules.
    async fn a_dispute_that_no_juror_cares_for(&self) {
        let (stage, worker) = (&self.stage, &self.trusted[1]);
        let task = stage.open_task(3).await;
        stage.accept_as(&worker.account, task, worker.node).await;
        stage.deliver_as(&worker.account, task).await;
        let court = self.court(&stage.buyer);
        let fee = court.parameters().call().await.expect("parameters").caseFee;
        stage.fund(&stage.buyer, U256::from(fee), ContractName::DisputeCourt).await;
        let market = stage.market(&stage.buyer);
        let state = market.taskOf(task.0).call().await.expect("a task");
        let elapsed = U256::from(state.submittedAt - state.assignedAt);
        let due = market.dueFor(state.escrow, state.duration, elapsed).call().await.expect("what is due");
        // 2%; what is due is a multiple of 10,000.
        let bond = due * U256::from(200) / U256::from(10_000);
        mined(market.disputeTask(task.0, "ipfs://evidence".to_owned()).value(bond)).await;
        let (_, case, _) = market.disputeOf(task.0).call().await.expect("a dispute").into();
        eventually("a jury", LIMIT, async || {
            stage.mine(1).await;
            (court.caseOf(case).call().await.ok()?.status == COMMITTING).then_some(())
        })
        .await;
        for _ in 0..20 {
            stage.pass(61).await;
            let ended = try_until(Duration::from_secs(2), async || {
                (stage.status(task).await != TaskStatus::Disputed).then_some(())
            });
            if ended.await.is_some() {
                return;
            }
        }
        panic!("the case was never closed\n{}", stage.log(KEEPER));
    }

    /// The trusted nodes answer the round of this number; the others are reported.
    async fn a_round_is_answered(&self, number: u64) {
        let (stage, verifier) = (&self.stage, self.stage.verifier(&self.stage.owner));
        let rules = verifier.parameters().call().await.expect("parameters");
        let last = verifier.currentRound().call().await.expect("a round");
        let latest = last.openedAt.to::<u64>() + u64::from(rules.auditInterval) + u64::from(rules.jitter);
        stage.pass_until(latest).await;
        let round = eventually("an audit round", LIMIT, async || {
            let round = verifier.currentRound().call().await.ok()?;
            (round.number == number).then_some(round)
        })
        .await;
        // One after the other, and longer than they proved themselves with: a machine that is busier than it was then must not
        // show less than half.
        for Provider { node, account } in &self.trusted {
            let seed = verifier.nodeSeed(node.0, round.seed).call().await.expect("a seed");
            mined(stage.verifier(account).submitRoundSolution(number, node.0, solved_in(seed, ANSWER).await)).await;
        }
        stage.pass_until(round.finishesAt.to::<u64>() + 1).await;
        eventually("a recorded miss", LIMIT, async || {
            (verifier.auditsOf(self.idler.node.0).call().await.ok()?.missesInRow > 0).then_some(())
        })
        .await;
    }

    /// Four apply for three seats; one of the three has another result.
    async fn a_replicated_task(&self) {
        let stage = &self.stage;
        let market = stage.market(&stage.buyer);
        let mut wanted = request(4);
        (wanted.replicas, wanted.minTrustLevel) = (3, 2);
        let task = stage.order(wanted).await;
        for provider in &self.trusted {
            mined(stage.market(&provider.account).applyForReplica(task.0, provider.node.0)).await;
        }
        stage.pass(61).await;
        self.until(task, TaskStatus::Drawing).await;
        stage.mine(98).await;
        self.until(task, TaskStatus::Replicating).await;
        let seats = market.replicationOf(task.0).call().await.expect("a task of several").seats;
        let drawn: Vec<&Provider> = seats
            .iter()
            .map(|seat| self.trusted.iter().find(|provider| provider.node.0 == seat.nodeId).expect("a candidate"))
            .collect();
        let salt = B256::repeat_byte(7);
        let result = |seat: usize| B256::repeat_byte(if seat == 2 { 2 } else { 1 });
        for (seat, provider) in drawn.iter().enumerate() {
            let (node, account) = (provider.node.0, &provider.account);
            let seal = market.replicaSeal(task.0, node, result(seat), salt, account.address());
            let seal = seal.call().await.expect("a seal");
            mined(stage.market(account).sealReplica(task.0, node, seal)).await;
        }
        for (seat, provider) in drawn.iter().enumerate() {
            let market = stage.market(&provider.account);
            mined(market.revealReplica(task.0, provider.node.0, result(seat), "ipfs://result".to_owned(), salt)).await;
        }
        self.until(task, TaskStatus::Verified).await;
        stage.pass(DAY + 1).await;
        let outvoted = drawn[2].node.0;
        eventually("a settlement", LIMIT, async || {
            (market.replicaOf(task.0, outvoted).call().await.ok()?.status == SLASHED).then_some(())
        })
        .await;
    }
}

impl Provider {
    /// Registered and staked for.
    async fn new(stage: &Stage, account: u32, stake: &str) -> Self {
        let account = stage.devnet.account(account).expect("an account");
        let node = stage.register_as(&account, &account).await;
        stage.stake_for(node, &account, aiigo(stake)).await;
        Self { node, account }
    }
}
