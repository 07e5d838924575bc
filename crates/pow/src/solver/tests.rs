//! The solver finds what a brute search finds, in time, whatever its devices do.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use alloy_primitives::hex;

use super::*;
use crate::{DeviceError, Hits, Job, estimate_hash_rate, hash};

const SEED: B256 = B256::repeat_byte(0x5e);
/// Long enough for a lot of hashes, short enough for many tests.
const WINDOW: Duration = Duration::from_millis(100);

fn solver(threads: usize) -> Solver {
    Solver::new(NonZeroUsize::new(threads).unwrap())
}

fn solve(solver: &Solver) -> Result<Solution, PowError> {
    solver.solve(SEED, Instant::now() + WINDOW, &AtomicBool::new(false))
}

/// The 64 smallest of these nonces by a plain sort, increasing, and the largest of their hashes.
fn brute(nonces: impl Iterator<Item = u64>) -> (Vec<u64>, U256) {
    let mut all: Vec<(B256, u64)> = nonces.map(|nonce| (hash(SEED, nonce), nonce)).collect();
    all.sort();
    let mut kept: Vec<u64> = all[..NONCES].iter().map(|(_, nonce)| *nonce).collect();
    kept.sort_unstable();
    (kept, U256::from_be_bytes(all[NONCES - 1].0.0))
}

/// Does what a closure says before and after an honest search by the reference.
struct Fake<F> {
    name: &'static str,
    act: F,
}

impl<F> Device for Fake<F>
where
    F: FnMut(&Job, u64, u64, u64, &mut Hits) -> Result<u64, DeviceError> + Send,
{
    fn name(&self) -> String {
        self.name.into()
    }

    fn search(&mut self, job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> Result<u64, DeviceError> {
        (self.act)(job, first, count, target, hits)
    }
}

fn fake<F>(name: &'static str, act: F) -> Box<dyn Device>
where
    F: FnMut(&Job, u64, u64, u64, &mut Hits) -> Result<u64, DeviceError> + Send + 'static,
{
    Box::new(Fake { name, act })
}

/// Searches by the reference.
fn honest(job: &Job, first: u64, count: u64, target: u64, hits: &mut Hits) -> Result<u64, DeviceError> {
    for offset in 0..count {
        let nonce = first + offset;
        if job.leading_bits(nonce) <= target && !hits.push(nonce) {
            return Ok(offset);
        }
    }
    Ok(count)
}

fn good() -> Box<dyn Device> {
    fake("good", honest)
}

/// The solution is right, and only `lost` was dropped, for a reason that looks like this.
fn assert_drops(bad: Box<dyn Device>, is_reason: impl Fn(&Fault) -> bool) {
    let name = bad.name();
    let solver = Solver::with_devices(vec![bad, good()]);
    let deadline = Instant::now() + Duration::from_secs(20);
    let fault = loop {
        assert_is_right(&solve(&solver).unwrap());
        // Printing a panic takes so long that the device may be missed first.
        if let Some(fault) = reported(&solver, &name).into_iter().find(|fault| *fault != Fault::Hung) {
            break fault;
        }
        assert!(Instant::now() < deadline, "it was dropped");
    };
    assert!(is_reason(&fault), "{fault:?}");
    assert!(!solver.devices().contains(&name));
    assert_is_right(&solve(&solver).unwrap());
    assert!(reported(&solver, &name).is_empty(), "reported once");
}

/// Why this device was lost. On a busy machine any other may be late as well.
fn reported(solver: &Solver, name: &str) -> Vec<Fault> {
    solver.take_lost().into_iter().filter(|lost| lost.device == name).map(|lost| lost.fault).collect()
}

fn assert_is_right(solution: &Solution) {
    assert!(solution.nonces.is_sorted_by(|a, b| a < b));
    let largest = solution.nonces.iter().map(|nonce| hash(SEED, *nonce)).max().unwrap();
    assert_eq!(solution.largest_hash, U256::from_be_bytes(largest.0));
}

#[test]
fn the_64_that_are_kept_are_the_smallest_of_all_that_were_tried() {
    // Devices that stop by themselves after so many nonces, so that what was tried is known.
    let limited = |limit: u64| -> Box<dyn Device> {
        let mut left = limit;
        fake("limited", move |job, first, count, target, hits| {
            if left == 0 {
                return Err(DeviceError("done".into()));
            }
            let tried = honest(job, first, count.min(left), target, hits)?;
            left -= tried;
            Ok(tried)
        })
    };
    for devices in [1, 3] {
        let solver = Solver::with_devices((0..devices).map(|_| limited(3000)).collect());
        let solution = solver.solve(SEED, Instant::now() + Duration::from_secs(60), &AtomicBool::new(false)).unwrap();
        assert_eq!(solution.tried, 3000 * devices as u64);
        let tried = Stretch::split(devices).flat_map(|stretch| (0..3000).map(move |n| stretch.first + n));
        let (nonces, largest) = brute(tried);
        assert_eq!((&solution.nonces[..], solution.largest_hash), (&nonces[..], largest));
    }
}

#[test]
fn real_threads_keep_the_smallest_of_all_that_they_tried() {
    // One thread tries nonces from 0 on without a gap.
    let windows = (2..).map(|shift| Duration::from_millis(1 << shift));
    let mut solutions = windows.map(|time| solver(1).solve(SEED, Instant::now() + time, &AtomicBool::new(false)));
    let solution = solutions.find_map(Result::ok).unwrap();
    let (nonces, largest) = brute(0..solution.tried);
    assert_eq!((&solution.nonces[..], solution.largest_hash), (&nonces[..], largest));
}

#[test]
fn a_solution_is_made_of_increasing_nonces_whose_largest_hash_it_names() {
    // Longer than a busy machine keeps both threads waiting.
    let deadline = Instant::now() + 10 * WINDOW;
    let solution = solver(2).solve(SEED, deadline, &AtomicBool::new(false)).unwrap();
    assert_is_right(&solution);
    assert_eq!(solution.devices.len(), 2);
    assert_eq!(solution.devices.iter().map(|device| device.tried).sum::<u64>(), solution.tried);
    // The estimate is of the right size: 64 smallest of so many. Five standard errors.
    let estimate = estimate_hash_rate(solution.largest_hash, 1) as f64;
    assert!((estimate / solution.tried as f64 - 1.0).abs() < 0.65, "{estimate} for {}", solution.tried);
}

#[test]
fn a_solution_is_encoded_as_big_endian_nonces() {
    let nonces: [u64; NONCES] = std::array::from_fn(|index| index as u64 + 0x0102_0304_0506_0700);
    let bytes = Solution { nonces, largest_hash: U256::ZERO, tried: 0, devices: Vec::new() }.encode();
    assert_eq!(bytes[..16], hex!("01020304050607000102030405060701"));
}

#[test]
fn it_ends_within_ten_milliseconds_of_the_deadline_or_the_flag() {
    // The best of several tries: other work on the machine can delay any one of them.
    let best_of = |run: &dyn Fn() -> Duration| (0..20).map(|_| run()).min().unwrap();
    let solver = Solver::default();
    let late = best_of(&|| {
        let deadline = Instant::now() + Duration::from_millis(20);
        // On a busy machine its threads may have had no time at all: that is not what is asked here.
        let _ = solver.solve(SEED, deadline, &AtomicBool::new(false));
        deadline.elapsed()
    });
    assert!(late < Duration::from_millis(10), "{late:?} after the deadline");
    let late = best_of(&|| {
        let cancel = AtomicBool::new(false);
        thread::scope(|scope| {
            let worker = scope.spawn(|| solver.solve(SEED, Instant::now() + Duration::from_secs(60), &cancel));
            thread::sleep(Duration::from_millis(5));
            cancel.store(true, Ordering::Relaxed);
            let raised = Instant::now();
            assert!(matches!(worker.join().unwrap(), Err(PowError::Cancelled { .. })));
            raised.elapsed()
        })
    });
    assert!(late < Duration::from_millis(10), "{late:?} after the flag");
}

#[test]
fn a_deadline_that_has_passed_leaves_too_few() {
    let error = solver(1).solve(SEED, Instant::now(), &AtomicBool::new(false)).unwrap_err();
    assert_eq!(error, PowError::TooFew { tried: 0 });
}

#[test]
fn fewer_than_64_hashes_are_no_solution() {
    let mut calls = 0;
    let slow = fake("slow", move |job, first, _, target, hits| {
        calls += 1;
        match calls {
            1 => honest(job, first, 63, target, hits),
            _ => Err(DeviceError("tired".into())),
        }
    });
    let solver = Solver::with_devices(vec![slow]);
    assert_eq!(solve(&solver).unwrap_err(), PowError::NoDevice);
    assert_eq!(solve(&solver).unwrap_err(), PowError::NoDevice, "and it stays so");
    assert_eq!(solver.take_lost().len(), 1);
}

#[test]
fn a_device_that_lies_about_a_hash_is_dropped_and_the_others_go_on() {
    let liar = fake("liar", |job, first, count, target, hits| {
        let tried = honest(job, first, count, target, hits)?;
        if target < u64::MAX / 8
            && let Some(wrong) = (first..first + tried).find(|n| job.leading_bits(*n) > target)
        {
            hits.push(wrong);
        }
        Ok(tried)
    });
    assert_drops(liar, |fault| matches!(fault, Fault::WrongHash { actual, target, .. } if actual > target));
}

#[test]
fn a_device_that_reports_a_nonce_twice_or_a_foreign_one_is_dropped() {
    let twice = fake("twice", |job, first, count, target, hits| {
        let tried = honest(job, first, count, target, hits)?;
        if let Some(nonce) = hits.as_slice().last().copied() {
            hits.push(nonce);
        }
        Ok(tried)
    });
    assert_drops(twice, |fault| matches!(fault, Fault::StrayNonce { .. }));
    let foreign = fake("foreign", |_, first, count, _, hits| {
        hits.push(first.wrapping_sub(1));
        Ok(count)
    });
    assert_drops(foreign, |fault| matches!(fault, Fault::StrayNonce { nonce: u64::MAX }));
}

#[test]
fn a_device_that_claims_an_impossible_number_of_hashes_is_dropped() {
    assert_drops(fake("idle", |_, _, _, _, _| Ok(0)), |fault| matches!(fault, Fault::WrongCount { tried: 0, .. }));
    let boaster = fake("boaster", |_, _, count, _, _| Ok(count + 1));
    assert_drops(boaster, |fault| matches!(fault, Fault::WrongCount { tried: 65, asked: 64 }));
}

#[test]
fn a_device_that_fails_or_panics_is_dropped_and_the_others_go_on() {
    let failing = fake("failing", |_, _, _, _, _| Err(DeviceError("fell off the bus".into())));
    assert_drops(failing, |fault| fault.to_string().contains("fell off the bus"));
    let mut calls = 0;
    let panicking = fake("panicking", move |job, first, count, target, hits| {
        calls += 1;
        assert!(calls < 3, "a bug in a driver");
        honest(job, first, count, target, hits)
    });
    assert_drops(panicking, |fault| matches!(fault, Fault::Panicked(text) if text.contains("a bug in a driver")));
}

#[test]
fn a_device_that_hangs_holds_nobody_up_and_may_come_back() {
    static HOLD: AtomicBool = AtomicBool::new(true);
    static CALLS: AtomicU64 = AtomicU64::new(0);
    let hanging = fake("hanging", |job, first, count, target, hits| {
        CALLS.fetch_add(1, Ordering::Relaxed);
        while HOLD.load(Ordering::Relaxed) {
            thread::yield_now();
        }
        honest(job, first, count, target, hits)
    });
    let solver = Solver::with_devices(vec![hanging, good()]);
    let started = Instant::now();
    assert_is_right(&solve(&solver).unwrap());
    assert!(started.elapsed() < Duration::from_secs(10));
    assert!(!solver.devices().contains(&"hanging".into()));
    assert_eq!(reported(&solver, "hanging"), [], "it has time until the next search");
    assert_is_right(&solve(&solver).unwrap());
    assert_eq!(reported(&solver, "hanging"), [Fault::Hung]);

    HOLD.store(false, Ordering::Relaxed);
    let deadline = Instant::now() + Duration::from_secs(20);
    while CALLS.load(Ordering::Relaxed) < 3 {
        assert!(Instant::now() < deadline, "it came back and works again");
        solve(&solver).unwrap();
    }
}
