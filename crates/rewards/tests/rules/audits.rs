//! The bonus for audits.

use alloy::primitives::U256;

use crate::chronicle::{A, AMPLE, B, Chronicle, LENGTH, START, bonuses};

/// First second of an epoch.
fn start_of(epoch: u64) -> u64 {
    START + epoch * LENGTH
}

/// Closes epoch 0, in which the node has a weight.
fn earns_the_bonus(chain: &mut Chronicle, node: u64) -> bool {
    chain.earns(0, node, 1_000);
    let audits = bonuses(&chain.closes(0, AMPLE), node).audits;
    assert!(audits.is_zero() || audits == U256::from(50), "5% or nothing");
    !audits.is_zero()
}

/// A node that is due in so many rounds of epoch 0 and passes so many.
fn with_record(due: u64, passed: u64) -> bool {
    let mut chain = Chronicle::new();
    chain.turns(A, true);
    for round in 0..due {
        let number = chain.opens(START + round);
        if round < passed {
            chain.passes(A, number);
        }
    }
    earns_the_bonus(&mut chain, A)
}

#[test]
fn ninety_nine_percent_exactly_are_enough() {
    assert!(with_record(100, 99));
    assert!(with_record(200, 198));
    assert!(!with_record(99, 98));
    assert!(!with_record(100, 98));
    assert!(with_record(1, 1));
}

#[test]
fn who_was_due_in_no_round_has_no_bonus() {
    assert!(!with_record(0, 0));
}

#[test]
fn a_round_that_nobody_reported_counts_like_one_that_was() {
    for reported in [false, true] {
        let mut chain = Chronicle::new();
        chain.turns(A, true);
        let first = chain.opens(START);
        chain.passes(A, first);
        let second = chain.opens(START + 1);
        if reported {
            chain.misses(A, second);
        }
        assert!(!earns_the_bonus(&mut chain, A));
    }
}

#[test]
fn an_excused_round_is_left_out_unless_it_was_answered() {
    let record = |answer: fn(&mut Chronicle, u64)| {
        let mut chain = Chronicle::new();
        chain.turns(A, true);
        let first = chain.opens(START);
        chain.passes(A, first);
        let second = chain.opens(START + 1);
        chain.is_excused(A, second);
        answer(&mut chain, second);
        earns_the_bonus(&mut chain, A)
    };
    assert!(record(|_, _| {}));
    assert!(record(|chain, round| chain.passes(A, round)));
    assert!(!record(|chain, round| chain.misses(A, round)), "a weak answer voids the excuse");
}

#[test]
fn excuses_alone_are_no_pass() {
    let mut chain = Chronicle::new();
    chain.turns(A, true);
    let round = chain.opens(START);
    chain.is_excused(A, round);
    assert!(!earns_the_bonus(&mut chain, A));
}

#[test]
fn due_is_who_was_active_at_any_time_since_the_round_before() {
    let misses_second = |history: fn(&mut Chronicle)| {
        let mut chain = Chronicle::new();
        chain.turns(A, true);
        let first = chain.opens(START);
        chain.passes(A, first);
        history(&mut chain);
        chain.opens(START + 1);
        !earns_the_bonus(&mut chain, A)
    };
    assert!(misses_second(|_| {}), "it stayed");
    assert!(misses_second(|chain| chain.turns(A, false)), "it left after the round before");
    assert!(misses_second(|chain| {
        chain.turns(A, false);
        chain.opens(START);
        chain.turns(A, true);
    }));
    let two_rounds_later = misses_second(|chain| {
        chain.turns(A, false);
        let second = chain.opens(START);
        chain.passes(A, second);
    });
    assert!(!two_rounds_later, "it was gone for a whole interval");
}

#[test]
fn a_round_is_of_the_epoch_in_which_it_finishes() {
    let mut chain = Chronicle::new();
    chain.turns(A, true);
    let before = chain.opens(START - 1);
    chain.passes(A, before);
    let last = chain.opens(start_of(1) - 1);
    chain.passes(A, last);
    chain.turns(B, true);
    let next = chain.opens(start_of(1));
    chain.passes(B, next);
    for (epoch, good) in [(0, A), (1, B)] {
        for node in [A, B] {
            chain.earns(epoch, node, 1_000);
        }
        let closed = chain.closes(epoch, AMPLE);
        for node in [A, B] {
            assert_eq!(!bonuses(&closed, node).audits.is_zero(), node == good, "node {node} in epoch {epoch}");
        }
    }
}

#[test]
fn what_is_reported_after_the_epoch_closed_changes_nothing() {
    let record = |late_report: bool| {
        let mut chain = Chronicle::new();
        chain.turns(A, true);
        let round = chain.opens(START);
        chain.earns(0, A, 1_000);
        let closed = chain.closes(0, AMPLE);
        if late_report {
            chain.misses(A, round);
        }
        let next = chain.opens(start_of(1));
        chain.passes(A, next);
        chain.earns(1, A, 1_000);
        (closed, chain.closes(1, AMPLE))
    };
    assert_eq!(record(false), record(true));
}
