//! A history on a chain of its own: tasks through the deployed contracts, as many events as asked for.

use std::time::Duration;

use aiigo_devnet::Devnet;
use aiigo_protocol::{
    AIIGOToken, ContractName, Deployment, EscrowManager, NodeRegistry, TaskMarketplace,
    TaskMarketplace::{TaskCreated, TaskRequest},
};
use alloy::{
    primitives::{Address, B256, FixedBytes, U256, aliases::U96, keccak256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::Filter,
    sol_types::{SolCall, SolValue},
};

use crate::{
    bench::{
        keeper::crowd::{Crowd, rich},
        sender::{Blocks, Call, Sender},
    },
    project::Error,
};

/// Nodes that do the tasks, each one at a time.
const NODES: u64 = 450;
/// The devnet's accounts that buy.
const BUYERS: std::ops::Range<u32> = 7..12;
/// Tasks of a round, by what becomes of them.
const DONE: usize = 440;
const LATE: usize = 10;
const CANCELLED: usize = 40;
const EXPIRED: usize = 10;
/// Transfers of AIIGO in a round.
const TRANSFERS: usize = 100;
/// Blocks on top, so that the whole history is final.
const QUIET: u64 = 64;
/// Seconds until a task that nobody takes expires, and that an execution may take.
const PATIENCE: u32 = 24 * 3_600;

/// Makes it.
pub(super) struct History {
    provider: DynProvider,
    sender: Sender,
    deployment: Deployment,
    crowd: Crowd,
    buyers: Vec<Address>,
    faucet: Address,
    late: Vec<B256>,
    expired: Vec<B256>,
}

impl History {
    /// Nodes that can work and buyers with money.
    pub(super) async fn begin(devnet: &Devnet) -> Result<Self, Error> {
        let provider = devnet.provider();
        let mut crowd = Crowd::new(devnet, Blocks::OnDemand).await?;
        let accounts = BUYERS.map(|index| devnet.account(index).map(|account| account.address()));
        let buyers = accounts.collect::<Result<Vec<_>, _>>()?;
        for buyer in &buyers {
            rich(&provider, *buyer).await?;
        }
        provider.anvil_set_auto_mine(false).await?;
        crowd.join(NODES).await?;
        let sender = Sender::new(provider.clone(), Blocks::OnDemand);
        let (deployment, faucet) = (devnet.deployment().clone(), devnet.account(0)?.address());
        Ok(Self { provider, sender, deployment, crowd, buyers, faucet, late: Vec::new(), expired: Vec::new() })
    }

    /// Goes on until there are at least so many events, and ends with blocks that make them final.
    pub(super) async fn write(&mut self, events: usize) -> Result<(), Error> {
        let mut seen = self.events_since(self.deployment.block).await?;
        for round in 0_u64.. {
            if seen >= events {
                break;
            }
            let before = self.provider.get_block_number().await?;
            self.round(round).await?;
            seen += self.events_since(before + 1).await?;
            if round % 5 == 4 {
                eprintln!("  {seen} events");
            }
        }
        self.enforce().await?;
        Ok(self.provider.anvil_mine(Some(QUIET), None).await?)
    }

    async fn round(&mut self, round: u64) -> Result<(), Error> {
        let tasks = self.order(round).await?;
        let (worked, others) = tasks.split_at(DONE + LATE);
        let (cancelled, expired) = others.split_at(CANCELLED);
        self.expired.extend(expired.iter().map(|task| task.id));
        self.buy(cancelled, |id| TaskMarketplace::cancelTaskCall { taskId: id }).await?;

        // A node that did not deliver last round could lose its stake by and by: they take turns.
        let nodes = self.crowd.nodes();
        let turn = usize::try_from(round)? * LATE;
        let pairs: Vec<(B256, u64)> =
            worked.iter().enumerate().map(|(index, task)| (task.id, nodes[(index + turn) % nodes.len()])).collect();
        let (salt, operator) = (B256::repeat_byte(7), self.crowd.owner());
        let commits = pairs.iter().map(|&(task, node)| {
            let digest = keccak256((task, U256::from(node), salt, operator).abi_encode());
            TaskMarketplace::commitAcceptCall { nodeId: node, digest: FixedBytes::from_slice(&digest[..20]) }
        });
        self.work(commits).await?;
        let accepts =
            pairs.iter().map(|&(task, node)| TaskMarketplace::acceptTaskCall { taskId: task, nodeId: node, salt });
        self.work(accepts).await?;
        let (done, late) = worked.split_at(DONE);
        self.late.extend(late.iter().map(|task| task.id));
        let results = done.iter().map(|task| TaskMarketplace::submitResultCall {
            taskId: task.id,
            resultHash: keccak256(task.id),
            resultURI: format!("ipfs://result/{:x}", task.id),
        });
        self.work(results).await?;
        self.buy(done, |id| TaskMarketplace::approveTaskCall { taskId: id }).await?;

        let withdraw = EscrowManager::withdrawCall { token: Address::ZERO, to: operator };
        self.sender.send(operator, vec![self.call(ContractName::EscrowManager, &withdraw)]).await?;
        let transfers = (0..TRANSFERS).map(|index| {
            let to = Address::from_word(keccak256((round, index as u64).abi_encode()));
            self.call(ContractName::AIIGOToken, &AIIGOToken::transferCall { to, value: U256::from(1_000) })
        });
        self.sender.send(self.faucet, transfers.collect()).await?;
        let rest = nodes.iter().take(LATE).flat_map(|node| {
            [false, true].map(|online| {
                self.call(ContractName::NodeRegistry, &NodeRegistry::setOnlineCall { nodeId: *node, online })
            })
        });
        self.sender.send(operator, rest.collect()).await
    }

    /// The tasks of a round, ordered in equal parts by all buyers.
    async fn order(&self, round: u64) -> Result<Vec<Ordered>, Error> {
        let before = self.provider.get_block_number().await?;
        let market = TaskMarketplace::new(self.address(ContractName::TaskMarketplace), self.provider.clone());
        let value = market.quote(request(round)).call().await?;
        let value = U256::from(value.escrow) + value.tipDeposit;
        let create = TaskMarketplace::createTaskCall { request: request(round) };
        let create = Call { value, ..self.call(ContractName::TaskMarketplace, &create) };
        for buyer in &self.buyers {
            let count = (DONE + LATE + CANCELLED + EXPIRED) / self.buyers.len();
            self.sender.send(*buyer, vec![create.clone(); count]).await?;
        }
        let created = market.event_filter::<TaskCreated>().from_block(before + 1).query().await?;
        Ok(created.into_iter().map(|(event, _)| Ordered { id: event.taskId, buyer: event.buyer }).collect())
    }

    /// What was left: assignments that are late, and tasks that nobody took.
    async fn enforce(&self) -> Result<(), Error> {
        self.provider.anvil_increase_time(Duration::from_secs(2 * u64::from(PATIENCE)).as_secs()).await?;
        self.provider.anvil_mine(Some(1), None).await?;
        self.work(self.late.iter().map(|task| TaskMarketplace::timeoutTaskCall { taskId: *task })).await?;
        self.work(self.expired.iter().map(|task| TaskMarketplace::expireTaskCall { taskId: *task })).await
    }

    /// Calls of the market by the nodes' operator.
    async fn work<C: SolCall>(&self, calls: impl Iterator<Item = C>) -> Result<(), Error> {
        let calls = calls.map(|call| self.call(ContractName::TaskMarketplace, &call)).collect();
        self.sender.send(self.crowd.owner(), calls).await
    }

    /// Calls of the market by the tasks' buyers.
    async fn buy<C: SolCall>(&self, tasks: &[Ordered], call: impl Fn(B256) -> C) -> Result<(), Error> {
        for buyer in &self.buyers {
            let own = tasks.iter().filter(|task| task.buyer == *buyer);
            let calls = own.map(|task| self.call(ContractName::TaskMarketplace, &call(task.id))).collect();
            self.sender.send(*buyer, calls).await?;
        }
        Ok(())
    }

    async fn events_since(&self, block: u64) -> Result<usize, Error> {
        let filter = Filter::new().address(self.deployment.addresses()).from_block(block);
        Ok(self.provider.get_logs(&filter).await?.len())
    }

    fn address(&self, name: ContractName) -> Address {
        self.deployment.address(name)
    }

    fn call(&self, to: ContractName, call: &impl SolCall) -> Call {
        Call { to: self.address(to), data: call.abi_encode().into(), value: U256::ZERO, gas: 600_000 }
    }
}

struct Ordered {
    id: B256,
    buyer: Address,
}

fn request(round: u64) -> TaskRequest {
    TaskRequest {
        resourceType: 0,
        minTrustLevel: 0,
        replicas: 1,
        minPower: 1,
        duration: PATIENCE,
        acceptWindow: PATIENCE,
        reviewWindow: 3_600,
        maxAuditAge: 0,
        pricePerHour: U96::from(1_000_000_000_u64 + round),
        paymentToken: Address::ZERO,
        watcher: Address::ZERO,
        specHash: keccak256(round.to_be_bytes()),
        specURI: format!("ipfs://spec/{round}"),
    }
}
