//! Rankings are fair, stable and explained.

use proptest::prelude::*;

use super::*;
use crate::{Term, WeightsError};

fn task() -> Requirements {
    Requirements {
        resource_type: 1,
        milli_tflops: 100,
        trust: 1,
        max_price_per_hour: 1000,
        buyer: Some("0xb".into()),
        regions: Vec::new(),
        min_uptime_bps: None,
        excluded: Vec::new(),
    }
}

fn node(node_id: u64) -> Candidate {
    Candidate {
        node_id,
        owner: "0xa".into(),
        active: true,
        resource_type: 1,
        free_milli_tflops: 200,
        free_slots: 1,
        trust: 1,
        reputation: 5000,
        price_per_hour: Some(500),
        latency_millis: Some(100),
        uptime_bps: Some(9000),
        region: Some("eu-west".into()),
    }
}

/// A ranking with everything that is to be said about it.
struct Explained {
    ranked: Vec<Ranked>,
    refused: Vec<Refused>,
}

fn rank(wanted: &Requirements, candidates: &[Candidate], weights: &Weights) -> Explained {
    let Ranking { eligible, refused } = super::rank(wanted, candidates, weights);
    Explained {
        ranked: eligible.into_iter().map(|index| Ranked::of(wanted, candidates, index, weights)).collect(),
        refused: refused.into_iter().map(|index| Refused::of(wanted, candidates, index)).collect(),
    }
}

fn score_of(candidate: &Candidate, weights: &Weights) -> f64 {
    rank(&task(), std::slice::from_ref(candidate), weights).ranked[0].score
}

#[test]
fn a_score_is_the_weighted_sum_of_its_terms() {
    let ranked = &rank(&task(), &[node(1)], &Weights::default()).ranked[0];
    let values: Vec<f64> = ranked.terms.iter().map(|term| term.value).collect();
    assert_eq!(values, [0.5, 0.5, 0.5, 0.9, 0.5]);
    assert!((ranked.score - 0.56).abs() < 1e-12, "{}", ranked.score);
}

#[test]
fn every_reason_against_a_candidate_is_given() {
    let wanted =
        Requirements { regions: vec!["us-east".into()], min_uptime_bps: Some(9900), excluded: vec![1], ..task() };
    let unfit = Candidate {
        owner: "0xb".into(),
        active: false,
        resource_type: 0,
        free_milli_tflops: 99,
        free_slots: 0,
        trust: 0,
        price_per_hour: Some(1001),
        ..node(1)
    };
    let ranking = rank(&wanted, &[unfit], &Weights::default());
    assert!(ranking.ranked.is_empty());
    let reasons: Vec<String> = ranking.refused[0].reasons.iter().map(Refusal::to_string).collect();
    assert_eq!(
        reasons,
        [
            "it is not active",
            "it is of resource type 0, not 1",
            "it has 99 milli-TFLOPS free, the task asks for 100",
            "its stake backs no further task",
            "its trust level is 0, the task asks for 1",
            "it asks for 1001 an hour, the task pays 1000",
            "it is in eu-west, which is not acceptable",
            "its uptime is 9000 bps, the task asks for 9900",
            "it failed this task before",
            "it belongs to the buyer",
        ]
    );
}

#[test]
fn what_is_just_enough_is_enough() {
    let candidate = Candidate { free_milli_tflops: 100, price_per_hour: Some(1000), ..node(1) };
    assert_eq!(rank(&task(), &[candidate], &Weights::default()).ranked.len(), 1);
}

#[test]
fn an_assurance_needs_evidence_but_a_ranking_does_not() {
    let unknown = Candidate { uptime_bps: None, region: None, latency_millis: None, price_per_hour: None, ..node(1) };
    assert_eq!(rank(&task(), std::slice::from_ref(&unknown), &Weights::default()).ranked.len(), 1);
    let assured = Requirements { min_uptime_bps: Some(1), regions: vec!["eu-west".into()], ..task() };
    assert_eq!(rank(&assured, &[unknown], &Weights::default()).refused[0].reasons.len(), 2);
}

#[test]
fn among_equals_the_smaller_id_comes_first() {
    let ranking = rank(&task(), &[node(3), node(1), node(2)], &Weights::default());
    let ids: Vec<u64> = ranking.ranked.iter().map(|ranked| ranked.node_id).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert_eq!(ranking.ranked[0].candidate, 1);
}

#[test]
fn a_single_weight_ranks_by_its_term_alone() {
    let zero = Weights { price: 0.0, reputation: 0.0, latency: 0.0, uptime: 0.0, power: 0.0 };
    let cheap = Candidate { price_per_hour: Some(1), reputation: 0, ..node(1) };
    let known = Candidate { price_per_hour: Some(999), reputation: 10_000, ..node(2) };
    let first = |weights| rank(&task(), &[cheap.clone(), known.clone()], &weights).ranked[0].node_id;
    assert_eq!(first(Weights { price: 7.0, ..zero }), 1);
    assert_eq!(first(Weights { reputation: 0.1, ..zero }), 2);
}

#[test]
fn useless_weights_are_named() {
    let weights = Weights { latency: -1.0, ..Weights::default() };
    let error = weights.check().unwrap_err();
    assert_eq!(error, WeightsError::Invalid { term: Term::Latency, weight: -1.0 });
    assert!(error.to_string().starts_with("the weight of latency is -1"));
    assert!(Weights { price: f64::NAN, ..Weights::default() }.check().is_err());
    let zero = Weights { price: 0.0, reputation: 0.0, latency: 0.0, uptime: 0.0, power: 0.0 };
    assert_eq!(zero.check(), Err(WeightsError::AllZero));
    assert_eq!(zero.normalised(), Weights::default().normalised());
}

prop_compose! {
    fn candidates()(
        node_id in 1..50_u64,
        free_milli_tflops in prop_oneof![0..1000_u64, Just(u64::MAX)],
        trust in 0..5_u8,
        reputation in 0..=10_000_u16,
        price_per_hour in proptest::option::of(prop_oneof![0..2000_u128, Just(u128::MAX)]),
        latency_millis in proptest::option::of(any::<u32>()),
        uptime_bps in proptest::option::of(0..=10_000_u16),
        free_slots in 0..3_u64,
    ) -> Candidate {
        Candidate { free_milli_tflops, trust, reputation, price_per_hour, latency_millis, uptime_bps, free_slots, ..node(node_id) }
    }
}

prop_compose! {
    fn weights()(w in prop::array::uniform5(0.0..100.0_f64)) -> Weights {
        Weights { price: w[0], reputation: w[1], latency: w[2], uptime: w[3], power: w[4] }
    }
}

proptest! {
    #[test]
    fn scores_and_terms_stay_between_0_and_1_and_everybody_is_accounted_for(
        candidates in prop::collection::vec(candidates(), 0..20), weights in weights(), budget in prop_oneof![0..2000_u128, Just(u128::MAX)],
    ) {
        let wanted = Requirements { max_price_per_hour: budget, ..task() };
        let ranking = rank(&wanted, &candidates, &weights);
        prop_assert_eq!(ranking.ranked.len() + ranking.refused.len(), candidates.len());
        for ranked in &ranking.ranked {
            prop_assert!((0.0..=1.0).contains(&ranked.score));
            prop_assert!(ranked.terms.iter().all(|term| (0.0..=1.0).contains(&term.value)));
            let sum: f64 = ranked.terms.iter().map(|term| term.weight).sum();
            prop_assert!((sum - 1.0).abs() < 1e-9);
        }
        prop_assert!(ranking.ranked.is_sorted_by(|a, b| a.score >= b.score));
        prop_assert!(ranking.refused.iter().all(|refused| !refused.reasons.is_empty()));
    }

    #[test]
    fn the_order_of_the_candidates_does_not_matter(
        mut candidates in prop::collection::vec(candidates(), 0..20), weights in weights(), turn in 0..20_usize,
    ) {
        candidates.sort_by_key(|candidate| candidate.node_id);
        candidates.dedup_by_key(|candidate| candidate.node_id);
        let ids = |candidates: &[Candidate]| -> Vec<u64> {
            rank(&task(), candidates, &weights).ranked.iter().map(|ranked| ranked.node_id).collect()
        };
        let before = ids(&candidates);
        let middle = turn.min(candidates.len());
        candidates.rotate_left(middle);
        prop_assert_eq!(ids(&candidates), before);
    }

    #[test]
    fn being_better_in_one_thing_never_lowers_the_score(
        weights in weights(), price in 0..1000_u128, reputation in 0..10_000_u16, latency in 0..10_000_u32,
        uptime in 0..10_000_u16, power in 100..100_000_u64,
    ) {
        let base = Candidate {
            price_per_hour: Some(price + 1), reputation, latency_millis: Some(latency + 1),
            uptime_bps: Some(uptime), free_milli_tflops: power, ..node(1)
        };
        let score = score_of(&base, &weights);
        for better in [
            Candidate { price_per_hour: Some(price), ..base.clone() },
            Candidate { reputation: reputation + 1, ..base.clone() },
            Candidate { latency_millis: Some(latency), ..base.clone() },
            Candidate { uptime_bps: Some(uptime + 1), ..base.clone() },
            Candidate { free_milli_tflops: power + 1, ..base.clone() },
        ] {
            prop_assert!(score_of(&better, &weights) >= score - 1e-12, "{better:?}");
        }
    }

    #[test]
    fn only_the_proportions_of_weights_matter(candidate in candidates(), weights in weights(), factor in 0.01..100.0_f64) {
        let scaled = Weights {
            price: weights.price * factor, reputation: weights.reputation * factor, latency: weights.latency * factor,
            uptime: weights.uptime * factor, power: weights.power * factor,
        };
        let (a, b) = (rank(&task(), std::slice::from_ref(&candidate), &weights), rank(&task(), std::slice::from_ref(&candidate), &scaled));
        prop_assert_eq!(a.ranked.len(), b.ranked.len());
        for (a, b) in a.ranked.iter().zip(&b.ranked) {
            prop_assert!((a.score - b.score).abs() < 1e-9);
        }
    }
}
