//! An agent is killed at each transition that it writes down: just before, when all that led there has been done, and just
//! after, when nothing has been done yet of what follows. However it is killed, it goes on where it was: nothing is sent
//! twice, nothing that ended is run again, and no result is lost.

mod alone;
mod seat;
mod trap;

use std::collections::BTreeSet;

/// Some seconds of work: an agent can be killed in the middle of it.
const LONG: u64 = 4_000_000_000;

/// What keeps an agent where it has just written down a stage.
#[derive(Clone, Copy, Debug)]
enum Hold {
    /// The outbox can't take the transaction of this key, the first thing that follows.
    Sending(&'static str),
    /// The buyer's gateway takes nothing.
    Delivery,
    /// Its program runs: it is killed in the middle of that.
    Program,
    /// It stays there by itself: others have the word.
    Itself,
}

/// The course of a task of one node.
const ALONE: [(&str, Hold); 7] = [
    ("Committing", Hold::Sending("commit")),
    ("Accepting", Hold::Sending("accept")),
    ("Executing", Hold::Program),
    ("Delivering", Hold::Delivery),
    ("Submitting", Hold::Sending("result")),
    ("Reviewing", Hold::Itself),
    ("Settled", Hold::Itself),
];

/// The course of a seat in a task of several.
const SEAT: [(&str, Hold); 9] = [
    ("Applying", Hold::Sending("apply")),
    ("Applied", Hold::Itself),
    ("Executing", Hold::Program),
    ("Sealing", Hold::Sending("seal")),
    ("Sealed", Hold::Itself),
    ("Delivering", Hold::Delivery),
    ("Revealing", Hold::Sending("reveal")),
    ("Revealed", Hold::Itself),
    ("Settled", Hold::Itself),
];

/// Ends that nobody hoped for.
const BAD_ENDS: [&str; 3] = ["Lost", "Abandoned", "Failed"];

#[test]
fn there_is_a_kill_at_every_stage() {
    let source = include_str!("../../src/store/work.rs");
    let (_, stages) = source.split_once("\nstages! {\n").expect("the list of stages");
    let (stages, _) = stages.split_once("\n}\n").expect("its end");
    let names = stages.lines().filter_map(|line| line.trim().strip_suffix(','));
    let stages: BTreeSet<&str> = names.filter(|name| name.chars().all(char::is_alphanumeric)).collect();
    let killed: BTreeSet<&str> = ALONE.iter().chain(&SEAT).map(|(name, _)| *name).chain(BAD_ENDS).collect();
    assert!(stages.len() >= 16, "{stages:?}");
    assert_eq!(killed, stages, "a stage without its kills, or kills without a stage");
}
