//! What the keeper knows of the market: only what has a deadline, built from events alone and rebuilt at each start.

mod disputes;
mod journal;
mod proposals;
mod rounds;

use aiigo_protocol::{
    EscrowManager::{EscrowManagerEvents, PaymentSplit},
    Event,
    FeeVault::FeeVaultEvents,
    NodeId,
    NodeRegistry::NodeRegistryEvents,
    ProofOfWorkVerifier::ProofOfWorkVerifierEvents,
    RewardDistributor::RewardDistributorEvents,
    TaskId,
    TaskMarketplace::TaskMarketplaceEvents,
};
use alloy::primitives::{Address, U256};

pub(crate) use self::journal::Journaled;
use self::{disputes::Disputes, proposals::Proposals};
pub use self::{
    disputes::Period,
    proposals::{Phase, Proposal},
    rounds::{Genesis, Rounds},
};

/// A task that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveTask {
    /// Assignments that ended without a result.
    pub attempts: u8,
    /// Where it stands.
    pub stage: Stage,
}

/// Where a live task stands, with the time (unix seconds) until which nobody but its parties can move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for a provider.
    Open {
        /// Last second of the acceptance window.
        accept_by: u64,
    },
    /// Being executed.
    Running {
        /// By whom.
        node: NodeId,
        /// Last second for the result, without the grace.
        deadline: u64,
    },
    /// The result waits for the buyer.
    Reviewed {
        /// Last second of the review window.
        review_until: u64,
    },
}

/// A challenge that was neither answered nor closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenChallenge {
    /// Its number.
    pub id: u64,
    /// Last second for the solution.
    pub deadline: u64,
}

/// When reward epochs begin: a constant of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Start of epoch 0, unix seconds.
    pub start: u64,
    /// Length of an epoch, seconds.
    pub length: u64,
}

impl Schedule {
    /// First second after an epoch.
    pub fn end_of(&self, epoch: u64) -> u64 {
        self.start.saturating_add(epoch.saturating_add(1).saturating_mul(self.length))
    }
}

/// The part of the market that has deadlines.
#[derive(Debug)]
pub struct View {
    /// The FeeVault: fees are paid to it.
    vault: Address,
    schedule: Schedule,
    head: u64,
    tasks: Journaled<TaskId, LiveTask>,
    challenges: Journaled<NodeId, OpenChallenge>,
    banned: Journaled<NodeId, ()>,
    /// Fees recorded for a node in an epoch whose base reward was not claimed.
    unclaimed: Journaled<(u64, NodeId), ()>,
    next_epoch: Journaled<(), u64>,
    grace: Journaled<(), u64>,
    rounds: Rounds,
    proposals: Proposals,
    disputes: Disputes,
    /// Tokens in which fees came in since they were last collected, by the first epoch to close after that.
    fees: Journaled<Address, u64>,
}

impl View {
    /// An empty market.
    pub fn new(vault: Address, schedule: Schedule, genesis: Genesis) -> Self {
        Self {
            vault,
            schedule,
            tasks: Journaled::default(),
            challenges: Journaled::default(),
            banned: Journaled::default(),
            unclaimed: Journaled::default(),
            next_epoch: Journaled::default(),
            grace: Journaled::default(),
            rounds: Rounds::new(genesis),
            proposals: Proposals::default(),
            disputes: Disputes::default(),
            head: 0,
            fees: Journaled::default(),
        }
    }

    /// Live tasks by id.
    pub fn tasks(&self) -> impl Iterator<Item = (TaskId, LiveTask)> {
        self.tasks.iter().map(|(id, task)| (*id, *task))
    }

    /// Open challenges by node.
    pub fn challenges(&self) -> impl Iterator<Item = (NodeId, OpenChallenge)> {
        self.challenges.iter().map(|(node, challenge)| (*node, *challenge))
    }

    /// Whether governance banned a node.
    pub fn is_banned(&self, node: NodeId) -> bool {
        self.banned.contains(&node)
    }

    /// Closed epochs with a node's unclaimed fees.
    pub fn claimable(&self) -> impl Iterator<Item = (u64, NodeId)> {
        let next = self.next_epoch_to_close();
        self.unclaimed.iter().map(|(key, ())| *key).filter(move |(epoch, _)| *epoch < next)
    }

    /// The first epoch that is not closed.
    pub fn next_epoch_to_close(&self) -> u64 {
        self.next_epoch.get(&()).copied().unwrap_or(0)
    }

    /// When epochs begin and end.
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// Seconds after a task's deadline before it is late.
    pub fn grace(&self) -> u64 {
        self.grace.get(&()).copied().unwrap_or(0)
    }

    /// Audit rounds.
    pub fn rounds(&self) -> &Rounds {
        &self.rounds
    }

    /// The last block that was taken in.
    pub fn head(&self) -> u64 {
        self.head
    }

    /// Cases that are not closed.
    pub fn disputes(&self) -> impl Iterator<Item = (U256, Period)> {
        self.disputes.iter()
    }

    /// Proposals of governance that are not over.
    pub fn proposals(&self) -> impl Iterator<Item = (U256, &Proposal)> {
        self.proposals.iter()
    }

    /// Tokens with fees from before the end of an epoch that is closed, and that epoch.
    pub fn collectable(&self) -> impl Iterator<Item = (Address, u64)> {
        let next = self.next_epoch_to_close();
        self.fees.iter().map(|(token, epoch)| (*token, *epoch)).filter(move |(_, epoch)| *epoch < next)
    }

    /// How much is watched: live tasks and open challenges.
    pub fn watched(&self) -> (usize, usize) {
        (self.tasks.len(), self.challenges.len())
    }

    /// Takes in an event of `block`.
    pub fn apply(&mut self, block: u64, event: &Event) {
        match event {
            Event::TaskMarketplace(event) => self.apply_market(block, event),
            Event::ProofOfWorkVerifier(event) => self.apply_verifier(block, event),
            Event::RewardDistributor(event) => self.apply_rewards(block, event),
            Event::DisputeCourt(event) => self.disputes.apply(block, event),
            Event::AIIGOGovernor(event) => self.proposals.apply(block, event),
            Event::EscrowManager(EscrowManagerEvents::Released(released))
                if released.feeAmount > U256::ZERO && !self.fees.contains(&released.token) =>
            {
                self.fees.insert(block, released.token, self.next_epoch_to_close());
            }
            // A ruling, or replicas.
            Event::EscrowManager(EscrowManagerEvents::PaymentSplit(split)) if self.pays_a_fee(split) => {
                self.fees.insert(block, split.token, self.next_epoch_to_close());
            }
            Event::FeeVault(FeeVaultEvents::FeesCollected(collected)) => self.fees.remove(block, &collected.token),
            Event::NodeRegistry(NodeRegistryEvents::NodeBanned(banned)) => {
                self.banned.insert(block, NodeId(banned.nodeId), ());
            }
            _ => {}
        }
    }

    fn pays_a_fee(&self, split: &PaymentSplit) -> bool {
        let to_vault = |(account, amount): (&Address, &U256)| *account == self.vault && *amount > U256::ZERO;
        split.accounts.iter().zip(&split.amounts).any(to_vault) && !self.fees.contains(&split.token)
    }

    fn apply_market(&mut self, block: u64, event: &TaskMarketplaceEvents) {
        use TaskMarketplaceEvents as E;
        match event {
            // Of several nodes, the nodes themselves take each step.
            E::TaskCreated(e) if e.request.replicas != 1 => {}
            E::TaskCreated(e) => {
                let stage = Stage::Open { accept_by: e.acceptBy.to() };
                self.tasks.insert(block, TaskId(e.taskId), LiveTask { attempts: 0, stage });
            }
            E::TaskAccepted(e) => {
                self.set_stage(
                    block,
                    TaskId(e.taskId),
                    Stage::Running { node: NodeId(e.nodeId), deadline: e.deadline.to() },
                );
            }
            E::ResultSubmitted(e) => {
                self.set_stage(block, TaskId(e.taskId), Stage::Reviewed { review_until: e.reviewUntil.to() });
            }
            E::TaskReopened(e) => {
                let stage = Stage::Open { accept_by: e.acceptBy.to() };
                self.tasks.insert(block, TaskId(e.taskId), LiveTask { attempts: e.attempts, stage });
            }
            E::TaskVerified(e) => self.tasks.remove(block, &TaskId(e.taskId)),
            E::TaskCancelled(e) => self.tasks.remove(block, &TaskId(e.taskId)),
            E::TaskExpired(e) => self.tasks.remove(block, &TaskId(e.taskId)),
            // The court's clock runs now.
            E::TaskDisputed(e) => self.tasks.remove(block, &TaskId(e.taskId)),
            E::MarketParametersChanged(e) => self.grace.insert(block, (), e.parameters.grace.into()),
            _ => {}
        }
    }

    fn apply_verifier(&mut self, block: u64, event: &ProofOfWorkVerifierEvents) {
        use ProofOfWorkVerifierEvents as E;
        match event {
            E::ChallengeIssued(e) => {
                let challenge = OpenChallenge { id: e.challengeId, deadline: e.deadline.to() };
                self.challenges.insert(block, NodeId(e.nodeId), challenge);
            }
            E::ChallengePassed(e) => self.challenges.remove(block, &NodeId(e.nodeId)),
            E::ChallengeMissed(e) => self.challenges.remove(block, &NodeId(e.nodeId)),
            _ => self.rounds.apply(block, event),
        }
    }

    fn apply_rewards(&mut self, block: u64, event: &RewardDistributorEvents) {
        use RewardDistributorEvents as E;
        match event {
            // An epoch's number is the time divided by its length: it fits.
            E::FeeRecorded(e) if e.weight > U256::ZERO => {
                self.unclaimed.insert(block, (e.epoch.saturating_to(), NodeId(e.nodeId)), ());
            }
            E::BaseRewardClaimed(e) => self.unclaimed.remove(block, &(e.epoch.saturating_to(), NodeId(e.nodeId))),
            E::EpochClosed(e) => self.next_epoch.insert(block, (), e.epoch.saturating_to::<u64>().saturating_add(1)),
            _ => {}
        }
    }

    fn set_stage(&mut self, block: u64, id: TaskId, stage: Stage) {
        let attempts = self.tasks.get(&id).map_or(0, |task| task.attempts);
        self.tasks.insert(block, id, LiveTask { attempts, stage });
    }

    /// The chain has reached `block`.
    pub fn reach(&mut self, block: u64) {
        self.head = block;
    }

    /// Undoes everything above `block`.
    pub fn retract(&mut self, block: u64) {
        self.head = block;
        self.tasks.retract(block);
        self.challenges.retract(block);
        self.banned.retract(block);
        self.unclaimed.retract(block);
        self.next_epoch.retract(block);
        self.grace.retract(block);
        self.rounds.retract(block);
        self.proposals.retract(block);
        self.disputes.retract(block);
        self.fees.retract(block);
    }

    /// Forgets how to undo what is final.
    pub fn settle(&mut self, block: u64) {
        self.tasks.settle(block);
        self.challenges.settle(block);
        self.banned.settle(block);
        self.unclaimed.settle(block);
        self.next_epoch.settle(block);
        self.grace.settle(block);
        self.rounds.settle(block);
        self.proposals.settle(block);
        self.disputes.settle(block);
        self.fees.settle(block);
    }
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::TaskMarketplace::{TaskAccepted, TaskReopened, TaskVerified};
    use alloy::primitives::{Address, B256, aliases::U40};

    use super::*;

    const TASK: TaskId = TaskId(B256::repeat_byte(1));

    fn view() -> View {
        View::new(Address::ZERO, Schedule { start: 1_000, length: 60 }, Genesis { opened_at: 1_000 })
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
        view.apply(1, &accepted(1, 100));
        view.apply(2, &reopened(1, 200));
        view.apply(3, &accepted(2, 300));
        let stage = Stage::Running { node: NodeId(2), deadline: 300 };
        assert_eq!(view.tasks().collect::<Vec<_>>(), [(TASK, LiveTask { attempts: 1, stage })]);
    }

    #[test]
    fn a_retracted_payment_makes_the_task_live_again() {
        let mut view = view();
        view.apply(1, &accepted(1, 100));
        view.apply(2, &verified());
        assert_eq!(view.tasks().count(), 0);
        view.retract(1);
        assert_eq!(view.tasks().count(), 1);
    }

    #[test]
    fn epochs_end_one_after_the_other() {
        let schedule = Schedule { start: 1_000, length: 60 };
        assert_eq!(schedule.end_of(0), 1_060);
        assert_eq!(schedule.end_of(9), 1_600);
    }
}
