//! How fast each backend hashes beside the usual implementations: `cargo xtask bench pow [--json] [--seconds N]`.
//!
//! Every contender runs for a few milliseconds in turn, many times over, so that whatever else the machine does meets all
//! alike; ratios are taken within a turn, and the median of all turns is printed. One thread, but for the scaling. Time is
//! the thread's own where the system tells it: what others take from the processor does not count.

#![allow(missing_docs)] // a program
#![allow(clippy::print_stdout)] // its result
#![allow(clippy::unwrap_used)] // a bench fails by panicking

use std::{
    collections::BTreeMap,
    hint::black_box,
    num::NonZeroUsize,
    sync::atomic::AtomicBool,
    time::{Duration, Instant},
};

use aiigo_pow::{CpuOptions, DeviceKind, Hits, Job, Registry, Solver};
use alloy_primitives::B256;
use serde_json::json;

/// A contender's share of a turn.
const SLICE: Duration = Duration::from_millis(2);
const SEED: B256 = B256::repeat_byte(0x5e);
/// The contender that the others are measured against.
const BASE: &str = "alloy-primitives";

/// Hashes so many nonces.
type Work = Box<dyn FnMut(u64)>;

struct Contender {
    name: &'static str,
    work: Work,
    /// Hashes in a slice.
    batch: u64,
    nanos_per_hash: Vec<f64>,
}

impl Contender {
    fn new(name: &'static str, mut work: Work) -> Self {
        let mut batch = 64;
        while seconds(|| work(batch)) < SLICE.as_secs_f64() {
            batch *= 2;
        }
        Self { name, work, batch, nanos_per_hash: Vec::new() }
    }

    fn turn(&mut self) {
        let time = seconds(|| (self.work)(self.batch));
        self.nanos_per_hash.push(time * 1e9 / self.batch as f64);
    }
}

fn seconds(work: impl FnOnce()) -> f64 {
    let started = thread_time();
    work();
    thread_time() - started
}

/// Seconds that this thread has run.
#[cfg(target_os = "linux")]
fn thread_time() -> f64 {
    clock(libc::CLOCK_THREAD_CPUTIME_ID)
}

/// Seconds that all threads of this program have run.
#[cfg(target_os = "linux")]
fn process_time() -> f64 {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

#[cfg(target_os = "linux")]
fn clock(clock: libc::clockid_t) -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the call writes into `time`.
    assert_eq!(unsafe { libc::clock_gettime(clock, &raw mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// Seconds; elsewhere those of the wall clock.
#[cfg(not(target_os = "linux"))]
fn thread_time() -> f64 {
    static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
    START.elapsed().as_secs_f64()
}

/// The same: processor time is then unknown.
#[cfg(not(target_os = "linux"))]
fn process_time() -> f64 {
    thread_time()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// One hash after the other by somebody's function of 40 bytes.
fn ordinary(hash: impl Fn(&[u8; 40]) -> u8 + 'static) -> Work {
    let mut nonce = 0_u64;
    Box::new(move |count| {
        let mut message = [0; 40];
        message[..32].copy_from_slice(SEED.as_slice());
        for _ in 0..count {
            message[32..].copy_from_slice(&nonce.to_be_bytes());
            black_box(hash(black_box(&message)));
            nonce += 1;
        }
    })
}

fn contenders() -> Vec<Contender> {
    let job = Job::new(SEED);
    let one = CpuOptions { threads: Some(NonZeroUsize::MIN), pin: false, nice: false };
    let mut all = Vec::new();
    for backend in Registry::builtin().backends().iter().filter(|backend| backend.kind() == DeviceKind::Cpu) {
        let Ok(devices) = backend.open(&one) else { continue };
        let (mut device, job) = (devices.into_iter().next().unwrap(), job.clone());
        let (mut first, mut hits) = (0, Hits::default());
        let work = move |count| {
            hits.clear();
            first += device.search(&job, first, count, 1 << 40, &mut hits).unwrap();
        };
        all.push(Contender::new(backend.name(), Box::new(work)));
    }
    all.push(Contender::new(BASE, ordinary(|message| alloy_primitives::keccak256(message)[0])));
    all.push(Contender::new(
        "tiny-keccak",
        ordinary(|message| {
            use tiny_keccak::Hasher;
            let (mut hasher, mut out) = (tiny_keccak::Keccak::v256(), [0; 32]);
            hasher.update(message);
            hasher.finalize(&mut out);
            out[0]
        }),
    ));
    all.push(Contender::new("sha3", ordinary(|message| <sha3::Keccak256 as sha3::Digest>::digest(message)[0])));
    all.push(Contender::new(
        "keccak-asm",
        ordinary(|message| <keccak_asm::Keccak256 as keccak_asm::Digest>::digest(message)[0]),
    ));
    all
}

/// Nanoseconds of a processor cycle now: a chain of multiplications, three cycles each on every x86-64 processor since 2008
/// (uops.info). The time stamp counter would not do: it has a clock of its own.
#[cfg(target_arch = "x86_64")]
fn nanos_per_cycle() -> Option<f64> {
    const LOOPS: u64 = 20_000;
    let mut x = 3_u64;
    let time = seconds(|| {
        for _ in 0..LOOPS {
            // SAFETY: changes one register that the compiler knows of.
            unsafe {
                std::arch::asm!(
                    "imul {x}, {x}", "imul {x}, {x}", "imul {x}, {x}", "imul {x}, {x}", "imul {x}, {x}",
                    "imul {x}, {x}", "imul {x}, {x}", "imul {x}, {x}", "imul {x}, {x}", "imul {x}, {x}",
                    x = inout(reg) x, options(nomem, nostack)
                );
            }
        }
    });
    Some(time * 1e9 / (LOOPS * 30) as f64)
}

#[cfg(not(target_arch = "x86_64"))]
fn nanos_per_cycle() -> Option<f64> {
    None
}

/// Hashes per second of so many threads by the solver itself, of the wall clock and of processor time.
fn solver_rate(threads: NonZeroUsize) -> (f64, f64) {
    let cpu = CpuOptions { threads: Some(threads), pin: false, nice: false };
    let solver = Solver::of_processor(&cpu);
    let window = Duration::from_millis(150);
    let busy = process_time();
    let solution = solver.solve(SEED, Instant::now() + window, &AtomicBool::new(false)).unwrap();
    let tried = solution.tried as f64;
    (tried / window.as_secs_f64(), tried / (process_time() - busy))
}

/// What a graphics processor does, hashes per second of the wall clock.
struct GpuRow {
    device: String,
    description: String,
    rate: f64,
}

/// Each backend by itself, all its devices at once as in a challenge; the best of three windows, since clocks rise first.
fn gpu_rows() -> Vec<GpuRow> {
    const WINDOW: Duration = Duration::from_secs(1);
    let mut rows = Vec::new();
    let builtin = Registry::builtin();
    for backend in builtin.backends().iter().filter(|backend| backend.kind() == DeviceKind::Gpu) {
        let registry = builtin.clone().only(&[backend.name().into()]).unwrap();
        let (solver, findings) = match registry.solver(&CpuOptions::default()) {
            Ok(found) => found,
            Err(reason) => {
                eprintln!("{reason}");
                continue;
            }
        };
        let mut rates: BTreeMap<String, f64> = BTreeMap::new();
        for _ in 0..3 {
            let solution = solver.solve(SEED, Instant::now() + WINDOW, &AtomicBool::new(false)).unwrap();
            for device in solution.devices {
                let best = rates.entry(device.device).or_default();
                *best = best.max(device.tried as f64 / WINDOW.as_secs_f64());
            }
        }
        solver.take_lost().iter().for_each(|lost| eprintln!("{lost}"));
        for found in findings.into_iter().flat_map(|finding| finding.outcome.unwrap_or_default()) {
            let rate = rates.get(&found.device).copied().unwrap_or_default();
            rows.push(GpuRow { device: found.device, description: found.description, rate });
        }
    }
    rows
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let is_json = arguments.iter().any(|argument| argument == "--json");
    let after = |name: &str| arguments.iter().skip_while(|argument| *argument != name).nth(1);
    let limit: f64 = after("--seconds").map_or(10.0, |text| text.parse().unwrap());

    let mut contenders = contenders();
    let mut cycles = Vec::new();
    let threads = std::thread::available_parallelism().unwrap();
    let mut rates: Vec<Turn> = Vec::new();
    let started = Instant::now();
    while started.elapsed().as_secs_f64() < limit * 0.7 || cycles.len() < 5 {
        for contender in &mut contenders {
            contender.turn();
        }
        cycles.extend(nanos_per_cycle());
    }
    while started.elapsed().as_secs_f64() < limit || rates.len() < 3 {
        rates.push((solver_rate(NonZeroUsize::MIN), solver_rate(threads)));
    }

    let base = contenders.iter().find(|contender| contender.name == BASE).unwrap().nanos_per_hash.clone();
    let cycle = (!cycles.is_empty()).then(|| median(cycles));
    let (mut per_hash, mut mhs, mut ratio) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
    for contender in &contenders {
        let nanos = median(contender.nanos_per_hash.clone());
        let ratios = base.iter().zip(&contender.nanos_per_hash).map(|(base, own)| base / own).collect();
        per_hash.insert(contender.name, cycle.map(|cycle| rounded(nanos / cycle, 1)));
        mhs.insert(contender.name, rounded(1e3 / nanos, 3));
        ratio.insert(contender.name, rounded(median(ratios), 2));
    }
    let of = |what: fn(&Turn) -> f64| median(rates.iter().map(what).collect());
    let one = of(|turn| turn.0.0);
    let all = of(|turn| turn.1.0);
    let count = threads.get() as f64;
    let efficiency = of(|turn| turn.1.0 / turn.0.0) / count;
    // What is left of a thread's speed when all run, whether or not the machine lets them.
    let per_thread = of(|turn| turn.1.1 / turn.0.1);

    let gpus = gpu_rows();
    let cpu = aiigo_pow::processor_name();
    if is_json {
        let clock = cycle.map(|cycle| rounded(1.0 / cycle, 3));
        let scaling = json!({
            "threads": threads, "mhs_one": rounded(one / 1e6, 3), "mhs_all": rounded(all / 1e6, 3),
            "efficiency": rounded(efficiency, 3), "efficiency_of_processor_time": rounded(per_thread, 3),
        });
        let row =
            |gpu: &GpuRow| json!({"device": gpu.device, "name": gpu.description, "mhs": rounded(gpu.rate / 1e6, 1)});
        let gpus: Vec<_> = gpus.iter().map(row).collect();
        let result = json!({
            "cpu": cpu, "clock_ghz": clock, "turns": base.len(), "cycles_per_hash": per_hash, "mhs": mhs,
            "ratio_vs_alloy": ratio, "scaling": scaling, "gpus": gpus,
        });
        println!("{result:#}");
        return;
    }
    println!("{cpu}, one thread, median of {} turns", base.len());
    println!("{:<18} {:>12} {:>10} {:>10}", "", "cycles/hash", "MH/s", "x alloy");
    for Contender { name, .. } in &contenders {
        let cycles = per_hash[name].map_or("?".into(), |cycles| cycles.to_string());
        println!("{name:<18} {cycles:>12} {:>10.3} {:>10.2}", mhs[name], ratio[name]);
    }
    println!(
        "solver: {:.2} MH/s with one thread, {:.2} with {threads}: {:.0}% of {threads} times one ({:.0}% by processor time)",
        one / 1e6,
        all / 1e6,
        efficiency * 100.0,
        per_thread * 100.0
    );
    for gpu in &gpus {
        println!("{:<18} {:>10.1} MH/s  {}", gpu.device, gpu.rate / 1e6, gpu.description);
    }
}

/// Rates with one thread and with all.
type Turn = ((f64, f64), (f64, f64));

fn rounded(value: f64, digits: i32) -> f64 {
    let unit = 10_f64.powi(digits);
    (value * unit).round() / unit
}
