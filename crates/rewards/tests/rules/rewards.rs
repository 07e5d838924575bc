//! Base rewards, the best tenth, referrals, and their sums.

use alloy::primitives::U256;

use crate::chronicle::{A, AMPLE, B, C, Chronicle, base, bonuses, cumulative};

fn wei(amount: u128) -> U256 {
    U256::from(amount)
}

#[test]
fn a_base_reward_is_the_weight_unless_the_budget_is_too_small() {
    let mut chain = Chronicle::new();
    chain.earns(0, A, 60);
    chain.earns(0, B, 30);
    chain.earns(0, A, 10);
    let ample = chain.closes(0, 100);
    assert_eq!((base(&ample, A), base(&ample, B)), (wei(70), wei(30)));

    chain.earns(1, A, 70);
    chain.earns(1, B, 30);
    // 70 × 33 / 100 and 30 × 33 / 100, rounded down.
    let scarce = chain.closes(1, 33);
    assert_eq!((base(&scarce, A), base(&scarce, B)), (wei(23), wei(9)));
}

#[test]
fn a_product_beyond_256_bits_is_no_trouble() {
    let mut chain = Chronicle::new();
    // Many fees of the greatest weight: more than 2^128 in all.
    for _ in 0..8 {
        chain.earns(0, A, u128::MAX);
    }
    let epoch = chain.closes(0, u128::MAX);
    assert_eq!(base(&epoch, A), wei(u128::MAX));
}

#[test]
fn the_best_tenth_is_rounded_up() {
    for (nodes, best) in [(1, 1), (10, 1), (11, 2), (20, 2), (21, 3)] {
        let mut chain = Chronicle::new();
        for node in 1..=nodes {
            chain.earns(0, node, 1_000 + u128::from(node));
        }
        let epoch = chain.closes(0, AMPLE);
        for node in 1..=nodes {
            let is_best = node > nodes - best;
            assert_eq!(!bonuses(&epoch, node).performance.is_zero(), is_best, "node {node} of {nodes}");
        }
    }
}

#[test]
fn of_equals_the_lower_id_is_better() {
    let mut chain = Chronicle::new();
    for node in (1..=10).rev() {
        chain.earns(0, node, 1_000);
    }
    let epoch = chain.closes(0, AMPLE);
    let best: Vec<u64> = (1..=10).filter(|node| !bonuses(&epoch, *node).performance.is_zero()).collect();
    assert_eq!(best, [1]);
}

#[test]
fn who_has_no_base_reward_is_not_counted_among_the_best() {
    let mut chain = Chronicle::new();
    // Ten nodes whose part of the budget is nothing, and one that gets all of it.
    for node in 2..=11 {
        chain.earns(0, node, 1);
    }
    chain.earns(0, A, 100_000);
    let epoch = chain.closes(0, 1_000);
    assert_eq!((base(&epoch, A), base(&epoch, B)), (wei(999), wei(0)));
    assert_eq!((bonuses(&epoch, A).performance, cumulative(&epoch, B)), (wei(29), None));
}

#[test]
fn rank_goes_by_weight_also_where_base_rewards_are_rounded_alike() {
    let mut chain = Chronicle::new();
    chain.earns(0, A, 1_000);
    chain.earns(0, B, 1_001);
    let epoch = chain.closes(0, 100);
    assert_eq!((base(&epoch, A), base(&epoch, B)), (wei(49), wei(50)));
    assert!(bonuses(&epoch, A).performance.is_zero());
    assert_eq!(bonuses(&epoch, B).performance, wei(1));
}

#[test]
fn a_referral_pays_in_the_epochs_in_which_the_referred_node_has_a_weight() {
    let mut chain = Chronicle::new();
    chain.registers(A, 0);
    chain.registers(B, A);
    chain.registers(C, A);
    chain.earns(0, A, 1_000);
    let alone = chain.closes(0, AMPLE);
    assert_eq!(bonuses(&alone, A).referral, wei(0), "what it brought has earned nothing yet");

    chain.earns(1, A, 1_000);
    chain.earns(1, B, 1);
    chain.earns(1, C, 1);
    let together = chain.closes(1, AMPLE);
    assert_eq!(bonuses(&together, A).referral, wei(20), "once, however many it brought");
    assert_eq!(bonuses(&together, B).referral, wei(0));

    chain.earns(2, B, 1_000);
    let without = chain.closes(2, AMPLE);
    assert!(!without.rewards.contains_key(&aiigo_protocol::NodeId(A)), "two percent of nothing");
}

#[test]
fn a_fee_without_a_rate_is_no_weight() {
    let mut chain = Chronicle::new();
    chain.registers(B, A);
    chain.earns(0, A, 1_000);
    chain.earns(0, B, 0);
    let epoch = chain.closes(0, AMPLE);
    assert_eq!((epoch.rewards.len(), bonuses(&epoch, A).referral), (1, wei(0)));
}

#[test]
fn each_bonus_is_rounded_down_on_its_own() {
    let mut chain = Chronicle::new();
    chain.registers(B, A);
    chain.turns(A, true);
    let round = chain.opens(crate::chronicle::START);
    chain.passes(A, round);
    chain.earns(0, A, 199);
    chain.earns(0, B, 1);
    let epoch = chain.closes(0, AMPLE);
    let earned = bonuses(&epoch, A);
    // 9.95, 5.97 and 3.98: together 19.9, but 9 + 5 + 3.
    assert_eq!((earned.audits, earned.performance, earned.referral), (wei(9), wei(5), wei(3)));
    assert_eq!((earned.total(), cumulative(&epoch, A)), (wei(17), Some(wei(17))));
}

#[test]
fn bonuses_add_up_over_epochs_and_stay_where_nothing_is_added() {
    let mut chain = Chronicle::new();
    assert!(chain.closes(0, AMPLE).tree().is_none(), "nobody has earned anything");
    chain.earns(1, A, 1_000);
    let first = chain.closes(1, AMPLE);
    chain.earns(2, A, 2_000);
    let second = chain.closes(2, AMPLE);
    let third = chain.closes(3, AMPLE);
    assert_eq!([&first, &second, &third].map(|epoch| cumulative(epoch, A)), [30, 90, 90].map(|sum| Some(wei(sum))));
    let root = |epoch: &aiigo_rewards::ClosedEpoch| epoch.tree().expect("a tree").root();
    assert_ne!(root(&first), root(&second));
    assert_eq!(root(&second), root(&third));
}

#[test]
fn a_fee_of_the_next_epoch_does_not_count_in_one_that_closes_late() {
    let mut chain = Chronicle::new();
    chain.earns(0, A, 1_000);
    let mut late = Chronicle::new();
    late.earns(0, A, 1_000);
    let in_time = chain.closes(0, AMPLE);
    // The contract's total is of epoch 0 alone: the budget is ample, so that it does not matter here.
    late.earns(1, B, 5_000);
    assert_eq!(late.closes(0, AMPLE), in_time);
}
