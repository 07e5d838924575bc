//! A market that takes random but valid steps: every event follows from those before it, as the contracts would have it.

use std::collections::BTreeMap;

use aiigo_protocol::{
    AIIGOGovernor, AIIGOToken,
    ContractName::{self, *},
    EscrowManager, INodeRegistry, IProofOfWorkVerifier, ITaskMarketplace, NodeRegistry, ProofOfWorkVerifier,
    RewardDistributor, StakingPool, TaskMarketplace,
};
use alloy::primitives::{
    Address, B256, U256,
    aliases::{U40, U96},
};

use super::{
    court::{self, Case, Juror},
    events::{Log, account, deployment, hash, log, treasury, whole},
    replicas::Replicated,
};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    Open,
    Running,
    Delivered,
    Disputed,
    Closed,
}

#[derive(Clone, Debug)]
pub struct Task {
    pub id: B256,
    pub buyer: Address,
    pub stage: Stage,
    pub node: u64,
    pub attempts: u8,
    pub held: U256,
    pub escrow: U256,
}

#[derive(Clone, Debug, Default)]
pub struct Node {
    pub stake: U256,
    pub unbonding: U256,
    pub reputation: u16,
    pub online: bool,
    pub proven: bool,
    pub banned: bool,
    pub challenge: Option<u64>,
}

/// What the contracts would know.
#[derive(Clone, Debug, Default)]
pub struct Market {
    pub nodes: Vec<Node>,
    pub tasks: Vec<Task>,
    pub balances: BTreeMap<Address, U256>,
    /// Tasks of several nodes.
    pub replicated: Vec<Replicated>,
    pub jurors: BTreeMap<Address, Juror>,
    pub cases: Vec<Case>,
    /// What the court owes.
    pub court_fees: BTreeMap<Address, U256>,
    /// Owner, amount, and whether the owner may close it.
    pub(super) positions: Vec<(Address, U256, bool)>,
    challenges: u64,
    /// The last audit round; the first challenge opens one.
    round: u64,
    proposals: u64,
    votes: u64,
    closed_epochs: u64,
    weights: BTreeMap<(u64, u64), bool>,
    supply: BTreeMap<Address, U256>,
}

/// How long an epoch of the made-up chain is, seconds.
pub const EPOCH: u64 = 120;

/// What [`Market::step`] can do: its choice modulo this number says what is done.
pub const ACTIONS: u64 = 48;

/// The smallest stake.
pub fn min_stake() -> U256 {
    whole(100)
}

impl Market {
    /// The events of the deployment.
    pub fn begin(&mut self) -> Vec<Log> {
        self.supply.insert(account(0), whole(1_000_000));
        vec![
            log(AIIGOToken, &AIIGOToken::Transfer { from: Address::ZERO, to: account(0), value: whole(1_000_000) }),
            registry_parameters(min_stake()),
            log(
                NodeRegistry,
                &NodeRegistry::TokenLimitsChanged {
                    token: Address::ZERO,
                    limits: NodeRegistry::TokenLimits {
                        minCountedFee: 1,
                        levelOneCap: 1_000_000_000,
                        levelTwoCap: 2_000_000_000,
                        levelThreeCap: 3_000_000_000,
                        levelFourCap: 4_000_000_000,
                    },
                },
            ),
            verifier_parameters(60_000_000),
            court::parameters(),
            log(
                TaskMarketplace,
                &TaskMarketplace::MarketParametersChanged {
                    parameters: ITaskMarketplace::Parameters { feeBps: 800, grace: 60, ..Default::default() },
                },
            ),
            log(
                TaskMarketplace,
                &TaskMarketplace::PaymentTokenChanged {
                    token: Address::ZERO,
                    allowed: true,
                    timeoutTip: U96::from(TIP),
                },
            ),
            log(
                RewardDistributor,
                &RewardDistributor::ScheduleStarted {
                    start: U40::from(super::chain::GENESIS_TIME),
                    epochLength: U40::from(EPOCH),
                    duration: U40::from(100 * EPOCH),
                    total: whole(400_000),
                },
            ),
            log(RewardDistributor, &RewardDistributor::StakerShareChanged { stakerShareBps: 3_000 }),
            log(
                RewardDistributor,
                &RewardDistributor::RateChanged {
                    token: Address::ZERO,
                    rate: whole(1_000),
                    expiresAt: U40::from(super::chain::GENESIS_TIME * 2),
                },
            ),
        ]
    }

    /// One step, chosen by a number; nothing if it is not possible now.
    pub fn step(&mut self, choice: u64, time: u64) -> Vec<Log> {
        let action = choice % ACTIONS;
        let pick = (choice / ACTIONS) as usize;
        let choice = choice / ACTIONS / 1_021;
        match action {
            0 | 1 => self.register(pick),
            2 | 3 => self.stake(pick),
            4 | 5 => self.challenge(pick, time),
            6 | 7 => self.answer(pick, choice),
            8 => self.miss(pick),
            9 => self.switch(pick),
            10..=13 => self.create(choice, time),
            14..=16 => self.accept(pick, choice, time),
            17..=19 => self.deliver(pick, time),
            20 | 21 => self.approve(pick, choice, time),
            22 => self.fail(pick, choice, time),
            23 => self.cancel(pick),
            24 => self.withdraw(pick),
            25 => self.pool(pick, choice, time),
            26 => self.transfer(choice),
            27 => self.govern(choice, time),
            28 => self.reward(pick, time),
            29 => self.unbond(pick, choice, time),
            30 => self.set_parameters(pick),
            31 => self.ban(pick),
            32 | 33 => self.judge(pick, choice, time),
            34 => self.dispute(pick, time),
            35..=39 => self.try_case(pick, choice, time),
            40 => self.replicate(choice, time),
            41..=43 => self.apply(pick, choice),
            _ => self.try_replicas(pick, choice, time),
        }
    }

    fn node(&mut self, pick: usize) -> Option<(u64, &mut Node)> {
        let index = pick.checked_rem(self.nodes.len())?;
        Some((index as u64 + 1, &mut self.nodes[index]))
    }

    pub(super) fn task(&mut self, pick: usize, stage: Stage) -> Option<&mut Task> {
        let mut found: Vec<&mut Task> = self.tasks.iter_mut().filter(|task| task.stage == stage).collect();
        let index = pick.checked_rem(found.len())?;
        Some(found.swap_remove(index))
    }

    fn register(&mut self, pick: usize) -> Vec<Log> {
        if self.nodes.len() >= 12 {
            return Vec::new();
        }
        self.nodes.push(Node { reputation: 5_000, ..Node::default() });
        let node_id = self.nodes.len() as u64;
        vec![log(
            NodeRegistry,
            &NodeRegistry::NodeRegistered {
                nodeId: node_id,
                owner: account(100 + node_id % 5),
                operator: account(200 + node_id),
                payout: account(300 + node_id),
                resourceType: (pick % 2) as u8,
                metadataURI: format!("ipfs://node-{node_id}"),
                fee: whole(1) / U256::from(10),
                referrer: 0,
            },
        )]
    }

    fn stake(&mut self, pick: usize) -> Vec<Log> {
        let Some((node_id, node)) = self.node(pick) else { return Vec::new() };
        if node.banned {
            return Vec::new();
        }
        let amount = whole(75);
        node.stake += amount;
        let from = account(100);
        vec![log(NodeRegistry, &NodeRegistry::StakeAdded { nodeId: node_id, from, amount, stake: node.stake })]
    }

    fn challenge(&mut self, pick: usize, time: u64) -> Vec<Log> {
        let id = self.challenges + 1;
        let Some((node_id, node)) = self.node(pick) else { return Vec::new() };
        if node.challenge.is_some() || node.banned {
            return Vec::new();
        }
        node.challenge = Some(id);
        self.challenges = id;
        let mut logs = Vec::new();
        if id % 4 == 1 {
            self.round += 1;
            logs.push(log(
                ProofOfWorkVerifier,
                &ProofOfWorkVerifier::RoundOpened {
                    round: self.round,
                    opener: account(1),
                    preimage: hash(&[b"preimage", &self.round.to_be_bytes()]),
                    seed: hash(&[b"round", &self.round.to_be_bytes()]),
                    openedAt: U40::from(time),
                    deadline: U40::from(time + 60),
                    finishesAt: U40::from(time + 120),
                },
            ));
        }
        logs.push(log(
            ProofOfWorkVerifier,
            &ProofOfWorkVerifier::ChallengeIssued {
                nodeId: node_id,
                challengeId: id,
                challengeSeed: hash(&[b"seed", &id.to_be_bytes()]),
                openedAt: U40::from(time),
                deadline: U40::from(time + 60),
            },
        ));
        logs
    }

    fn answer(&mut self, pick: usize, choice: u64) -> Vec<Log> {
        let Some((node_id, node)) = self.node(pick) else { return Vec::new() };
        let Some(id) = node.challenge.take() else { return Vec::new() };
        let passed = ProofOfWorkVerifier::ChallengePassed {
            nodeId: node_id,
            challengeId: id,
            largestHash: hash(&[b"largest", &id.to_be_bytes()]),
            hashRate: 50_000_000 + choice % 1_000_000,
            power: 300 + choice % 100,
        };
        let mut logs = vec![log(ProofOfWorkVerifier, &passed)];
        if !node.proven {
            node.proven = true;
            logs.push(log(NodeRegistry, &NodeRegistry::NodeVerified { nodeId: node_id }));
        } else {
            let audit = ProofOfWorkVerifier::AuditPassed {
                nodeId: node_id,
                round: self.round,
                largestHash: passed.largestHash,
                hashRate: passed.hashRate,
                power: passed.power,
                validUntil: U40::MAX,
            };
            logs.push(log(ProofOfWorkVerifier, &audit));
        }
        logs
    }

    fn miss(&mut self, pick: usize) -> Vec<Log> {
        let Some((node_id, node)) = self.node(pick) else { return Vec::new() };
        let Some(id) = node.challenge.take() else { return Vec::new() };
        let missed = ProofOfWorkVerifier::ChallengeMissed { nodeId: node_id, challengeId: id };
        let (round, power) = (self.round, 150);
        let audit = ProofOfWorkVerifier::AuditMissed { nodeId: node_id, round, hashRate: 0, power, missesInRow: 1 };
        vec![log(ProofOfWorkVerifier, &missed), log(ProofOfWorkVerifier, &audit)]
    }

    fn switch(&mut self, pick: usize) -> Vec<Log> {
        let Some((node_id, node)) = self.node(pick) else { return Vec::new() };
        if node.banned {
            return Vec::new();
        }
        node.online = !node.online;
        vec![log(NodeRegistry, &NodeRegistry::OnlineChanged { nodeId: node_id, online: node.online })]
    }

    /// A task, with a buyer and a price by choice.
    pub fn create(&mut self, choice: u64, time: u64) -> Vec<Log> {
        let number = (self.tasks.len() + self.replicated.len()) as u64;
        let id = hash(&[b"task", &number.to_be_bytes(), &choice.to_be_bytes()]);
        let buyer = account(400 + choice % 7);
        let price = U256::from(36_000_000_u64 + choice % 1_000 * 36_000);
        let escrow = price / U256::from(60);
        let tips = U256::from(4 * TIP);
        let request = TaskMarketplace::TaskRequest {
            resourceType: (choice % 2) as u8,
            minTrustLevel: 1,
            replicas: 1,
            minPower: 10 + (choice % 50) as u32,
            duration: 60,
            acceptWindow: 300,
            reviewWindow: 3_600,
            maxAuditAge: 0,
            pricePerHour: U96::from(price),
            paymentToken: Address::ZERO,
            watcher: Address::ZERO,
            specHash: hash(&[b"spec", &number.to_be_bytes()]),
            specURI: format!("ipfs://spec-{number}"),
        };
        self.tasks.push(Task { id, buyer, stage: Stage::Open, node: 0, attempts: 0, held: escrow + tips, escrow });
        vec![
            log(
                TaskMarketplace,
                &TaskMarketplace::TaskCreated {
                    taskId: id,
                    buyer,
                    specHash: request.specHash,
                    request,
                    escrow: U96::from(escrow),
                    tipDeposit: tips,
                    feeBps: 800,
                    acceptBy: U40::from(time + 300),
                },
            ),
            log(
                EscrowManager,
                &EscrowManager::Deposited { taskId: id, payer: buyer, token: Address::ZERO, amount: escrow + tips },
            ),
        ]
    }

    fn accept(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let Some((node, _)) = self.node(pick) else { return Vec::new() };
        let Some(task) = self.task(choice as usize, Stage::Open) else { return Vec::new() };
        task.stage = Stage::Running;
        task.node = node;
        vec![log(
            TaskMarketplace,
            &TaskMarketplace::TaskAccepted {
                taskId: task.id,
                nodeId: node,
                operator: account(200 + node),
                deadline: U40::from(time + 60),
            },
        )]
    }

    fn deliver(&mut self, pick: usize, time: u64) -> Vec<Log> {
        let Some(task) = self.task(pick, Stage::Running) else { return Vec::new() };
        task.stage = Stage::Delivered;
        vec![log(
            TaskMarketplace,
            &TaskMarketplace::ResultSubmitted {
                taskId: task.id,
                nodeId: task.node,
                resultHash: hash(&[b"result", task.id.as_slice()]),
                resultURI: "ipfs://result".to_owned(),
                reviewUntil: U40::from(time + 3_600),
            },
        )]
    }

    fn approve(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let Some(task) = self.task(pick, Stage::Delivered) else { return Vec::new() };
        task.stage = Stage::Closed;
        let (node, buyer, id) = (task.node, task.buyer, task.id);
        let due = task.escrow / U256::from(10_000) * U256::from(10_000);
        let (returned, refund) = (task.held - due, task.escrow - due);
        let fee = due * U256::from(800) / U256::from(10_000);
        let provider = account(300 + node);
        for (who, amount) in [(provider, due - fee), (treasury(), fee), (buyer, returned)] {
            *self.balances.entry(who).or_default() += amount;
        }
        let mut logs = vec![
            log(
                EscrowManager,
                &EscrowManager::Released {
                    taskId: id,
                    provider,
                    token: Address::ZERO,
                    providerAmount: due - fee,
                    feeAmount: fee,
                    buyer,
                    refundAmount: returned,
                },
            ),
            log(
                TaskMarketplace,
                &TaskMarketplace::TaskVerified {
                    taskId: id,
                    nodeId: node,
                    approver: buyer,
                    due,
                    providerAmount: due - fee,
                    feeAmount: fee,
                    refundAmount: refund,
                },
            ),
        ];
        if !choice.is_multiple_of(3) {
            logs.extend(self.reputation(node, 0, 50));
        }
        let epoch = (time - super::chain::GENESIS_TIME) / EPOCH;
        self.weights.entry((epoch, node)).or_insert(false);
        let weight = fee * U256::from(1_000);
        logs.push(log(
            RewardDistributor,
            &RewardDistributor::FeeRecorded {
                epoch: U256::from(epoch),
                nodeId: node,
                token: Address::ZERO,
                fee,
                weight,
            },
        ));
        logs
    }

    fn reputation(&mut self, node_id: u64, cause: u8, delta: i16) -> Vec<Log> {
        let node = &mut self.nodes[node_id as usize - 1];
        let next = node.reputation.saturating_add_signed(delta).min(10_000);
        let moved = i64::from(next) - i64::from(node.reputation);
        node.reputation = next;
        let delta = alloy::primitives::I256::try_from(moved).expect("a small number");
        vec![log(NodeRegistry, &NodeRegistry::ReputationChanged { nodeId: node_id, cause, delta, reputation: next })]
    }

    fn fail(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let Some(task) = self.task(pick, Stage::Running) else { return Vec::new() };
        task.stage = Stage::Open;
        task.attempts += 1;
        let (id, node_id) = (task.id, task.node);
        if choice.is_multiple_of(2) {
            let mut logs = vec![log(TaskMarketplace, &TaskMarketplace::TaskAbandoned { taskId: id, nodeId: node_id })];
            logs.extend(self.reputation(node_id, 2, -50));
            logs.extend(self.reopen(id, time));
            return logs;
        }
        let tip = U256::from(TIP);
        task.held -= tip;
        let enforcer = account(500);
        *self.balances.entry(enforcer).or_default() += tip;
        let late = TaskMarketplace::TaskTimedOut { taskId: id, nodeId: node_id, enforcer, tip };
        let mut logs = vec![log(TaskMarketplace, &late)];
        logs.extend(self.reputation(node_id, 1, -200));
        logs.extend(self.slash(node_id, 1, 20));
        logs.push(log(
            EscrowManager,
            &EscrowManager::TipPaid { taskId: id, to: enforcer, token: Address::ZERO, amount: tip },
        ));
        logs.extend(self.reopen(id, time));
        logs
    }

    pub(super) fn slash(&mut self, node_id: u64, cause: u8, share: u64) -> Vec<Log> {
        let node = &mut self.nodes[node_id as usize - 1];
        let burned = node.stake / U256::from(share);
        node.stake -= burned;
        let (stake, unbonding) = (node.stake, node.unbonding);
        vec![log(NodeRegistry, &NodeRegistry::StakeSlashed { nodeId: node_id, cause, burned, stake, unbonding })]
    }

    fn reopen(&mut self, id: B256, time: u64) -> Vec<Log> {
        let task = self.tasks.iter_mut().find(|task| task.id == id).expect("a task");
        if task.attempts < 4 {
            let accept_by = U40::from(time + 300);
            let reopened = TaskMarketplace::TaskReopened { taskId: id, attempts: task.attempts, acceptBy: accept_by };
            return vec![log(TaskMarketplace, &reopened)];
        }
        task.stage = Stage::Closed;
        let (buyer, held, refund) = (task.buyer, task.held, task.escrow);
        let mut logs = vec![log(TaskMarketplace, &TaskMarketplace::TaskExpired { taskId: id, refund })];
        logs.extend(self.refund(id, buyer, held));
        logs
    }

    fn refund(&mut self, id: B256, buyer: Address, amount: U256) -> Vec<Log> {
        *self.balances.entry(buyer).or_default() += amount;
        let token = Address::ZERO;
        vec![log(EscrowManager, &EscrowManager::Refunded { taskId: id, buyer, token, amount })]
    }

    fn cancel(&mut self, pick: usize) -> Vec<Log> {
        let Some(task) = self.task(pick, Stage::Open) else { return Vec::new() };
        task.stage = Stage::Closed;
        let (id, buyer, held, refund) = (task.id, task.buyer, task.held, task.escrow);
        let mut logs = vec![log(TaskMarketplace, &TaskMarketplace::TaskCancelled { taskId: id, refund })];
        logs.extend(self.refund(id, buyer, held));
        logs
    }

    fn withdraw(&mut self, pick: usize) -> Vec<Log> {
        let Some(index) = pick.checked_rem(self.balances.len()) else { return Vec::new() };
        let (who, amount) = self.balances.iter().nth(index).map(|(who, amount)| (*who, *amount)).expect("in range");
        self.balances.remove(&who);
        let withdrawn = EscrowManager::Withdrawn { account: who, token: Address::ZERO, to: who, amount };
        vec![log(EscrowManager, &withdrawn)]
    }

    fn pool(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let open = self.positions.iter().position(|(_, _, open)| *open && choice.is_multiple_of(3));
        if let Some(index) = open {
            let (owner, amount, still) = &mut self.positions[index];
            *still = false;
            let id = U256::from(index + 1);
            return vec![
                log(
                    StakingPool,
                    &StakingPool::RewardClaimed {
                        positionId: id,
                        owner: *owner,
                        token: deployment().address(ContractName::AIIGOToken),
                        amount: whole(1),
                    },
                ),
                log(
                    StakingPool,
                    &StakingPool::Unstaked { positionId: id, owner: *owner, amount: *amount, penaltyBurned: whole(2) },
                ),
            ];
        }
        let (owner, amount) = (account(600 + pick as u64 % 4), whole(1 + choice % 90));
        self.positions.push((owner, amount, true));
        let id = U256::from(self.positions.len());
        let unlocks_at = U40::from(time + 1_000);
        let weight = amount * U256::from(3) / U256::from(2);
        let mut logs = vec![log(
            StakingPool,
            &StakingPool::Staked { positionId: id, owner, amount, weight, unlocksAt: unlocks_at },
        )];
        if choice.is_multiple_of(5) {
            logs.push(log(StakingPool, &StakingPool::WeightReset { positionId: id, weight: amount }));
        }
        logs
    }

    fn transfer(&mut self, choice: u64) -> Vec<Log> {
        let (from, to) = (account(0), account(700 + choice % 6));
        let value = whole(1 + choice % 10);
        let held = self.supply.entry(from).or_default();
        if *held < value {
            return Vec::new();
        }
        *held -= value;
        *self.supply.entry(to).or_default() += value;
        let previous = U256::ZERO;
        vec![
            log(AIIGOToken, &AIIGOToken::Transfer { from, to, value }),
            log(
                AIIGOToken,
                &AIIGOToken::DelegateChanged { delegator: to, fromDelegate: Address::ZERO, toDelegate: to },
            ),
            log(
                AIIGOToken,
                &AIIGOToken::DelegateVotesChanged { delegate: to, previousVotes: previous, newVotes: value },
            ),
        ]
    }

    fn govern(&mut self, choice: u64, time: u64) -> Vec<Log> {
        if self.proposals == 0 || choice.is_multiple_of(4) {
            self.proposals += 1;
            return vec![log(
                AIIGOGovernor,
                &AIIGOGovernor::ProposalCreated {
                    proposalId: U256::from(self.proposals) << 200,
                    proposer: account(0),
                    targets: vec![account(1)],
                    values: vec![U256::from(choice)],
                    signatures: vec![String::new()],
                    calldatas: vec![vec![1, 2, 3].into()],
                    voteStart: U256::from(time + 10),
                    voteEnd: U256::from(time + 100),
                    description: format!("proposal {}", self.proposals),
                },
            )];
        }
        self.votes += 1;
        vec![log(
            AIIGOGovernor,
            &AIIGOGovernor::VoteCast {
                voter: account(10_000 + self.votes),
                proposalId: U256::from(1 + choice % self.proposals) << 200,
                support: (choice % 3) as u8,
                weight: whole(choice % 50),
                reason: "because".to_owned(),
            },
        )]
    }

    fn reward(&mut self, pick: usize, time: u64) -> Vec<Log> {
        let now = (time - super::chain::GENESIS_TIME) / EPOCH;
        if self.closed_epochs < now {
            let epoch = self.closed_epochs;
            self.closed_epochs += 1;
            let (providers, stakers) = (whole(700), whole(300));
            return vec![log(
                RewardDistributor,
                &RewardDistributor::EpochClosed {
                    epoch: U256::from(epoch),
                    budget: providers + stakers,
                    providerBudget: providers,
                    stakerReward: stakers,
                    totalWeight: whole(1),
                },
            )];
        }
        let claimable: Vec<(u64, u64)> = self
            .weights
            .iter()
            .filter(|((epoch, _), claimed)| *epoch < self.closed_epochs && !**claimed)
            .map(|(key, _)| *key)
            .collect();
        let Some(index) = pick.checked_rem(claimable.len()) else { return Vec::new() };
        let (epoch, node_id) = claimable[index];
        self.weights.insert((epoch, node_id), true);
        vec![log(
            RewardDistributor,
            &RewardDistributor::BaseRewardClaimed {
                epoch: U256::from(epoch),
                nodeId: node_id,
                payout: account(300 + node_id),
                amount: whole(3),
            },
        )]
    }

    fn unbond(&mut self, pick: usize, choice: u64, time: u64) -> Vec<Log> {
        let Some((node_id, node)) = self.node(pick) else { return Vec::new() };
        if choice.is_multiple_of(2) && !node.unbonding.is_zero() {
            let amount = std::mem::take(&mut node.unbonding);
            let to = account(100);
            let paid = NodeRegistry::StakeWithdrawn { nodeId: node_id, to, amount, unbonding: U256::ZERO };
            return vec![log(NodeRegistry, &paid)];
        }
        let amount = node.stake / U256::from(3);
        node.stake -= amount;
        node.unbonding += amount;
        let (stake, unbonding, ready_at) = (node.stake, node.unbonding, U40::from(time + 1_000));
        let started = NodeRegistry::UnbondingStarted { nodeId: node_id, amount, stake, unbonding, readyAt: ready_at };
        vec![log(NodeRegistry, &started)]
    }

    fn set_parameters(&mut self, pick: usize) -> Vec<Log> {
        let raise = pick as u64 / 4 % 100;
        match pick % 4 {
            0 => vec![registry_parameters(min_stake() + whole(raise))],
            1 => vec![verifier_parameters(50_000_000 + raise * 100_000)],
            _ => Vec::new(),
        }
    }

    fn ban(&mut self, pick: usize) -> Vec<Log> {
        let Some((node_id, node)) = self.node(pick) else { return Vec::new() };
        if node.banned || !pick.is_multiple_of(3) {
            return Vec::new();
        }
        node.banned = true;
        let mut logs = vec![log(NodeRegistry, &NodeRegistry::NodeBanned { nodeId: node_id })];
        logs.extend(self.slash(node_id, 3, 2));
        logs
    }
}

/// The tip per possible timeout, wei.
pub(super) const TIP: u64 = 1_000;

fn registry_parameters(min_stake: U256) -> Log {
    let parameters = INodeRegistry::Parameters {
        registrationFee: U96::from(1),
        minStake: U96::from(min_stake),
        unbondingPeriod: 1_000,
        timeoutSlashBps: 500,
        disputeSlashBps: 500,
        levelTwoStake: U96::from(min_stake * U256::from(10)),
        levelThreeStake: U96::from(min_stake * U256::from(100)),
        levelTwoChallenges: 10,
        levelThreeReputation: 9_500,
        levelThreeTasks: 100,
        levelThreeSuccessBps: 9_500,
        misuseSlashBps: 5_000,
        reviewPeriod: 1_209_600,
        reviewMinTasks: 10,
        reviewFailureBps: 2_000,
    };
    log(ContractName::NodeRegistry, &NodeRegistry::RegistryParametersChanged { parameters })
}

fn verifier_parameters(hashes_per_tflops: u64) -> Log {
    let parameters = IProofOfWorkVerifier::Parameters {
        window: 60,
        cooldown: 60,
        auditInterval: 86_400,
        jitter: 3_600,
        revealWindow: 3_600,
        lateWindow: 3_600,
        hashesPerTflops: [hashes_per_tflops; 5],
    };
    log(ContractName::ProofOfWorkVerifier, &ProofOfWorkVerifier::VerifierParametersChanged { parameters })
}
