//! What the keeper knows of the market: only what has a deadline, built from events alone and rebuilt at each start.

mod challenges;
mod disputes;
mod journal;
mod nodes;
mod proposals;
mod replicas;
mod rewards;
mod roots;
mod rounds;
mod stakes;
mod tasks;

use aiigo_chain::BlockRef;
use aiigo_protocol::{Event, NodeId, TaskId};
use alloy::primitives::{Address, U256};

pub(crate) use self::roots::BOND;
use self::{
    challenges::Challenges,
    disputes::Disputes,
    journal::{Undo, undo_by_parts},
    nodes::Nodes,
    proposals::Proposals,
    replicas::Replicas,
    rewards::Rewards,
    roots::Roots,
    stakes::Stakes,
    tasks::Tasks,
};
pub use self::{
    challenges::OpenChallenge,
    disputes::Period,
    proposals::{Phase, Proposal},
    replicas::{ReplicaStage, ReplicatedTask},
    rewards::Schedule,
    roots::{OwnEpoch, OwnRoot, WrongRoot},
    rounds::{Genesis, Rounds},
    tasks::{LiveTask, Stage},
};

/// A block, as far as it matters to the view.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// Its number.
    pub block: u64,
    /// Its time, unix seconds.
    pub time: u64,
}

impl From<BlockRef> for Moment {
    fn from(block: BlockRef) -> Self {
        Self { block: block.number, time: block.timestamp }
    }
}

/// Whose doings matter beyond the events' own words: constants of a deployment and a keeper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accounts {
    /// The FeeVault.
    pub vault: Address,
    /// The RewardDistributor.
    pub rewards: Address,
    /// Who sends the keeper's transactions.
    pub keeper: Address,
}

/// The part of the market that has deadlines.
#[derive(Debug)]
pub struct View {
    head: u64,
    tasks: Tasks,
    replicas: Replicas,
    challenges: Challenges,
    rounds: Rounds,
    nodes: Nodes,
    stakes: Stakes,
    disputes: Disputes,
    rewards: Rewards,
    roots: Roots,
    proposals: Proposals,
}

undo_by_parts!(View: tasks, replicas, challenges, rounds, nodes, stakes, disputes, rewards, roots, proposals);

impl View {
    /// An empty market.
    pub fn new(accounts: Accounts, schedule: Schedule, genesis: Genesis) -> Self {
        Self {
            head: 0,
            tasks: Tasks::default(),
            replicas: Replicas::default(),
            challenges: Challenges::default(),
            rounds: Rounds::new(genesis),
            nodes: Nodes::default(),
            stakes: Stakes::default(),
            disputes: Disputes::default(),
            rewards: Rewards::new(accounts.vault, schedule),
            roots: Roots::new(accounts),
            proposals: Proposals::default(),
        }
    }

    /// Live tasks of one node by id.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, LiveTask)> {
        self.tasks.iter()
    }

    /// Seconds after a task's deadline before it is late.
    pub fn grace(&self) -> u64 {
        self.tasks.grace()
    }

    /// Tasks of several nodes that are not settled.
    pub fn replicated(&self) -> impl Iterator<Item = (TaskId, ReplicatedTask)> {
        self.replicas.iter()
    }

    /// Candidates for a seat that were not drawn, or whose task is over, and that still hold a slot.
    pub fn releasable_candidates(&self) -> impl Iterator<Item = (TaskId, NodeId)> {
        self.replicas.releasable()
    }

    /// Open challenges by node.
    pub fn challenges(&self) -> impl Iterator<Item = (NodeId, OpenChallenge)> {
        self.challenges.iter()
    }

    /// Audit rounds.
    pub fn rounds(&self) -> &Rounds {
        &self.rounds
    }

    /// Whether governance banned a node.
    pub fn is_banned(&self, node: NodeId) -> bool {
        self.nodes.is_banned(node)
    }

    /// Nodes that fail so often that anyone may put them under review.
    pub fn failing(&self, now: u64) -> impl Iterator<Item = NodeId> {
        self.nodes.failing(now)
    }

    /// Nodes that time or a parameter has made Active without the verifier knowing.
    pub fn silently_active(&self, now: u64) -> impl Iterator<Item = NodeId> {
        self.nodes.active(now).filter(|node| !self.rounds.counts_as_active(*node))
    }

    /// Positions of the pool whose weight still counts a lock that is over.
    pub fn unlocked_positions(&self, now: u64) -> impl Iterator<Item = U256> {
        self.stakes.unlocked(now)
    }

    /// Former jurors whose position can be released, and since when, unix seconds.
    pub fn releasable_jurors(&self, now: u64) -> impl Iterator<Item = (Address, u64)> {
        self.stakes.releasable(now)
    }

    /// Jurors who weigh more than their position holds, and what it holds, AIIGO wei.
    pub fn overweight_jurors(&self) -> impl Iterator<Item = (Address, U256)> {
        self.stakes.overweight()
    }

    /// Cases that are not closed.
    pub fn disputes(&self) -> impl Iterator<Item = (U256, Period)> {
        self.disputes.iter()
    }

    /// Closed epochs with a node's unclaimed fees.
    pub fn claimable(&self) -> impl Iterator<Item = (u64, NodeId)> {
        self.rewards.claimable()
    }

    /// The first epoch that is not closed.
    pub fn next_epoch_to_close(&self) -> u64 {
        self.rewards.next_epoch_to_close()
    }

    /// When epochs begin and end.
    pub fn schedule(&self) -> Schedule {
        self.rewards.schedule()
    }

    /// Tokens with fees from before the end of an epoch that is closed, and that epoch.
    pub fn collectable(&self) -> impl Iterator<Item = (Address, u64)> {
        self.rewards.collectable()
    }

    /// Roots of bonuses that nobody vetoed in time, but for wrong ones.
    pub fn adoptable_roots(&self, now: u64) -> impl Iterator<Item = U256> {
        self.roots.adoptable(now)
    }

    /// Posted roots, pending or in force, that differ from the keeper's own.
    pub fn wrong_roots(&self) -> impl Iterator<Item = WrongRoot> {
        self.roots.wrong()
    }

    /// The newest own root of bonuses that no reorg can change.
    pub fn own_epoch(&self) -> Option<OwnEpoch> {
        self.roots.settled()
    }

    /// The root of bonuses that somebody should post.
    pub fn root_to_post(&self) -> Option<OwnRoot> {
        self.roots.postable()
    }

    /// Whether the distributor may take the bond for a root from the keeper.
    pub fn may_take_bond(&self) -> bool {
        self.roots.may_take_bond()
    }

    /// Proposals of governance that are not over.
    pub fn proposals(&self) -> impl Iterator<Item = (U256, &Proposal, Phase)> {
        self.proposals.iter()
    }

    /// The last block that was taken in.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// How much is watched: live tasks and open challenges.
    pub fn watched(&self) -> (usize, usize) {
        (self.tasks.len() + self.replicas.len(), self.challenges.len())
    }

    /// Takes in an event.
    pub fn apply(&mut self, at: Moment, event: &Event) {
        let block = at.block;
        self.roots.apply(block, event);
        match event {
            Event::TaskMarketplace(event) => {
                self.tasks.apply(block, event);
                self.replicas.apply(block, event);
            }
            Event::ProofOfWorkVerifier(event) => {
                self.challenges.apply(block, event);
                self.rounds.apply(at, event);
            }
            Event::NodeRegistry(event) => self.nodes.apply(block, event),
            Event::StakingPool(event) => self.stakes.apply_pool(block, event),
            Event::DisputeCourt(event) => {
                self.disputes.apply(block, event);
                self.stakes.apply_court(block, event);
            }
            Event::RewardDistributor(event) => self.rewards.apply_distributor(block, event),
            Event::EscrowManager(event) => self.rewards.apply_escrow(block, event),
            Event::FeeVault(event) => self.rewards.apply_vault(block, event),
            Event::AIIGOGovernor(event) => self.proposals.apply(block, event),
            _ => {}
        }
    }

    /// The chain has reached a block, whose events and those before were all taken in.
    pub fn reach(&mut self, at: Moment) {
        self.head = at.block;
        self.proposals.reach(at);
    }

    /// Undoes everything above `block`.
    pub fn retract(&mut self, block: u64) {
        self.head = block;
        Undo::retract(self, block);
    }

    /// Forgets how to undo what is final.
    pub fn settle(&mut self, block: u64) {
        Undo::settle(self, block);
    }
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::TaskMarketplace::{TaskAccepted, TaskMarketplaceEvents, TaskReopened, TaskVerified};
    use alloy::primitives::{Address, B256, aliases::U40};

    use super::*;

    const TASK: TaskId = TaskId(B256::repeat_byte(1));

    fn view() -> View {
        let nobody = Accounts { vault: Address::ZERO, rewards: Address::ZERO, keeper: Address::ZERO };
        View::new(nobody, Schedule { start: 1_000, length: 60 }, Genesis { opened_at: 1_000 })
    }

    fn at(block: u64) -> Moment {
        Moment { block, time: 1_000 + block }
    }

    fn accepted(node: u64, deadline: u64) -> Event {
        Event::TaskMarketplace(TaskMarketplaceEvents::TaskAccepted(TaskAccepted {
            taskId: TASK.0,
            nodeId: node,
            operator: Address::ZERO,
            deadline: U40::from(deadline),
        }))
    }

    fn reopened(attempts: u8, accept_by: u64) -> Event {
        Event::TaskMarketplace(TaskMarketplaceEvents::TaskReopened(TaskReopened {
            taskId: TASK.0,
            attempts,
            acceptBy: U40::from(accept_by),
        }))
    }

    fn verified() -> Event {
        Event::TaskMarketplace(TaskMarketplaceEvents::TaskVerified(TaskVerified {
            taskId: TASK.0,
            nodeId: 1,
            approver: Address::ZERO,
            due: U256::ZERO,
            providerAmount: U256::ZERO,
            feeAmount: U256::ZERO,
            refundAmount: U256::ZERO,
        }))
    }

    #[test]
    fn a_reopened_task_remembers_its_attempts_when_taken_again() {
        let mut view = view();
        view.apply(at(1), &accepted(1, 100));
        view.apply(at(2), &reopened(1, 200));
        view.apply(at(3), &accepted(2, 300));
        let stage = Stage::Running { node: NodeId(2), deadline: 300 };
        assert_eq!(view.tasks().collect::<Vec<_>>(), [(TASK, LiveTask { attempts: 1, stage })]);
    }

    #[test]
    fn a_retracted_payment_makes_the_task_live_again() {
        let mut view = view();
        view.apply(at(1), &accepted(1, 100));
        view.apply(at(2), &verified());
        assert_eq!(view.tasks().count(), 0);
        view.retract(1);
        assert_eq!(view.tasks().count(), 1);
    }
}
