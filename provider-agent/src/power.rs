//! The devices that this machine proves its power with.

use std::num::NonZeroUsize;

use aiigo_pow::{CpuOptions, Finding, LostDevice, Registry, Solver, Unavailable};
use clap::Args;
use tokio_util::sync::CancellationToken;

use crate::error::{AgentError, Context};

/// Flags: what searches for hashes.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct DeviceArgs {
    /// Threads that search for hashes [default: all processors].
    #[arg(long, value_name = "COUNT", env = "AIIGO_THREADS", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) threads: Option<u16>,
    /// Search with these backends only, as `aiigo-agent bench` lists them [default: the fastest for the processor and for
    /// each GPU].
    #[arg(long, value_name = "NAME", env = "AIIGO_BACKEND", value_delimiter = ',')]
    pub(crate) backend: Vec<String>,
    /// Bind each thread to a processor of its own.
    #[arg(long, env = "AIIGO_PIN")]
    pub(crate) pin: bool,
    /// Compete with everything else on this machine; by default the threads step aside.
    #[arg(long, env = "AIIGO_NOT_NICE")]
    pub(crate) not_nice: bool,
}

impl DeviceArgs {
    fn cpu(&self) -> CpuOptions {
        let threads = self.threads.and_then(|threads| NonZeroUsize::new(threads.into()));
        CpuOptions { threads, pin: self.pin, nice: !self.not_nice }
    }

    /// Finds, tests and measures the devices. A driver that hangs holds up nobody who wants to leave.
    pub(crate) async fn detect(&self, token: &CancellationToken) -> Result<(Solver, Vec<Finding>), AgentError> {
        let args = self.clone();
        let detecting =
            tokio::task::spawn_blocking(move || Registry::builtin().only(&args.backend)?.solver(&args.cpu()));
        let detected = token.run_until_cancelled(detecting).await.ok_or_else(AgentError::stopped)?;
        detected.context("the search for devices died")?.context("cannot prove power")
    }
}

/// Says what was found.
pub(crate) fn log_findings(findings: &[Finding]) {
    for finding in findings {
        let backend = finding.backend;
        match &finding.outcome {
            Err(Unavailable::Absent(reason)) => tracing::debug!(backend, reason, "not available"),
            Err(Unavailable::Broken(reason)) => tracing::warn!(backend, reason, "does not work"),
            Ok(found) => {
                for device in found {
                    match &device.hash_rate {
                        Ok(rate) if device.used => {
                            let megahashes = format!("{:.2}", rate * device.units as f64 / 1e6);
                            tracing::info!(
                                backend,
                                device = device.description,
                                units = device.units,
                                megahashes,
                                "uses"
                            );
                        }
                        Ok(rate) => tracing::debug!(backend, hash_rate = rate, "slower"),
                        Err(fault) => tracing::error!(backend, device = device.device, %fault, "failed its self-test"),
                    }
                }
            }
        }
    }
}

/// Says which devices are no longer used.
pub(crate) fn log_lost(lost: &[LostDevice]) {
    for lost in lost {
        metrics::counter!("aiigo_agent_devices_lost").increment(1);
        tracing::error!(device = lost.device, fault = %lost.fault, "a device is no longer used");
    }
}
