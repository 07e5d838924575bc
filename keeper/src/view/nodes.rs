//! Nodes: who fails too often, who is under review, and who works without the verifier knowing.

use aiigo_protocol::{INodeRegistry::Parameters, NodeId, NodeRegistry::NodeRegistryEvents};
use alloy::primitives::U256;

use super::journal::{Journaled, undo_by_parts};

/// Shares are of so many basis points.
const BPS: u64 = 10_000;

/// Why reputation changed: `Cause` of the registry, whose order never changes.
mod cause {
    pub(super) const TASK_VERIFIED: u8 = 0;
    pub(super) const TASK_TIMED_OUT: u8 = 1;
    pub(super) const TASK_ABANDONED: u8 = 2;
    pub(super) const DISPUTE_LOST: u8 = 6;
    pub(super) const DISPUTE_WON: u8 = 7;
}

/// What a node's status follows from.
#[derive(Clone, Copy, Debug, Default)]
struct Node {
    verified: bool,
    online: bool,
    banned: bool,
    /// AIIGO wei.
    stake: U256,
    /// Last second of its review, unix; 0: there was none.
    review_until: u64,
    /// Tasks that counted since the last review.
    counted: u64,
    /// Of them failed.
    failed: u64,
}

/// Nodes by id.
#[derive(Debug, Default)]
pub(super) struct Nodes {
    rules: Journaled<(), Parameters>,
    nodes: Journaled<NodeId, Node>,
}

undo_by_parts!(Nodes: rules, nodes);

impl Nodes {
    pub(super) fn is_banned(&self, node: NodeId) -> bool {
        self.nodes.get(&node).is_some_and(|node| node.banned)
    }

    /// Nodes that anyone may put under review.
    pub(super) fn failing(&self, now: u64) -> impl Iterator<Item = NodeId> {
        let rules = self.rules.get(&()).map(|rules| (rules.reviewMinTasks.into(), rules.reviewFailureBps.into()));
        let fails = move |node: &Node| {
            let (least, bps): (u64, u64) = rules?;
            let too_often = node.counted >= least && node.failed * BPS > node.counted * bps;
            (too_often && !node.banned && now > node.review_until).then_some(())
        };
        self.nodes.iter().filter(move |(_, node)| fails(node).is_some()).map(|(id, _)| *id)
    }

    /// Nodes that are Active.
    pub(super) fn active(&self, now: u64) -> impl Iterator<Item = NodeId> {
        let least = self.rules.get(&()).map(|rules| U256::from(rules.minStake));
        let is_active = move |node: &Node| {
            let stands = node.verified && node.online && !node.banned && now > node.review_until;
            stands && least.is_some_and(|least| node.stake >= least)
        };
        self.nodes.iter().filter(move |(_, node)| is_active(node)).map(|(id, _)| *id)
    }

    pub(super) fn apply(&mut self, block: u64, event: &NodeRegistryEvents) {
        use NodeRegistryEvents as E;
        match event {
            E::RegistryParametersChanged(e) => self.rules.insert(block, (), e.parameters.clone()),
            E::NodeVerified(e) => self.change(block, e.nodeId, |node| node.verified = true),
            E::OnlineChanged(e) => self.change(block, e.nodeId, |node| node.online = e.online),
            E::NodeBanned(e) => self.change(block, e.nodeId, |node| node.banned = true),
            E::StakeAdded(e) => self.change(block, e.nodeId, |node| node.stake = e.stake),
            E::UnbondingStarted(e) => self.change(block, e.nodeId, |node| node.stake = e.stake),
            E::StakeSlashed(e) => self.change(block, e.nodeId, |node| node.stake = e.stake),
            E::CaseFeeTaken(e) => self.change(block, e.nodeId, |node| node.stake = e.stake),
            E::CaseFeeReturned(e) => self.change(block, e.nodeId, |node| node.stake = e.stake),
            E::ReputationChanged(e) => match e.cause {
                cause::TASK_VERIFIED | cause::DISPUTE_WON => self.change(block, e.nodeId, |node| node.counted += 1),
                cause::TASK_TIMED_OUT | cause::TASK_ABANDONED | cause::DISPUTE_LOST => {
                    self.change(block, e.nodeId, |node| {
                        node.counted += 1;
                        node.failed += 1;
                    });
                }
                _ => {}
            },
            E::ReviewStarted(e) => self.review(block, e.nodeId, e.until.to()),
            E::ReviewEnded(e) => self.review(block, e.nodeId, 0),
            _ => {}
        }
    }

    /// With a review, and with governance's end of one, counting begins anew.
    fn review(&mut self, block: u64, id: u64, until: u64) {
        self.change(block, id, |node| *node = Node { review_until: until, counted: 0, failed: 0, ..*node });
    }

    fn change(&mut self, block: u64, id: u64, change: impl FnOnce(&mut Node)) {
        let mut node = self.nodes.get(&NodeId(id)).copied().unwrap_or_default();
        change(&mut node);
        self.nodes.insert(block, NodeId(id), node);
    }
}
