//! Events as the contracts would log them: equal numbers give equal markets.

use std::ops::RangeInclusive;

use aiigo_chain::{BlockRef, LocatedEvent};
use aiigo_protocol::{
    ContractName::{
        self, EscrowManager as Escrow, NodeRegistry as Registry, ProofOfWorkVerifier as Verifier,
        TaskMarketplace as Tasks,
    },
    Deployment, EscrowManager, Event, INodeRegistry, ITaskMarketplace, NodeRegistry, ProofOfWorkVerifier,
    TaskMarketplace,
};
use alloy::{
    primitives::{
        Address, B256, LogData, U256,
        aliases::{U40, U96},
        keccak256,
    },
    sol_types::SolEvent,
};

/// The nodes' resource type; most tasks ask for it.
const RESOURCE: u8 = 0;
/// Accounts that buy.
const BUYERS: u64 = 5_000;
/// Logs of a transaction.
const A_TRANSACTION: u64 = 3;

pub(crate) struct Market<'a> {
    deployment: &'a Deployment,
    nodes: u64,
}

impl<'a> Market<'a> {
    pub(crate) const fn new(deployment: &'a Deployment, nodes: u64) -> Self {
        Self { deployment, nodes }
    }

    /// The rules.
    pub(crate) fn begin(&self, block: BlockRef) -> Vec<LocatedEvent> {
        let parameters = INodeRegistry::Parameters {
            minStake: U96::from(whole(100)),
            levelTwoStake: U96::from(whole(1_000)),
            levelThreeStake: U96::from(whole(10_000)),
            levelTwoChallenges: 10,
            ..Default::default()
        };
        let cap = u128::MAX >> 32;
        let limits = NodeRegistry::TokenLimits {
            levelOneCap: cap,
            levelTwoCap: cap,
            levelThreeCap: cap,
            levelFourCap: cap,
            ..Default::default()
        };
        let market = ITaskMarketplace::Parameters { feeBps: 800, ..Default::default() };
        let logs = vec![
            log(Registry, &NodeRegistry::RegistryParametersChanged { parameters }),
            log(Registry, &NodeRegistry::TokenLimitsChanged { token: Address::ZERO, limits }),
            log(Tasks, &TaskMarketplace::MarketParametersChanged { parameters: market }),
        ];
        self.locate(block, logs)
    }

    /// Nodes, most of them ready to work.
    pub(crate) fn nodes(&self, ids: RangeInclusive<u64>, block: BlockRef) -> Vec<LocatedEvent> {
        let logs = ids.flat_map(|id| {
            let (owner, dice) = (account(b"owner", id / 3), dice(b"node", id));
            let stake = whole(100 + dice % 2_000);
            let mut logs = vec![
                log(
                    Registry,
                    &NodeRegistry::NodeRegistered {
                        nodeId: id,
                        owner,
                        operator: account(b"operator", id),
                        payout: owner,
                        resourceType: RESOURCE,
                        metadataURI: format!("ipfs://node/{:x}", keccak256(id.to_be_bytes())),
                        fee: U256::from(1),
                        referrer: 0,
                    },
                ),
                log(Registry, &NodeRegistry::StakeAdded { nodeId: id, from: owner, amount: stake, stake }),
                log(
                    Verifier,
                    &ProofOfWorkVerifier::ChallengeIssued {
                        nodeId: id,
                        challengeId: id,
                        challengeSeed: keccak256(id.to_be_bytes()),
                        openedAt: U40::from(block.timestamp),
                        deadline: U40::from(block.timestamp + 60),
                    },
                ),
                log(
                    Verifier,
                    &ProofOfWorkVerifier::ChallengePassed {
                        nodeId: id,
                        challengeId: id,
                        largestHash: B256::with_last_byte(1),
                        hashRate: dice % 1_000_000_000,
                        power: 1_000 + dice % 100_000,
                    },
                ),
                log(Registry, &NodeRegistry::NodeVerified { nodeId: id }),
            ];
            if dice % 10 != 0 {
                logs.push(log(Registry, &NodeRegistry::OnlineChanged { nodeId: id, online: true }));
            }
            logs
        });
        self.locate(block, logs.collect())
    }

    /// Tasks, each as far as it came.
    pub(crate) fn tasks(&self, numbers: RangeInclusive<u64>, block: BlockRef) -> Vec<LocatedEvent> {
        let logs = numbers.flat_map(|number| self.task(number, block.timestamp));
        self.locate(block, logs.collect())
    }

    fn task(&self, number: u64, time: u64) -> Vec<Log> {
        let (id, dice) = (keccak256([b"task".as_slice(), &number.to_be_bytes()].concat()), dice(b"task", number));
        let (buyer, node) = (account(b"buyer", dice % BUYERS), 1 + (dice >> 16) % self.nodes);
        let resource = if dice % 5 < 3 { RESOURCE } else { (dice % 5) as u8 };
        let (price, hours) = (1_000_000_000_u64 + (dice >> 8) % 1_000_000_000_000, 1 + dice % 48);
        let (escrow, tips) = (U256::from(price) * U256::from(hours), U256::from(800_000_000_000_000_u64));
        let request = TaskMarketplace::TaskRequest {
            resourceType: resource,
            minTrustLevel: 0,
            replicas: 1,
            minPower: 1 + ((dice >> 24) % 50_000) as u32,
            duration: (hours * 3_600) as u32,
            acceptWindow: 3_600,
            reviewWindow: 3_600,
            maxAuditAge: 0,
            pricePerHour: U96::from(price),
            paymentToken: Address::ZERO,
            watcher: Address::ZERO,
            specHash: keccak256((number / 10).to_be_bytes()),
            specURI: format!("ipfs://spec/{:x}", keccak256((number / 10).to_be_bytes())),
        };
        let mut logs = vec![
            log(
                Tasks,
                &TaskMarketplace::TaskCreated {
                    taskId: id,
                    buyer,
                    specHash: request.specHash,
                    request,
                    escrow: U96::from(escrow),
                    tipDeposit: tips,
                    feeBps: 800,
                    acceptBy: U40::from(time + 3_600),
                },
            ),
            log(
                Escrow,
                &EscrowManager::Deposited { taskId: id, payer: buyer, token: Address::ZERO, amount: escrow + tips },
            ),
        ];
        // Of twenty: eight open, one at work, one delivered, six paid, four cancelled.
        match number % 20 {
            0..8 => {}
            8..16 => logs.extend(self.work(id, node, buyer, escrow, tips, number % 20 - 8, time)),
            _ => {
                let refund = escrow + tips;
                logs.push(log(Tasks, &TaskMarketplace::TaskCancelled { taskId: id, refund: escrow }));
                logs.push(log(
                    Escrow,
                    &EscrowManager::Refunded { taskId: id, buyer, token: Address::ZERO, amount: refund },
                ));
            }
        }
        logs
    }

    /// Accepted; delivered unless `stage` is 0, and paid unless it is 1.
    #[allow(clippy::too_many_arguments)] // what a task is
    fn work(&self, id: B256, node: u64, buyer: Address, escrow: U256, tips: U256, stage: u64, time: u64) -> Vec<Log> {
        let (operator, provider) = (account(b"operator", node), account(b"owner", node / 3));
        let accepted =
            TaskMarketplace::TaskAccepted { taskId: id, nodeId: node, operator, deadline: U40::from(time + 60) };
        let mut logs = vec![log(Tasks, &accepted)];
        if stage == 0 {
            return logs;
        }
        logs.push(log(
            Tasks,
            &TaskMarketplace::ResultSubmitted {
                taskId: id,
                nodeId: node,
                resultHash: keccak256(id),
                resultURI: format!("ipfs://result/{id:x}"),
                reviewUntil: U40::from(time + 3_600),
            },
        ));
        if stage == 1 {
            return logs;
        }
        let fee = escrow * U256::from(800) / U256::from(10_000);
        logs.push(log(
            Escrow,
            &EscrowManager::Released {
                taskId: id,
                provider,
                token: Address::ZERO,
                providerAmount: escrow - fee,
                feeAmount: fee,
                buyer,
                refundAmount: tips,
            },
        ));
        logs.push(log(
            Tasks,
            &TaskMarketplace::TaskVerified {
                taskId: id,
                nodeId: node,
                approver: buyer,
                due: escrow,
                providerAmount: escrow - fee,
                feeAmount: fee,
                refundAmount: U256::ZERO,
            },
        ));
        logs
    }

    fn locate(&self, block: BlockRef, logs: Vec<Log>) -> Vec<LocatedEvent> {
        let located = logs.into_iter().zip(0_u64..).map(|((contract, raw), log_index)| LocatedEvent {
            block,
            tx_hash: keccak256([block.hash.as_slice(), &(log_index / A_TRANSACTION).to_be_bytes()].concat()),
            tx_index: log_index / A_TRANSACTION,
            log_index,
            address: self.deployment.address(contract),
            event: Event::decode(contract, &raw),
            raw,
        });
        located.collect()
    }
}

/// An event before it is in a block.
type Log = (ContractName, LogData);

fn log(contract: ContractName, event: &impl SolEvent) -> Log {
    (contract, event.encode_log_data())
}

fn account(role: &[u8], index: u64) -> Address {
    Address::from_word(keccak256([role, &index.to_be_bytes()].concat()))
}

/// A number that is the same every time.
fn dice(role: &[u8], index: u64) -> u64 {
    let hash = keccak256([b"dice", role, &index.to_be_bytes()].concat());
    hash.chunks_exact(8).next().map_or(0, |bytes| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn whole(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(18))
}
