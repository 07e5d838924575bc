//! Which devices this machine has, whether they compute rightly, and how fast they are.

mod probe;
mod trial;

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use probe::{Devices, PATIENCE, Probed, probe};
use trial::self_test;

#[cfg(any(feature = "cuda", feature = "wgpu"))]
use crate::gpu;
use crate::{
    PowError, Solver,
    cpu::{self, CpuBackend},
    device::{Backend, CpuOptions, Device, DeviceKind, Fault, Unavailable, discard},
};

/// The backends to choose from.
#[derive(Clone)]
pub struct Registry {
    backends: Vec<Arc<dyn Backend>>,
}

/// What was found out about a backend.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The backend's name.
    pub backend: &'static str,
    /// What it searches with.
    pub kind: DeviceKind,
    /// Its devices, or why there are none.
    pub outcome: Result<Vec<Found>, Unavailable>,
}

/// A device that was tested; of the threads of a processor the first stands for all.
#[derive(Clone, Debug)]
pub struct Found {
    /// The device's name.
    pub device: String,
    /// What it is, for people.
    pub description: String,
    /// The part of the machine that it occupies.
    pub place: String,
    /// How many such there are: the threads of a processor.
    pub units: usize,
    /// Hashes per second of one of them, measured alone and briefly, or why it must not be used.
    pub hash_rate: Result<f64, Fault>,
    /// Whether the solver uses it: of those at one place only the fastest.
    pub used: bool,
}

impl Default for Registry {
    fn default() -> Self {
        Self::builtin()
    }
}

impl Registry {
    /// All backends that are built in.
    pub fn builtin() -> Self {
        let mut backends: Vec<Arc<dyn Backend>> = Vec::new();
        backends.extend(cpu::BACKENDS.iter().map(|backend| Arc::new(*backend) as Arc<dyn Backend>));
        #[cfg(feature = "cuda")]
        backends.extend(gpu::CudaBackend::ALL.map(|backend| Arc::new(backend) as Arc<dyn Backend>));
        #[cfg(feature = "wgpu")]
        backends.push(Arc::new(gpu::WgpuBackend::HARDWARE));
        Self::new(backends)
    }

    /// These backends only.
    pub fn new(backends: Vec<Arc<dyn Backend>>) -> Self {
        Self { backends }
    }

    /// The backends themselves.
    pub fn backends(&self) -> &[Arc<dyn Backend>] {
        &self.backends
    }

    /// The backends' names.
    pub fn names(&self) -> Vec<&'static str> {
        self.backends.iter().map(|backend| backend.name()).collect()
    }

    /// Only those with these names; all if there is no name.
    ///
    /// # Errors
    /// If a name is unknown.
    pub fn only(mut self, names: &[String]) -> Result<Self, PowError> {
        if let Some(unknown) = names.iter().find(|name| !self.names().contains(&name.as_str())) {
            return Err(PowError::UnknownBackend { name: unknown.clone(), known: self.names().join(", ") });
        }
        self.backends.retain(|backend| names.is_empty() || names.iter().any(|name| name == backend.name()));
        Ok(self)
    }

    /// Opens, tests and measures every device. The solver gets those that passed, of several at one place the fastest. Takes
    /// some milliseconds for the processor, seconds where a driver compiles.
    ///
    /// # Errors
    /// If there is no device.
    pub fn solver(&self, cpu: &CpuOptions) -> Result<(Solver, Vec<Finding>), PowError> {
        let probed: Vec<Probed> = self.backends.iter().map(|backend| probe(backend, *cpu, PATIENCE)).collect();
        let (mut findings, devices): (Vec<Finding>, Vec<Vec<Devices>>) = probed.into_iter().unzip();
        choose(&mut findings);
        let found = findings.iter().map(|finding| finding.outcome.as_deref().unwrap_or_default());
        let (mut used, mut unused) = (Devices::new(), Devices::new());
        for (found, devices) in found.zip(devices).flat_map(|(found, devices)| found.iter().zip(devices)) {
            if found.used { &mut used } else { &mut unused }.extend(devices);
        }
        unused.into_iter().for_each(discard);
        if used.is_empty() {
            let named = |finding: &Finding| format!("{}: {}", finding.backend, finding.problems().join(", "));
            let reasons: Vec<String> = findings.iter().map(named).collect();
            return Err(PowError::NothingUsable { reasons: reasons.join("; ") });
        }
        Ok((Solver::with_devices(used), findings))
    }

    /// The threads of the first processor backend that is there and computes rightly, without measuring.
    pub(crate) fn first_processor_backend(options: &CpuOptions) -> Vec<Box<dyn Device>> {
        let open = |backend: &CpuBackend| backend.open(options).ok();
        let is_right = |device: &mut Box<dyn Device>| self_test(&mut **device).is_ok();
        cpu::BACKENDS
            .iter()
            .filter_map(open)
            .find_map(|mut devices| devices.first_mut().is_some_and(is_right).then_some(devices))
            .unwrap_or_default()
    }
}

impl Finding {
    /// Hashes per second of all its devices.
    pub fn hash_rate(&self) -> f64 {
        self.outcome.iter().flatten().filter_map(Found::rate).sum()
    }

    /// Why it, or some of it, can't be used.
    pub fn problems(&self) -> Vec<String> {
        match &self.outcome {
            Err(reason) => vec![reason.to_string()],
            Ok(found) => {
                let fault = |found: &Found| Some(format!("{}: {}", found.device, found.hash_rate.as_ref().err()?));
                found.iter().filter_map(fault).collect()
            }
        }
    }

    /// Whether the solver uses any of its devices.
    pub fn is_used(&self) -> bool {
        self.outcome.iter().flatten().any(|found| found.used)
    }
}

impl Found {
    /// Hashes per second of all its units; `None` if it must not be used.
    fn rate(&self) -> Option<f64> {
        Some(self.hash_rate.as_ref().ok()? * self.units as f64)
    }
}

/// Marks the fastest at each place.
fn choose(findings: &mut [Finding]) {
    let mut fastest: HashMap<&str, (f64, &str)> = HashMap::new();
    for found in findings.iter().flat_map(|finding| finding.outcome.iter().flatten()) {
        let Some(rate) = found.rate() else { continue };
        let best = fastest.entry(&found.place).or_insert((rate, &found.device));
        if rate > best.0 {
            *best = (rate, &found.device);
        }
    }
    let used: HashSet<String> = fastest.into_values().map(|(_, device)| device.to_owned()).collect();
    for found in findings.iter_mut().flat_map(|finding| finding.outcome.iter_mut().flatten()) {
        found.used = used.contains(&found.device);
    }
}

#[cfg(test)]
mod tests;
