//! `bench`: how fast this machine proves power, and what that would be worth on the chain. Asks no chain.

use std::{
    fmt::Write,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use aiigo_pow::{
    DEFAULT_HASHES_PER_TFLOPS, Finding, LOWER_BOUND_OF_MEAN, LOWER_BOUND_OF_ONE, LostDevice, PowError, RELATIVE_ERROR,
    Solution, UNAUDITED_SHARE, estimate_hash_rate, milli_tflops, processor_name,
};
use aiigo_protocol::units::format_power;
use alloy::primitives::B256;
use clap::Args;
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use super::Report;
use crate::{
    error::{AgentError, Context},
    machine::{Gpus, Reading},
    power::{DeviceArgs, log_lost},
};

#[derive(Args, Clone, Debug)]
pub(super) struct BenchArgs {
    #[command(flatten)]
    devices: DeviceArgs,
    /// How long to search.
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=3600))]
    seconds: u32,
    /// Hashes per second that count as one TFLOPS: a parameter of the chain.
    #[arg(long, value_name = "COUNT", default_value_t = DEFAULT_HASHES_PER_TFLOPS,
          value_parser = clap::value_parser!(u64).range(1..))]
    hashes_per_tflops: u64,
}

/// What the machine can do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct BenchReport {
    cpu: String,
    seconds: u32,
    backends: Vec<BackendRow>,
    devices: Vec<DeviceRow>,
    lost: Vec<LostRow>,
    /// The highest readings of NVIDIA's GPUs meanwhile.
    gpus: Vec<Reading>,
    /// Hashes that were tried, and so many a second.
    tried: u64,
    hash_rate: f64,
    estimate: Estimate,
    power: Power,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct BackendRow {
    name: &'static str,
    kind: String,
    used: bool,
    /// Hashes per second when measured alone and briefly, all units together.
    hash_rate: Option<f64>,
    units: usize,
    /// The devices' products.
    descriptions: Vec<String>,
    /// Why it, or some of it, can't be used.
    problems: Vec<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeviceRow {
    device: String,
    tried: u64,
    hash_rate: f64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LostRow {
    device: String,
    fault: String,
}

/// What the verifier would conclude from the 64 best, hashes per second.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Estimate {
    hash_rate: u64,
    /// One standard deviation.
    relative_error: f64,
    low: u64,
    high: u64,
    /// The 95% lower bound of this one result.
    lower_bound: u64,
}

/// Verified power, milli-TFLOPS: running tasks may ask for so much in sum.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Power {
    hashes_per_tflops: u64,
    /// From this result at once, at trust level 1 at most.
    before_first_audit: u64,
    /// The same from this result if it were an audit's.
    after_first_audit: u64,
    /// With four audits at the measured rate, which the lower bound of their mean is taken of.
    after_four_audits: u64,
}

pub(super) async fn bench(args: &BenchArgs, token: CancellationToken) -> Result<BenchReport, AgentError> {
    let (solver, findings) = args.devices.detect(&token).await?;
    tracing::info!(seconds = args.seconds, "searching");
    let window = Duration::from_secs(args.seconds.into());
    let cancelled = Arc::new(AtomicBool::new(false));
    let deadline = Instant::now() + window;
    let flag = Arc::clone(&cancelled);
    let searching = tokio::task::spawn_blocking(move || {
        let found = solver.solve(B256::repeat_byte(0xbe), deadline, &flag);
        (found, solver.take_lost())
    });
    let flag = Arc::clone(&cancelled);
    let watching = tokio::task::spawn_blocking(move || highest_readings(&Gpus::open(), deadline, &flag));
    tokio::pin!(searching);
    let (found, lost) = tokio::select! {
        found = &mut searching => found,
        () = token.cancelled() => {
            cancelled.store(true, Ordering::Relaxed);
            searching.await
        }
    }
    .context("the solver died")?;
    // A driver that does not answer is no reason to wait.
    let gpus = tokio::time::timeout(Duration::from_secs(2), watching).await;
    let gpus = gpus.map_or(Ok(Vec::new()), |gpus| gpus.context("the watch over the GPUs died"))?;
    log_lost(&lost);
    if matches!(found, Err(PowError::Cancelled { .. })) {
        return Err(AgentError::stopped());
    }
    Ok(BenchReport::new(args, &findings, found.context("cannot measure")?, lost, gpus))
}

/// Looks at the GPUs until the deadline or the flag.
fn highest_readings(gpus: &Gpus, deadline: Instant, cancelled: &AtomicBool) -> Vec<Reading> {
    const INTERVAL: Duration = Duration::from_millis(200);
    let mut highest: Vec<Reading> = Vec::new();
    loop {
        match gpus.readings() {
            Ok(now) if highest.len() == now.len() => {
                highest = highest.into_iter().zip(&now).map(|(before, now)| before.or_higher(now)).collect();
            }
            Ok(now) => highest = now,
            Err(reason) => tracing::warn!(reason, "a GPU does not tell how it does"),
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if highest.is_empty() || left.is_zero() || cancelled.load(Ordering::Relaxed) {
            return highest;
        }
        thread::sleep(left.min(INTERVAL));
    }
}

impl BenchReport {
    fn new(
        args: &BenchArgs,
        findings: &[Finding],
        solution: Solution,
        lost: Vec<LostDevice>,
        gpus: Vec<Reading>,
    ) -> Self {
        let seconds = f64::from(args.seconds);
        let rate = |tried: u64| tried as f64 / seconds;
        let estimated = estimate_hash_rate(solution.largest_hash, args.seconds.into());
        let lower_bound = percent(estimated, LOWER_BOUND_OF_ONE);
        let power = |hash_rate| milli_tflops(hash_rate, args.hashes_per_tflops);
        let hash_rate = rate(solution.tried);
        Self {
            cpu: processor_name(),
            seconds: args.seconds,
            backends: findings.iter().map(BackendRow::new).collect(),
            devices: solution
                .devices
                .into_iter()
                .map(|count| DeviceRow { device: count.device, tried: count.tried, hash_rate: rate(count.tried) })
                .collect(),
            lost: lost.into_iter().map(|lost| LostRow { device: lost.device, fault: lost.fault.to_string() }).collect(),
            gpus,
            tried: solution.tried,
            hash_rate,
            estimate: Estimate {
                hash_rate: estimated,
                relative_error: RELATIVE_ERROR,
                low: (estimated as f64 * (1.0 - RELATIVE_ERROR)) as u64,
                high: (estimated as f64 * (1.0 + RELATIVE_ERROR)) as u64,
                lower_bound,
            },
            power: Power {
                hashes_per_tflops: args.hashes_per_tflops,
                before_first_audit: power(percent(lower_bound, UNAUDITED_SHARE)),
                after_first_audit: power(lower_bound),
                after_four_audits: power(percent(hash_rate as u64, LOWER_BOUND_OF_MEAN)),
            },
        }
    }
}

fn percent(value: u64, percent: u64) -> u64 {
    (u128::from(value) * u128::from(percent) / 100) as u64
}

impl BackendRow {
    fn new(finding: &Finding) -> Self {
        let found = finding.outcome.as_deref().unwrap_or_default();
        let good: Vec<_> = found.iter().filter(|device| device.hash_rate.is_ok()).collect();
        Self {
            name: finding.backend,
            kind: finding.kind.to_string(),
            used: finding.is_used(),
            hash_rate: (!good.is_empty()).then(|| finding.hash_rate()),
            units: good.iter().map(|device| device.units).sum(),
            descriptions: good.iter().map(|device| device.description.clone()).collect(),
            problems: finding.problems(),
        }
    }

    fn products(&self) -> String {
        match &self.descriptions[..] {
            [first, others @ ..] if others.iter().all(|other| other == first) => format!("{} x {first}", self.units),
            different => different.join(", "),
        }
    }

    fn text(&self) -> String {
        let mark = if self.used { "*" } else { " " };
        let what = match self.hash_rate {
            Some(rate) => format!("{:>10}  {}", megahashes(rate), self.products()),
            None => format!("{:>10}", "-"),
        };
        format!("{mark} {:<14}{what}  {}", self.name, self.problems.join("; ")).trim_end().to_owned()
    }
}

fn megahashes(rate: f64) -> String {
    format!("{:.2} MH/s", rate / 1e6)
}

impl Report for BenchReport {
    fn text(&self) -> String {
        let mut text = String::from("Backends (* used), measured alone and briefly:\n");
        for backend in &self.backends {
            let _ = writeln!(text, "{}", backend.text()); // a string takes everything
        }
        let _ = writeln!(text, "\nIn {} s with {} devices or threads:", self.seconds, self.devices.len());
        let _ = writeln!(text, "  hash rate            {}", megahashes(self.hash_rate));
        let estimate = &self.estimate;
        let _ = writeln!(
            text,
            "  the chain would say  {} +- {:.1}%; {} count (95% lower bound)",
            megahashes(estimate.hash_rate as f64),
            estimate.relative_error * 100.0,
            megahashes(estimate.lower_bound as f64)
        );
        for lost in &self.lost {
            let _ = writeln!(text, "  lost: {}: {}", lost.device, lost.fault);
        }
        for gpu in &self.gpus {
            let shown = |value: Option<u32>| value.map_or("?".into(), |value| value.to_string());
            let (celsius, watts) = (shown(gpu.celsius), shown(gpu.watts));
            let _ = writeln!(text, "  {}: up to {celsius} °C and {watts} W", gpu.name);
        }
        let power = &self.power;
        let _ = writeln!(text, "\nRunning tasks may ask in sum for");
        let _ =
            writeln!(text, "  {:>14}  until the first audit, at trust level 1", format_power(power.before_first_audit));
        let _ = writeln!(text, "  {:>14}  from the first audit on", format_power(power.after_first_audit));
        let _ = writeln!(text, "  {:>14}  after four audits at this rate", format_power(power.after_four_audits));
        let _ = writeln!(
            text,
            "How much escrow they may hold follows from trust level and stake: `aiigo-agent status` asks the chain."
        );
        text
    }

    fn is_good(&self) -> bool {
        self.lost.is_empty()
    }
}
