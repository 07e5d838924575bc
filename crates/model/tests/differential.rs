//! The deployed bytecode does what the money model does, whatever is called in whatever order.
//!
//! `PROPTEST_CASES` sets how many sequences are tried. A sequence that differed is tried first from then on: its seed is in
//! `tests/differential.seeds`.

#![allow(clippy::expect_used)] // a test fails by panicking

use std::cell::RefCell;

use aiigo_model::{Call, EVENTS, Pair, Prepared, Tally, steps};
use proptest::{
    collection::vec,
    test_runner::{Config, FileFailurePersistence, TestCaseError, TestError, TestRunner},
};

/// What every change is worth: about 80,000 calls.
const SEQUENCES: u32 = 1_400;
/// The longest sequence.
const STEPS: usize = 120;

fn config() -> Config {
    let chosen = std::env::var_os("PROPTEST_CASES").is_some();
    let default = Config::default();
    Config {
        cases: if chosen { default.cases } else { SEQUENCES },
        // Calls shrink better than the steps that they are made from: the difference says the shortest.
        max_shrink_iters: 0,
        failure_persistence: Some(Box::new(FileFailurePersistence::Direct("tests/differential.seeds"))),
        source_file: Some(file!()),
        ..default
    }
}

#[test]
fn the_chain_does_what_the_model_does() {
    let prepared = Prepared::new().expect("the suite deploys and nodes prove themselves");
    let tally = RefCell::new(Tally::default());
    let outcome = TestRunner::new(config()).run(&vec(steps(), 1..=STEPS), |sequence| {
        let mut pair = Pair::new(&prepared);
        for step in &sequence {
            if let Err(difference) = pair.step(step) {
                return Err(TestCaseError::fail(pair.shortest().unwrap_or(difference).to_string()));
            }
        }
        pair.count(&mut tally.borrow_mut());
        Ok(())
    });
    let Tally { calls, done, done_of, reached } = tally.into_inner();
    match outcome {
        Ok(()) => {}
        // The calls say more than the steps that they were made from.
        Err(TestError::Fail(difference, _)) => panic!("{difference}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
    println!("{calls} calls, {done} of them done");
    println!("reached: {reached:?}");
    if config().cases < SEQUENCES {
        return;
    }
    let never: Vec<_> = Call::NAMES.iter().filter(|name| !done_of.contains_key(*name)).collect();
    assert!(never.is_empty(), "a call that is never done shows nothing: {never:?}; {done_of:?}");
    let missing: Vec<_> = EVENTS.iter().filter(|event| !reached.contains_key(*event)).collect();
    assert!(missing.is_empty(), "never reached: {missing:?}; {reached:?}");
    assert!(done * 2 > calls, "more than half of the calls were refused: {done} of {calls} done");
}
