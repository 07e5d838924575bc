//! Mutation: the contracts are broken, one small change at a time, and the tests have to notice.

mod compiler;
mod equivalent;
mod folder;
mod holders;
mod mutate;
mod results;
mod targets;
mod tokens;
mod worker;

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use clap::Args;
use comfy_table::{Cell, Table, presets::UTF8_FULL_CONDENSED};

use self::{
    equivalent::Equivalents,
    mutate::{Change, changes},
    results::{Outcome, Results, Verdict},
    targets::sources,
    worker::Worker,
};
use super::Finding;
use crate::{
    project::{Error, root},
    shell::heading,
};

/// Where the two lists lie.
const TESTS: &str = "contracts/test/mutation";
/// The part of the mutants that compile that the tests have to notice, percent.
const KILL_RATE: f64 = 95.0;

#[derive(Args, Clone, Debug)]
pub(crate) struct MutationArgs {
    /// Mutate only sources that end with this (again for more).
    #[arg(long = "files", value_name = "FILE", value_delimiter = ',')]
    files: Vec<String>,
    /// Judge this many mutants, drawn at random; 0: all of them (hours).
    #[arg(long, default_value_t = 100)]
    sample: usize,
    /// Draws the same sample again.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Copies of the contracts that are broken side by side.
    #[arg(long, default_value_t = 2)]
    jobs: usize,
    /// Seconds that a build or a run of the tests may take.
    #[arg(long, default_value_t = 600)]
    limit: u64,
}

/// A change of a source, and who is asked about it.
#[derive(Clone, Debug)]
pub(crate) struct Mutant {
    /// Below `contracts/src`.
    file: String,
    line: usize,
    was: String,
    becomes: String,
    change: Change,
    /// Files or patterns of the tests that are asked first.
    tests: Vec<String>,
}

/// Breaks the contracts and asks the tests.
pub(crate) fn run(args: &MutationArgs, forge: &Path) -> Result<Finding, Error> {
    let all = mutants(&args.files)?;
    let equivalents = Equivalents::read()?;
    if args.files.is_empty() {
        let stale = equivalents.stale(&all);
        if !stale.is_empty() {
            return Err(format!("{TESTS}/equivalent.toml names mutants that are no more: {}", stale.join("; ")).into());
        }
    }
    let chosen = sample(all.clone(), args.sample, args.seed);
    let results = Mutex::new(Results::open()?);
    let path = lock(&results).path().display().to_string();
    let open: Vec<_> = chosen.iter().filter(|mutant| lock(&results).of(mutant).is_none()).cloned().collect();
    eprintln!("  {} of {} mutants, {} judged before ({path})", chosen.len(), all.len(), chosen.len() - open.len());
    judge(&open, args, forge, &results)?;

    let results = results.into_inner().map_err(|_| "a worker panicked")?;
    let outcomes: Vec<_> = chosen.iter().filter_map(|mutant| Some((mutant, results.of(mutant)?))).collect();
    Ok(report(&outcomes, &equivalents))
}

/// Every mutant of the chosen sources.
fn mutants(files: &[String]) -> Result<Vec<Mutant>, Error> {
    let mut all = Vec::new();
    for source in sources(files)? {
        let text = fs::read_to_string(root().join("contracts/src").join(&source.file))?;
        for change in changes(&text) {
            let (was, becomes) = change.shown(&text);
            let line = change.line(&text);
            all.push(Mutant { file: source.file.clone(), line, was, becomes, change, tests: source.tests.clone() });
        }
    }
    Ok(all)
}

/// `count` of them in the order of the text, the same for the same seed; all for zero.
fn sample(mut all: Vec<Mutant>, count: usize, seed: u64) -> Vec<Mutant> {
    if count == 0 || count >= all.len() {
        return all;
    }
    let mut random = seed;
    while all.len() > count {
        let left = all.len() as u64;
        // The remainder's bias is below 2^-48: lists are short.
        let index = usize::try_from(split_mix(&mut random) % left).unwrap_or(0);
        all.remove(index);
    }
    all
}

/// SplitMix64, Steele, Lea and Flood 2014.
fn split_mix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn judge(open: &[Mutant], args: &MutationArgs, forge: &Path, results: &Mutex<Results>) -> Result<(), Error> {
    if open.is_empty() {
        return Ok(());
    }
    let next = AtomicUsize::new(0);
    let failed = Mutex::new(None);
    thread::scope(|scope| {
        for number in 0..args.jobs.clamp(1, open.len()) {
            let (next, failed) = (&next, &failed);
            scope.spawn(move || {
                if let Err(error) = work(number, open, args, forge, results, next) {
                    // The others come to their end, too.
                    next.store(open.len(), Ordering::SeqCst);
                    *lock(failed) = Some(error);
                }
            });
        }
    });
    failed.into_inner().map_err(|_| "a worker panicked")?.map_or(Ok(()), Err)
}

fn work(
    number: usize,
    open: &[Mutant],
    args: &MutationArgs,
    forge: &Path,
    results: &Mutex<Results>,
    next: &AtomicUsize,
) -> Result<(), Error> {
    let mut worker = Worker::new(number, forge, Duration::from_secs(args.limit))?;
    if number == 0 {
        heading("Asking the tests before anything is broken");
        worker.check()?;
    }
    loop {
        let index = next.fetch_add(1, Ordering::SeqCst);
        let Some(mutant) = open.get(index) else { return Ok(()) };
        let started = Instant::now();
        let verdict = worker.judge(mutant)?;
        let seconds = started.elapsed().as_secs_f64();
        let said = match (&verdict.0, &verdict.1) {
            (Verdict::Killed, Some(by)) => format!("killed by {by}"),
            (Verdict::Killed, None) => "killed".into(),
            (Verdict::Survived, _) => "SURVIVED".into(),
            (Verdict::NotCompiling, _) => "not compiling".into(),
        };
        eprintln!(
            "  {}/{} {}:{} {} → {said} ({seconds:.0} s)",
            index + 1,
            open.len(),
            mutant.file,
            mutant.line,
            mutant.becomes
        );
        lock(results).add(mutant, verdict, seconds)?;
    }
}

/// A worker that panicked is reported by its scope; what it held is whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[derive(Default)]
struct Count {
    killed: usize,
    survived: usize,
    explained: usize,
    not_compiling: usize,
}

fn report(outcomes: &[(&Mutant, &Outcome)], equivalents: &Equivalents) -> Finding {
    let mut counts = BTreeMap::<&str, Count>::new();
    let mut survivors = Vec::new();
    for (mutant, outcome) in outcomes {
        let count = counts.entry(&outcome.file).or_default();
        match outcome.verdict {
            Verdict::Killed => count.killed += 1,
            Verdict::NotCompiling => count.not_compiling += 1,
            Verdict::Survived if equivalents.reason(mutant).is_some() => count.explained += 1,
            Verdict::Survived => {
                count.survived += 1;
                survivors
                    .push(format!("{}:{} {}\n    was {}", outcome.file, outcome.line, outcome.becomes, outcome.was));
            }
        }
    }
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED).set_header(["source", "killed", "survived", "equivalent", "not compiling"]);
    let mut sum = Count::default();
    for (file, count) in &counts {
        table.add_row([
            Cell::new(file),
            Cell::new(count.killed),
            Cell::new(count.survived),
            Cell::new(count.explained),
            Cell::new(count.not_compiling),
        ]);
        sum.killed += count.killed;
        sum.survived += count.survived;
        sum.explained += count.explained;
        sum.not_compiling += count.not_compiling;
    }
    eprintln!("{table}");
    for survivor in &survivors {
        eprintln!("  survived: {survivor}");
    }
    let decided = sum.killed + sum.survived;
    #[allow(clippy::cast_precision_loss)] // thousands
    let rate = if decided == 0 { 100.0 } else { sum.killed as f64 * 100.0 / decided as f64 };
    Finding {
        passed: rate >= KILL_RATE,
        numbers: format!(
            "{rate:.1}% of {decided} killed, {} survived, {} equivalent, {} not compiling",
            sum.survived, sum.explained, sum.not_compiling
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_drawn_again_by_its_seed() {
        let all = mutants(&["EscrowManager.sol".into()]).unwrap();
        let lines = |seed| sample(all.clone(), 10, seed).into_iter().map(|mutant| mutant.becomes).collect::<Vec<_>>();
        assert_eq!(lines(7).len(), 10);
        assert_eq!(lines(7), lines(7));
        assert_ne!(lines(7), lines(8));
    }

    #[test]
    fn every_source_of_the_list_exists_and_every_reason_belongs_to_a_mutant() {
        let all = mutants(&[]).unwrap();
        assert!(all.len() > 500);
        assert_eq!(Equivalents::read().unwrap().stale(&all), Vec::<String>::new());
    }

    #[test]
    fn a_file_that_is_not_in_the_list_is_named() {
        let error = mutants(&["Nothing.sol".into()]).unwrap_err().to_string();
        assert!(error.contains("Nothing.sol"), "{error}");
    }
}
