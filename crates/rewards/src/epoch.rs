//! What an epoch pays: rules 8.7 and 8.8 of `docs/protocol.md`.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use aiigo_protocol::{NodeId, units::BPS};
use alloy::primitives::{U256, U512};

use crate::tree::BonusTree;

/// For passing audits, basis points of the base reward.
const AUDITS: u64 = 500;
/// For being among the best tenth, basis points of the base reward.
const PERFORMANCE: u64 = 300;
/// For a referred node that earned something, basis points of the base reward.
const REFERRAL: u64 = 200;
/// One node in so many, rounded up, is among the best.
const BEST_ONE_IN: usize = 10;

/// What a node earned in an epoch, AIIGO wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reward {
    /// Its fees at their rates.
    pub weight: U256,
    /// Its base reward, claimed or not.
    pub base: U256,
    /// What comes on top.
    pub bonuses: Bonuses,
}

/// The bonuses of a node in an epoch, AIIGO wei; each is rounded down on its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bonuses {
    /// 5% for at least 99% of its audit rounds.
    pub audits: U256,
    /// 3% for being among the best tenth by weight.
    pub performance: U256,
    /// 2% for a node it brought that has a weight.
    pub referral: U256,
}

impl Bonuses {
    /// All of them.
    pub fn total(&self) -> U256 {
        self.audits + self.performance + self.referral
    }
}

/// An epoch that is closed, and what it pays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClosedEpoch {
    /// Its number.
    pub number: u64,
    /// The nodes with a recorded weight.
    pub rewards: BTreeMap<NodeId, Reward>,
    /// The bonuses of all epochs up to this one, AIIGO wei; of nodes that have any.
    pub cumulative: BTreeMap<NodeId, U256>,
}

impl ClosedEpoch {
    /// The tree of the cumulative bonuses; `None` if nobody has any, for no tree is empty.
    pub fn tree(&self) -> Option<BonusTree> {
        BonusTree::new(&self.cumulative)
    }
}

/// What an epoch closes with.
pub(crate) struct Closing<'a> {
    /// For base rewards, AIIGO wei.
    pub(crate) budget: U256,
    /// The sum of all weights, AIIGO wei.
    pub(crate) total_weight: U256,
    /// Positive ones, AIIGO wei.
    pub(crate) weights: &'a BTreeMap<NodeId, U256>,
    /// Who passed enough audits.
    pub(crate) diligent: &'a BTreeSet<NodeId>,
    /// Whom each node named as its referrer.
    pub(crate) referrers: &'a BTreeMap<NodeId, NodeId>,
}

impl Closing<'_> {
    pub(crate) fn rewards(&self) -> BTreeMap<NodeId, Reward> {
        let bases: BTreeMap<NodeId, U256> =
            self.weights.iter().map(|(node, weight)| (*node, self.base_reward(*weight))).collect();
        let best = self.best(&bases);
        let referring: BTreeSet<&NodeId> = self.weights.keys().filter_map(|node| self.referrers.get(node)).collect();
        let reward = |(node, weight): (&NodeId, &U256)| {
            let base = bases.get(node).copied().unwrap_or_default();
            let bonus = |earned: bool, bps: u64| if earned { share(base, bps) } else { U256::ZERO };
            let bonuses = Bonuses {
                audits: bonus(self.diligent.contains(node), AUDITS),
                performance: bonus(best.contains(node), PERFORMANCE),
                referral: bonus(referring.contains(node), REFERRAL),
            };
            (*node, Reward { weight: *weight, base, bonuses })
        };
        self.weights.iter().map(reward).collect()
    }

    /// min(weight, budget × weight / total weight), rounded down.
    fn base_reward(&self, weight: U256) -> U256 {
        if self.total_weight.is_zero() {
            return U256::ZERO;
        }
        let part = U512::from(self.budget) * U512::from(weight) / U512::from(self.total_weight);
        part.min(U512::from(weight)).to()
    }

    /// The best tenth, rounded up, of those with a base reward.
    fn best(&self, bases: &BTreeMap<NodeId, U256>) -> BTreeSet<NodeId> {
        let has_base = |node: &NodeId| bases.get(node).is_some_and(|base| !base.is_zero());
        let mut ranked: Vec<(Reverse<U256>, NodeId)> = self
            .weights
            .iter()
            .filter(|(node, _)| has_base(node))
            .map(|(node, weight)| (Reverse(*weight), *node))
            .collect();
        ranked.sort_unstable();
        ranked.truncate(ranked.len().div_ceil(BEST_ONE_IN));
        ranked.into_iter().map(|(_, node)| node).collect()
    }
}

/// Rounded down. `amount` is a part of what is ever minted, so that nothing overflows.
fn share(amount: U256, bps: u64) -> U256 {
    amount * U256::from(bps) / U256::from(BPS)
}
