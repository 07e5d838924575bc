//! Whatever happens, bonuses are at most a tenth of base rewards.

use std::collections::BTreeMap;

use aiigo_protocol::NodeId;
use alloy::primitives::U256;
use proptest::prelude::*;

use crate::chronicle::{Chronicle, LENGTH, START};

const NODES: u64 = 12;

/// What a node does in an epoch: the weights it earns, and whether it passes the round.
type Deeds = (Option<u128>, bool);

fn epochs() -> impl Strategy<Value = Vec<(Vec<Deeds>, u128)>> {
    let weight = prop_oneof![0..50_u128, any::<u128>()];
    let deeds = prop::collection::vec((prop::option::of(weight), any::<bool>()), NODES as usize);
    let budget = prop_oneof![0..2_000_u128, any::<u128>()];
    prop::collection::vec((deeds, budget), 1..6)
}

proptest! {
    #[test]
    fn the_bonuses_of_a_node_never_exceed_a_tenth_of_its_base_rewards(
        referrers in prop::collection::vec(0..=NODES, NODES as usize),
        epochs in epochs(),
    ) {
        let mut chain = Chronicle::new();
        for (node, referrer) in (1..).zip(referrers) {
            // Later nodes name earlier ones.
            chain.registers(node, if referrer < node { referrer } else { 0 });
            chain.turns(node, true);
        }
        let mut bases: BTreeMap<NodeId, U256> = BTreeMap::new();
        for (number, (deeds, budget)) in (0..).zip(epochs) {
            let round = chain.opens(START + number * LENGTH);
            for (node, (weight, passes)) in (1..).zip(deeds) {
                if passes {
                    chain.passes(node, round);
                }
                if let Some(weight) = weight {
                    chain.earns(number, node, weight);
                }
            }
            let closed = chain.closes(number, budget);
            let paid = closed.rewards.values().map(|reward| reward.base).sum::<U256>();
            prop_assert!(paid <= U256::from(budget));
            for (node, reward) in &closed.rewards {
                prop_assert!(reward.base <= reward.weight);
                *bases.entry(*node).or_default() += reward.base;
            }
            for (node, bonus) in &closed.cumulative {
                prop_assert!(!bonus.is_zero() && *bonus <= bases[node] / U256::from(10));
            }
        }
    }
}
