//! Thousands of nodes that belong to one account: what the keeper watches.

use std::{cell::Cell, collections::HashMap, time::Duration};

use aiigo_devnet::{Account, Devnet, try_until};
use aiigo_pow::{NONCES, node_seed};
use aiigo_protocol::{
    AIIGOToken, ContractName, Deployment, NodeRegistry, ProofOfWorkVerifier,
    ProofOfWorkVerifier::{AuditMissed, RoundOpened},
    TaskMarketplace,
    TaskMarketplace::{TaskCreated, TaskRequest, TaskTimedOut},
};
use alloy::{
    primitives::{Address, B256, Bytes, FixedBytes, U256, aliases::U96, keccak256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::Filter,
    sol_types::{SolCall, SolEvent},
};

use crate::{
    bench::sender::{Blocks, Call, Sender},
    project::Error,
};

/// The devnet's account that owns and operates all of them.
const OWNER: u32 = 6;
/// Seconds for an answer: however busy this machine is, thousands go through the chain.
const WINDOW: u32 = 600;
/// Nodes that prove themselves at the same time.
const GROUP: u64 = 1_000;
/// Nonces that a node tries: enough that none proves to have no power at all.
const TRIES: u64 = 8 * WINDOW as u64;
/// Seconds that a task may take: longer than until the round.
const DURATION: u32 = 3 * 24 * 3600;
/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(300);
/// Of so many nodes one misses the round.
const MISSING: u64 = 10;

/// The nodes.
pub(in crate::bench) struct Crowd {
    provider: DynProvider,
    sender: Sender,
    deployment: Deployment,
    owner: Account,
    nodes: Vec<u64>,
}

impl Crowd {
    /// Nobody yet, with rules under which anybody can join.
    pub(in crate::bench) async fn new(devnet: &Devnet, blocks: Blocks) -> Result<Self, Error> {
        let owner = devnet.account(OWNER)?;
        let (provider, deployment) = (devnet.provider(), devnet.deployment().clone());
        let sender = Sender::new(provider.clone(), blocks);
        let crowd = Self { provider, sender, deployment, owner, nodes: Vec::new() };
        let mut parameters = crowd.verifier().parameters().call().await?;
        parameters.window = WINDOW;
        parameters.hashesPerTflops = [1; 5];
        let call = ProofOfWorkVerifier::setParametersCall { parameters_: parameters };
        devnet.govern(crowd.address(ContractName::ProofOfWorkVerifier), call.abi_encode().into()).await?;
        Ok(crowd)
    }

    /// Their ids.
    pub(in crate::bench) fn nodes(&self) -> &[u64] {
        &self.nodes
    }

    /// Who owns and operates all of them.
    pub(in crate::bench) fn owner(&self) -> Address {
        self.owner.address()
    }

    fn address(&self, name: ContractName) -> Address {
        self.deployment.address(name)
    }

    fn verifier(&self) -> ProofOfWorkVerifier::ProofOfWorkVerifierInstance<DynProvider> {
        ProofOfWorkVerifier::new(self.address(ContractName::ProofOfWorkVerifier), self.provider.clone())
    }

    fn call(&self, to: ContractName, call: &impl SolCall, value: U256, gas: u64) -> Call {
        Call { to: self.address(to), data: call.abi_encode().into(), value, gas }
    }

    async fn send(&self, calls: Vec<Call>) -> Result<(), Error> {
        self.sender.send(self.owner.address(), calls).await
    }

    /// Registers, stakes and proves `count` nodes.
    pub(in crate::bench) async fn join(&mut self, count: u64) -> Result<(), Error> {
        let registry = NodeRegistry::new(self.address(ContractName::NodeRegistry), self.provider.clone());
        let parameters = registry.parameters().call().await?;
        // A slash must not end a node.
        let stake = U256::from(parameters.minStake) * U256::from(2);
        let (owner, all) = (self.owner.address(), stake * U256::from(count));
        rich(&self.provider, owner).await?;
        self.fund(all).await?;
        let approve = AIIGOToken::approveCall { spender: *registry.address(), value: all };
        self.send(vec![self.call(ContractName::AIIGOToken, &approve, U256::ZERO, 100_000)]).await?;
        let from = registry.nodeCount().call().await?;
        for first in (0..count).step_by(usize::try_from(GROUP)?) {
            let group: Vec<u64> = (first..(first + GROUP).min(count)).map(|index| from + index + 1).collect();
            let register = NodeRegistry::registerNodeCall {
                resourceType: 0,
                metadataURI: "ipfs://node".into(),
                operator: owner,
                payout: owner,
                referrer: 0,
            };
            let fee = U256::from(parameters.registrationFee);
            let zero = U256::ZERO;
            let mut calls: Vec<_> =
                group.iter().map(|_| self.call(ContractName::NodeRegistry, &register, fee, 500_000)).collect();
            for &node in &group {
                let call = NodeRegistry::stakeForNodeCall { nodeId: node, amount: stake };
                calls.push(self.call(ContractName::NodeRegistry, &call, zero, 300_000));
            }
            for &node in &group {
                let call = ProofOfWorkVerifier::issueChallengeCall { nodeId: node };
                calls.push(self.call(ContractName::ProofOfWorkVerifier, &call, zero, 300_000));
            }
            let before = self.provider.get_block_number().await?;
            self.send(calls).await?;
            let seeds: HashMap<u64, B256> = self
                .events::<ProofOfWorkVerifier::ChallengeIssued>(ContractName::ProofOfWorkVerifier, before)
                .await?
                .into_iter()
                .map(|event| (event.nodeId, event.challengeSeed))
                .collect();
            let mut calls = Vec::new();
            for &node in &group {
                let seed = *seeds.get(&node).ok_or_else(|| format!("node {node} got no challenge"))?;
                let call = ProofOfWorkVerifier::submitSolutionCall { nodeId: node, nonces: self.solution(node, seed) };
                calls.push(self.call(ContractName::ProofOfWorkVerifier, &call, zero, 500_000));
            }
            for &node in &group {
                let call = NodeRegistry::setOnlineCall { nodeId: node, online: true };
                calls.push(self.call(ContractName::NodeRegistry, &call, zero, 300_000));
            }
            self.send(calls).await?;
            self.nodes.extend(group);
            eprintln!("  {} nodes", self.nodes.len());
        }
        let active = registry.isActive(*self.nodes.last().ok_or("no nodes")?).call().await?;
        if active { Ok(()) } else { Err("the nodes did not become Active".into()) }
    }

    /// AIIGO (wei) from the devnet's faucet.
    async fn fund(&self, amount: U256) -> Result<(), Error> {
        let call = AIIGOToken::transferCall { to: self.owner.address(), value: amount };
        let call = self.call(ContractName::AIIGOToken, &call, U256::ZERO, 200_000);
        let faucet = self.provider.get_accounts().await?;
        self.sender.send(*faucet.first().ok_or("the devnet has no accounts")?, vec![call]).await
    }

    /// The nonces of the smallest hashes among the first few, packed.
    fn solution(&self, node: u64, challenge_seed: B256) -> Bytes {
        let verifier = self.address(ContractName::ProofOfWorkVerifier);
        let seed = node_seed(self.deployment.chain_id, verifier, challenge_seed, node);
        let mut tried: Vec<_> = (0..TRIES).map(|nonce| (aiigo_pow::hash(seed, nonce), nonce)).collect();
        tried.sort_unstable();
        let mut best: Vec<u64> = tried.into_iter().take(NONCES).map(|(_, nonce)| nonce).collect();
        best.sort_unstable();
        best.into_iter().flat_map(u64::to_be_bytes).collect()
    }

    /// Lets `buyer` order so many tasks, and a node each accept them.
    pub(super) async fn take_tasks(&self, buyer: &Account, count: u64) -> Result<(), Error> {
        rich(&self.provider, buyer.address()).await?;
        let request = TaskRequest {
            resourceType: 0,
            minTrustLevel: 0,
            replicas: 1,
            minPower: 1,
            duration: DURATION,
            acceptWindow: 24 * 3600,
            reviewWindow: 3600,
            maxAuditAge: 0,
            // So little that it excuses nobody from the round.
            pricePerHour: U96::from(1_000_000_000_u64),
            paymentToken: Address::ZERO,
            watcher: Address::ZERO,
            specHash: keccak256("late"),
            specURI: "ipfs://late".into(),
        };
        let market = TaskMarketplace::new(self.address(ContractName::TaskMarketplace), self.provider.clone());
        let quote = market.quote(request.clone()).call().await?;
        let value = U256::from(quote.escrow) + quote.tipDeposit;
        let call = TaskMarketplace::createTaskCall { request };
        let before = self.provider.get_block_number().await?;
        let calls = (0..count).map(|_| self.call(ContractName::TaskMarketplace, &call, value, 500_000)).collect();
        self.sender.send(buyer.address(), calls).await?;
        let tasks = self.events::<TaskCreated>(ContractName::TaskMarketplace, before).await?;
        let salt = B256::repeat_byte(7);
        let zero = U256::ZERO;
        // A commitment lapses after a minute: not all at once.
        for pairs in tasks.iter().zip(&self.nodes).collect::<Vec<_>>().chunks(500) {
            let mut commits = Vec::new();
            let mut accepts = Vec::new();
            for (task, node) in pairs {
                let (task_id, node_id) = (task.taskId, **node);
                let digest = market.commitmentHash(task_id, node_id, salt, self.owner.address()).call().await?;
                let commit = TaskMarketplace::commitAcceptCall {
                    nodeId: node_id,
                    digest: FixedBytes::from_slice(&digest[..20]),
                };
                commits.push(self.call(ContractName::TaskMarketplace, &commit, zero, 300_000));
                let accept = TaskMarketplace::acceptTaskCall { taskId: task_id, nodeId: node_id, salt };
                accepts.push(self.call(ContractName::TaskMarketplace, &accept, zero, 500_000));
            }
            self.send(commits).await?;
            self.send(accepts).await?;
        }
        Ok(())
    }

    /// Waits until the keeper has committed to its secrets.
    pub(super) async fn until_committed(&self) -> Result<(), Error> {
        let verifier = self.verifier();
        let committed = try_until(LIMIT, async || {
            verifier.chainHead().call().await.ok().filter(|head| *head != B256::ZERO).map(|_| ())
        });
        committed.await.ok_or_else(|| "the keeper commits to no secrets".into())
    }

    /// Moves the clock to where a round is due at the latest, and waits until the keeper has opened it.
    pub(super) async fn round(&self, devnet: &Devnet) -> Result<RoundOpened, Error> {
        let verifier = self.verifier();
        let (rules, last) = (verifier.parameters().call().await?, verifier.currentRound().call().await?);
        let due = last.openedAt.to::<u64>() + u64::from(rules.auditInterval) + u64::from(rules.jitter);
        let before = self.provider.get_block_number().await?;
        devnet.increase_time(Duration::from_secs(due.saturating_sub(devnet.now().await?))).await?;
        let opened = try_until(LIMIT, async || {
            self.events::<RoundOpened>(ContractName::ProofOfWorkVerifier, before).await.ok()?.pop()
        });
        opened.await.ok_or_else(|| "no round was opened".into())
    }

    /// Answers for all but every tenth; returns how many those are.
    pub(super) async fn answer(&self, round: &RoundOpened) -> Result<u64, Error> {
        let answering: Vec<u64> = self.nodes.iter().copied().filter(|node| node % MISSING != 0).collect();
        let mut calls = Vec::new();
        for &node in &answering {
            let nonces = self.solution(node, round.seed);
            let call = ProofOfWorkVerifier::submitRoundSolutionCall { round: round.round, nodeId: node, nonces };
            calls.push(self.call(ContractName::ProofOfWorkVerifier, &call, U256::ZERO, 500_000));
        }
        self.send(calls).await?;
        eprintln!("  {} answered", answering.len());
        Ok((self.nodes.len() - answering.len()) as u64)
    }

    /// Ends the round, and waits until all misses are on the chain. Seconds of the chain's clock.
    pub(super) async fn until_reported(&self, devnet: &Devnet, round: &RoundOpened, misses: u64) -> Result<u64, Error> {
        let over = round.finishesAt.to::<u64>() + 1;
        let before = self.provider.get_block_number().await?;
        devnet.increase_time(Duration::from_secs(over.saturating_sub(devnet.now().await?))).await?;
        self.until_landed::<AuditMissed>(devnet, ContractName::ProofOfWorkVerifier, before, misses).await
    }

    /// Moves the clock to where all tasks are late, and waits until all are timed out. Seconds of the chain's clock.
    pub(super) async fn until_timed_out(&self, devnet: &Devnet, tasks: u64) -> Result<u64, Error> {
        let before = self.provider.get_block_number().await?;
        devnet.increase_time(Duration::from_secs(DURATION.into())).await?;
        self.until_landed::<TaskTimedOut>(devnet, ContractName::TaskMarketplace, before, tasks).await
    }

    async fn until_landed<E: SolEvent>(
        &self,
        devnet: &Devnet,
        contract: ContractName,
        after: u64,
        count: u64,
    ) -> Result<u64, Error> {
        let started = devnet.now().await?;
        let seen = Cell::new(0);
        let landed = try_until(LIMIT, async || {
            seen.set(self.events::<E>(contract, after).await.ok()?.len() as u64);
            (seen.get() >= count).then_some(())
        });
        let landed = landed.await;
        let seen = seen.get();
        if landed.is_none() {
            return Err(format!("{seen} of {count} × {} after {} s", E::SIGNATURE, LIMIT.as_secs()).into());
        }
        let logs = self.provider.get_logs(&self.filter::<E>(contract, after)).await?;
        let last = logs.iter().filter_map(|log| log.block_number).max().unwrap_or_default();
        let block = self.provider.get_block_by_number(last.into()).await?.ok_or("the last block is gone")?;
        let seconds = block.header.timestamp.saturating_sub(started);
        eprintln!("  {seen} after {seconds} s");
        Ok(seconds)
    }

    fn filter<E: SolEvent>(&self, contract: ContractName, after: u64) -> Filter {
        Filter::new().address(self.address(contract)).event_signature(E::SIGNATURE_HASH).from_block(after + 1)
    }

    async fn events<E: SolEvent>(&self, contract: ContractName, after: u64) -> Result<Vec<E>, Error> {
        let logs = self.provider.get_logs(&self.filter::<E>(contract, after)).await?;
        logs.iter().map(|log| Ok(log.log_decode::<E>()?.inner.data)).collect()
    }
}

/// More ETH than any of this costs.
pub(in crate::bench) async fn rich(provider: &DynProvider, account: Address) -> Result<(), Error> {
    Ok(provider.anvil_set_balance(account, U256::from(10).pow(U256::from(27))).await?)
}
