//! Calls a second: each is made on the model and on the chain, and every balance is compared after it.
//!
//! `cargo xtask bench model` runs it in the mode that the tests run in.

#![allow(clippy::print_stdout, clippy::expect_used)] // its result is what it prints

use std::time::{Duration, Instant};

use aiigo_model::{Pair, Prepared, Tally, steps};
use proptest::{
    collection::vec,
    strategy::{Strategy, ValueTree},
    test_runner::TestRunner,
};

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| arguments.iter().skip_while(|argument| *argument != flag).nth(1);
    let seconds = after("--seconds").map_or(10, |text| text.parse().expect("--seconds takes a whole number"));
    let started = Instant::now();
    let prepared = Prepared::new().expect("the suite deploys and nodes prove themselves");
    eprintln!("prepared in {:.1} s", started.elapsed().as_secs_f64());
    let mut runner = TestRunner::deterministic();
    let strategy = vec(steps(), 80);
    let (mut tally, mut sequences) = (Tally::default(), 0);
    let mut generating = Duration::ZERO;
    let worked = processor_time();
    let started = Instant::now();
    while started.elapsed() < Duration::from_secs(seconds) {
        let begun = Instant::now();
        let sequence = strategy.new_tree(&mut runner).expect("a sequence").current();
        generating += begun.elapsed();
        let mut pair = Pair::new(&prepared);
        for step in &sequence {
            if let Err(difference) = pair.step(step) {
                panic!("{difference}");
            }
        }
        pair.count(&mut tally);
        sequences += 1;
    }
    let Tally { calls, done, .. } = tally;
    let elapsed = started.elapsed().as_secs_f64();
    let rate = calls as f64 / elapsed;
    let processor = processor_time().zip(worked).map(|(now, then)| (now - then).as_secs_f64());
    let rate_of_processor = processor.map(|seconds| (calls as f64 / seconds).round());
    if arguments.iter().any(|argument| argument == "--json") {
        let result = serde_json::json!({
            "bench": "model",
            "callsPerSecond": rate.round(),
            // What a machine with nothing else to do gets to.
            "callsPerProcessorSecond": rate_of_processor,
            "calls": calls,
            "done": done,
            "sequences": sequences,
            "seconds": elapsed,
            "secondsGenerating": generating.as_secs_f64(),
        });
        println!("{result}");
    } else {
        println!(
            "{rate:.0} calls a second: {calls} calls ({done} done, the others refused by both), {sequences} sequences"
        );
        if let Some(rate) = rate_of_processor {
            println!("{rate} calls in a second of processor time");
        }
    }
}

/// What this thread has had of a processor so far, where the system says so (Linux).
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
