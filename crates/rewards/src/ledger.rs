//! Events in, closed epochs out.

use std::collections::BTreeMap;

use aiigo_protocol::{
    Event, NodeId,
    NodeRegistry::NodeRegistryEvents,
    RewardDistributor::{EpochClosed, RewardDistributorEvents},
};
use alloy::primitives::U256;

use crate::{
    audits::Audits,
    epoch::{ClosedEpoch, Closing},
};

/// When epochs begin.
#[derive(Clone, Copy, Debug)]
struct Schedule {
    /// Of epoch 0, unix seconds.
    start: u64,
    /// Of an epoch, seconds.
    length: u64,
}

impl Schedule {
    fn start_of(self, epoch: u64) -> u64 {
        self.start.saturating_add(epoch.saturating_mul(self.length))
    }
}

/// What nodes have earned, as far as events were taken in. It needs all of a deployment's, from the first, in their order.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    schedule: Option<Schedule>,
    audits: Audits,
    /// Whom a node named when it registered.
    referrers: BTreeMap<NodeId, NodeId>,
    /// Of epochs that are not closed, AIIGO wei; positive ones.
    weights: BTreeMap<u64, BTreeMap<NodeId, U256>>,
    /// Bonuses of all closed epochs, AIIGO wei; positive ones.
    cumulative: BTreeMap<NodeId, U256>,
}

impl Ledger {
    /// Whether an event matters here: whoever keeps events for later need not keep the others.
    pub fn concerns(event: &Event) -> bool {
        match event {
            Event::RewardDistributor(event) => {
                use RewardDistributorEvents as E;
                matches!(event, E::ScheduleStarted(_) | E::FeeRecorded(_) | E::EpochClosed(_))
            }
            Event::NodeRegistry(event) => matches!(event, NodeRegistryEvents::NodeRegistered(_)),
            Event::ProofOfWorkVerifier(event) => Audits::concern(event),
            _ => false,
        }
    }

    /// Takes in the next event. `Some` if it closed an epoch.
    pub fn apply(&mut self, event: &Event) -> Option<ClosedEpoch> {
        match event {
            Event::RewardDistributor(event) => return self.apply_distributor(event),
            Event::ProofOfWorkVerifier(event) => self.audits.apply(event),
            Event::NodeRegistry(NodeRegistryEvents::NodeRegistered(e)) if e.referrer != 0 => {
                self.referrers.insert(NodeId(e.nodeId), NodeId(e.referrer));
            }
            _ => {}
        }
        None
    }

    fn apply_distributor(&mut self, event: &RewardDistributorEvents) -> Option<ClosedEpoch> {
        use RewardDistributorEvents as E;
        match event {
            E::ScheduleStarted(e) => {
                self.schedule = Some(Schedule { start: e.start.to(), length: e.epochLength.to() });
                None
            }
            E::FeeRecorded(e) => {
                if !e.weight.is_zero() {
                    // An epoch's number is a time divided by its length: it fits.
                    let weights = self.weights.entry(e.epoch.saturating_to()).or_default();
                    *weights.entry(NodeId(e.nodeId)).or_default() += e.weight;
                }
                None
            }
            E::EpochClosed(e) => Some(self.close(e)),
            _ => None,
        }
    }

    fn close(&mut self, closed: &EpochClosed) -> ClosedEpoch {
        let number: u64 = closed.epoch.saturating_to();
        let diligent = self
            .schedule
            .map(|schedule| self.audits.close(schedule.start_of(number), schedule.start_of(number.saturating_add(1))))
            .unwrap_or_default();
        let weights = self.weights.remove(&number).unwrap_or_default();
        let closing = Closing {
            budget: closed.providerBudget,
            total_weight: closed.totalWeight,
            weights: &weights,
            diligent: &diligent,
            referrers: &self.referrers,
        };
        let rewards = closing.rewards();
        for (node, reward) in &rewards {
            let bonus = reward.bonuses.total();
            if !bonus.is_zero() {
                *self.cumulative.entry(*node).or_default() += bonus;
            }
        }
        ClosedEpoch { number, rewards, cumulative: self.cumulative.clone() }
    }
}
