//! Every balance on the chain, kept up to date: each is what a view answers, and is asked again when a slot that the answer
//! was read from has changed. So the views decide, not the storage's layout, and few are asked after a call.

use std::collections::HashMap;

use aiigo_protocol::{
    AIIGOToken, DisputeCourt, EscrowManager, KeeperTips, NodeRegistry, RewardDistributor, StakingPool, TaskMarketplace,
    TaskStatus,
};
use alloy::{
    primitives::{Address, B256, Bytes, U256},
    sol_types::SolCall,
};
use revm::state::EvmState;

use super::{
    machine::{Done, Machine},
    prepare::Suite,
    token_address,
};
use crate::{
    books::{Books, PositionBook},
    cast::{Holder, Token},
};

/// The line of the books that a view's answer stands in.
#[derive(Clone, Copy, Debug)]
enum Place {
    Wallet(Holder, Token),
    Credit(Holder, Token),
    Tips(Holder),
    Fees(Holder),
    NextEpoch,
    Committed,
    Minted,
    Supply(Token),
    Node(usize),
    Rewards(usize),
    Open(usize, Token),
    TaskStatus(usize),
    TaskEscrow(usize),
    Position(usize),
}

/// A view.
#[derive(Clone, Debug)]
struct Watch {
    to: Address,
    data: Bytes,
    place: Place,
}

/// All views, and which of them read what.
#[derive(Clone, Debug, Default)]
pub(super) struct Watches {
    all: Vec<Watch>,
    readers: HashMap<(Address, U256), Vec<usize>>,
    /// To be asked again.
    stale: Vec<usize>,
}

impl Watches {
    /// Every view of a suite with so many nodes and no task.
    pub(super) fn new(suite: &Suite, nodes: usize) -> Self {
        let mut watches = Self::default();
        for token in [Token::Aiigo, Token::Dollar] {
            let to = token_address(suite, token);
            watches.add(to, &AIIGOToken::totalSupplyCall {}, Place::Supply(token));
            for holder in Holder::ALL {
                let call = AIIGOToken::balanceOfCall { account: suite.address(*holder) };
                watches.add(to, &call, Place::Wallet(*holder, token));
            }
        }
        for holder in Holder::ALL {
            let account = suite.address(*holder);
            watches.add(suite.address(Holder::Tips), &KeeperTips::tipsOfCall { account }, Place::Tips(*holder));
            watches.add(suite.address(Holder::Court), &DisputeCourt::feesOfCall { account }, Place::Fees(*holder));
            for token in Token::ALL {
                let call = EscrowManager::balanceOfCall { account, token: token_address(suite, token) };
                watches.add(suite.address(Holder::Escrow), &call, Place::Credit(*holder, token));
            }
        }
        let distributor = suite.address(Holder::Distributor);
        watches.add(distributor, &RewardDistributor::nextEpochToCloseCall {}, Place::NextEpoch);
        watches.add(distributor, &RewardDistributor::committedCall {}, Place::Committed);
        watches.add(distributor, &RewardDistributor::mintedCall {}, Place::Minted);
        (0..nodes).for_each(|node| watches.node(suite, node));
        watches
    }

    pub(super) fn node(&mut self, suite: &Suite, node: usize) {
        let (registry, id) = (suite.address(Holder::Registry), node as u64 + 1);
        self.add(registry, &NodeRegistry::nodeInfoCall { nodeId: id }, Place::Node(node));
        let rewards = RewardDistributor::rewardsOfCall { nodeId: id };
        self.add(suite.address(Holder::Distributor), &rewards, Place::Rewards(node));
        for token in Token::ALL {
            let call = NodeRegistry::openEscrowOfCall { nodeId: id, token: token_address(suite, token) };
            self.add(registry, &call, Place::Open(node, token));
        }
    }

    pub(super) fn task(&mut self, suite: &Suite, task: usize, id: B256) {
        self.add(suite.address(Holder::Market), &TaskMarketplace::taskOfCall { taskId: id }, Place::TaskStatus(task));
        self.add(suite.address(Holder::Escrow), &EscrowManager::escrowOfCall { taskId: id }, Place::TaskEscrow(task));
    }

    pub(super) fn position(&mut self, suite: &Suite, position: usize, id: U256) {
        let call = StakingPool::positionOfCall { positionId: id };
        self.add(suite.address(Holder::Pool), &call, Place::Position(position));
    }

    fn add(&mut self, to: Address, call: &impl SolCall, place: Place) {
        self.stale.push(self.all.len());
        self.all.push(Watch { to, data: call.abi_encode().into(), place });
    }

    /// After a call: ether as it is now, and what else has to be asked.
    pub(super) fn mark(&mut self, suite: &Suite, touched: &EvmState, books: &mut Books) {
        for (address, account) in touched {
            if let Some(holder) = suite.holder(*address) {
                books.wallets[holder.index()][Token::Ether.index()] = account.info.balance.saturating_to();
            }
            for (slot, _) in account.changed_storage_slots() {
                for watch in self.readers.get(&(*address, *slot)).into_iter().flatten() {
                    if !self.stale.contains(watch) {
                        self.stale.push(*watch);
                    }
                }
            }
        }
    }

    /// Asks again what may have changed.
    pub(super) fn refresh(&mut self, machine: &mut Machine, books: &mut Books) {
        while let Some(index) = self.stale.pop() {
            let watch = &self.all[index];
            let Done { output, touched } = machine.run(Address::ZERO, watch.to, 0, watch.data.clone());
            watch.place.write(output.ok().as_ref().map(|data| data.as_ref()), books);
            for (address, account) in &touched {
                for slot in account.storage.keys() {
                    let readers = self.readers.entry((*address, *slot)).or_default();
                    if !readers.contains(&index) {
                        readers.push(index);
                    }
                }
            }
        }
    }
}

impl Place {
    /// Writes a view's answer; without one, as of a closed position, zeros.
    fn write(self, answer: Option<&[u8]>, books: &mut Books) {
        let number = answer.map_or(0, |bytes| U256::try_from_be_slice(bytes).unwrap_or_default().saturating_to());
        match self {
            Self::Wallet(holder, token) => books.wallets[holder.index()][token.index()] = number,
            Self::Credit(holder, token) => books.credits[holder.index()][token.index()] = number,
            Self::Tips(holder) => books.tips[holder.index()] = number,
            Self::Fees(holder) => books.fees[holder.index()] = number,
            Self::NextEpoch => books.rewards.next_epoch = u64::try_from(number).unwrap_or(u64::MAX),
            Self::Committed => books.rewards.committed = number,
            Self::Minted => books.rewards.minted = number,
            Self::Supply(token) => books.supply[token.index()] = number,
            Self::Open(node, token) => books.nodes[node].open[token.index()] = number,
            Self::Node(node) => {
                let info = answer.and_then(|bytes| NodeRegistry::nodeInfoCall::abi_decode_returns(bytes).ok());
                if let Some(info) = info {
                    let book = &mut books.nodes[node];
                    book.stake = info.stake;
                    book.unbonding = info.unbonding;
                    book.running = info.running.into();
                    book.reviewing = info.reviewing.into();
                    book.verified = info.tasksVerified.into();
                    book.failed = info.tasksFailed.into();
                    book.reputation = info.reputation.into();
                }
            }
            Self::Rewards(node) => {
                let found = answer.and_then(|bytes| RewardDistributor::rewardsOfCall::abi_decode_returns(bytes).ok());
                books.nodes[node].base_claimed = found.as_ref().map_or(0, |found| found.baseClaimed);
                books.nodes[node].bonus_claimed = found.as_ref().map_or(0, |found| found.bonusClaimed);
            }
            Self::TaskStatus(task) => {
                let found = answer.and_then(|bytes| TaskMarketplace::taskOfCall::abi_decode_returns(bytes).ok());
                let status = found.and_then(|found| TaskStatus::try_from(found.status).ok());
                books.tasks[task].status = status.unwrap_or(TaskStatus::None);
            }
            Self::TaskEscrow(task) => {
                let found = answer.and_then(|bytes| EscrowManager::escrowOfCall::abi_decode_returns(bytes).ok());
                books.tasks[task].escrow = found.map_or(0, |found| found.amount.to());
            }
            Self::Position(position) => {
                let found = answer.and_then(|bytes| StakingPool::positionOfCall::abi_decode_returns(bytes).ok());
                books.positions[position] = found.map_or_else(PositionBook::default, |found| PositionBook {
                    amount: found.amount,
                    weight: found.weight,
                    frozen: found.frozen,
                });
            }
        }
    }
}
