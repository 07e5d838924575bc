//! Events in few words.

use aiigo_protocol::{
    Event, NodeId,
    NodeRegistry::{NodeRegistered, NodeRegistryEvents},
    ProofOfWorkVerifier::{
        ActivityChanged, AuditMissed, AuditPassed, ExcuseRecorded, ProofOfWorkVerifierEvents, RoundOpened,
    },
    RewardDistributor::{EpochClosed, FeeRecorded, RewardDistributorEvents, ScheduleStarted},
};
use aiigo_rewards::{Bonuses, ClosedEpoch, Ledger};
use alloy::primitives::{Address, B256, U256, aliases::U40};

/// When epoch 0 begins, unix seconds.
pub(crate) const START: u64 = 10_000;
/// Of an epoch, seconds.
pub(crate) const LENGTH: u64 = 1_000;
/// Nodes by this name have ids from 1 on.
pub(crate) const A: u64 = 1;
pub(crate) const B: u64 = 2;
pub(crate) const C: u64 = 3;

/// A budget that cuts nobody's weight.
pub(crate) const AMPLE: u128 = u128::MAX;

/// A deployment's history as it is written.
pub(crate) struct Chronicle {
    ledger: Ledger,
    round: u64,
    total: U256,
}

impl Chronicle {
    pub(crate) fn new() -> Self {
        let mut this = Self { ledger: Ledger::default(), round: 0, total: U256::ZERO };
        this.distributor(RewardDistributorEvents::ScheduleStarted(ScheduleStarted {
            start: U40::from(START),
            epochLength: U40::from(LENGTH),
            duration: U40::from(4),
            total: U256::from(4),
        }));
        this
    }

    pub(crate) fn tell(&mut self, event: Event) -> Option<ClosedEpoch> {
        assert!(Ledger::concerns(&event));
        self.ledger.apply(&event)
    }

    fn distributor(&mut self, event: RewardDistributorEvents) -> Option<ClosedEpoch> {
        self.tell(Event::RewardDistributor(event))
    }

    fn verifier(&mut self, event: ProofOfWorkVerifierEvents) {
        self.tell(Event::ProofOfWorkVerifier(event));
    }

    pub(crate) fn registers(&mut self, node: u64, referrer: u64) {
        self.tell(Event::NodeRegistry(NodeRegistryEvents::NodeRegistered(NodeRegistered {
            nodeId: node,
            owner: Address::ZERO,
            operator: Address::ZERO,
            payout: Address::ZERO,
            resourceType: 0,
            metadataURI: String::new(),
            fee: U256::ZERO,
            referrer,
        })));
    }

    pub(crate) fn earns(&mut self, epoch: u64, node: u64, weight: u128) {
        let weight = U256::from(weight);
        self.total += weight;
        self.distributor(RewardDistributorEvents::FeeRecorded(FeeRecorded {
            epoch: U256::from(epoch),
            nodeId: node,
            token: Address::ZERO,
            fee: U256::from(1),
            weight,
        }));
    }

    /// The epoch all of whose fees came since the last one closed.
    pub(crate) fn closes(&mut self, epoch: u64, budget: u128) -> ClosedEpoch {
        let closed = EpochClosed {
            epoch: U256::from(epoch),
            budget: U256::ZERO,
            providerBudget: U256::from(budget),
            stakerReward: U256::ZERO,
            totalWeight: std::mem::take(&mut self.total),
        };
        self.distributor(RewardDistributorEvents::EpochClosed(closed)).expect("a closed epoch")
    }

    /// Becomes Active, or ceases to be.
    pub(crate) fn turns(&mut self, node: u64, active: bool) {
        let interval = self.round + 1;
        self.verifier(ProofOfWorkVerifierEvents::ActivityChanged(ActivityChanged { nodeId: node, interval, active }));
    }

    /// The next round opens; its last second is `finishes_at`. Returns its number.
    pub(crate) fn opens(&mut self, finishes_at: u64) -> u64 {
        self.round += 1;
        self.verifier(ProofOfWorkVerifierEvents::RoundOpened(RoundOpened {
            round: self.round,
            opener: Address::ZERO,
            preimage: B256::ZERO,
            seed: B256::ZERO,
            openedAt: U40::from(finishes_at - 2),
            deadline: U40::from(finishes_at - 1),
            finishesAt: U40::from(finishes_at),
        }));
        self.round
    }

    pub(crate) fn passes(&mut self, node: u64, round: u64) {
        self.verifier(ProofOfWorkVerifierEvents::AuditPassed(AuditPassed {
            nodeId: node,
            round,
            largestHash: B256::ZERO,
            hashRate: 1,
            power: 1,
            validUntil: U40::ZERO,
        }));
    }

    /// Is reported, or answers too weakly.
    pub(crate) fn misses(&mut self, node: u64, round: u64) {
        let missed = AuditMissed { nodeId: node, round, hashRate: 0, power: 0, missesInRow: 1 };
        self.verifier(ProofOfWorkVerifierEvents::AuditMissed(missed));
    }

    pub(crate) fn is_excused(&mut self, node: u64, round: u64) {
        let excuse = ExcuseRecorded { nodeId: node, round, taskId: B256::ZERO };
        self.verifier(ProofOfWorkVerifierEvents::ExcuseRecorded(excuse));
    }
}

pub(crate) fn bonuses(epoch: &ClosedEpoch, node: u64) -> Bonuses {
    epoch.rewards[&NodeId(node)].bonuses
}

pub(crate) fn base(epoch: &ClosedEpoch, node: u64) -> U256 {
    epoch.rewards[&NodeId(node)].base
}

pub(crate) fn cumulative(epoch: &ClosedEpoch, node: u64) -> Option<U256> {
    epoch.cumulative.get(&NodeId(node)).copied()
}
