//! Which devices this machine has, whether they compute rightly, and how fast they are.

use std::{
    collections::{HashMap, HashSet},
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::B256;

#[cfg(any(feature = "cuda", feature = "wgpu"))]
use crate::gpu;
use crate::{
    Job, PowError, Solver,
    cpu::{self, CpuBackend},
    device::{Backend, CpuOptions, Device, DeviceKind, Fault, Hits, Unavailable},
};

/// How long each thread of the processor is measured …
const MEASURE_CPU: Duration = Duration::from_millis(25);
/// … and each graphics processor, whose clock takes its time to rise.
const MEASURE_GPU: Duration = Duration::from_millis(400);
/// How long a backend may take to open, test and measure its devices: a driver may have to compile first.
const PATIENCE: Duration = Duration::from_secs(30);

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
        let probed: Vec<Probed> = self.backends.iter().map(|backend| probe_in_time(backend, *cpu)).collect();
        let (mut findings, devices): (Vec<Finding>, Vec<Vec<Devices>>) = probed.into_iter().unzip();
        choose(&mut findings);
        let found = findings.iter().map(|finding| finding.outcome.as_deref().unwrap_or_default());
        let used: Vec<Box<dyn Device>> = found
            .zip(devices)
            .flat_map(|(found, devices)| found.iter().zip(devices))
            .filter(|(found, _)| found.used)
            .flat_map(|(_, devices)| devices)
            .collect();
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

/// What is behind a [`Found`]: nothing where it failed.
type Devices = Vec<Box<dyn Device>>;

/// A backend, and what is behind each of its devices.
type Probed = (Finding, Vec<Devices>);

/// Probes on a thread of its own: a driver that hangs or panics must not take the others along.
fn probe_in_time(backend: &Arc<dyn Backend>, options: CpuOptions) -> Probed {
    let (name, kind) = (backend.name(), backend.kind());
    let (sender, receiver) = mpsc::channel();
    let backend = Arc::clone(backend);
    let probing = thread::Builder::new().name(format!("probe {name}")).spawn(move || {
        let result = catch_unwind(AssertUnwindSafe(|| probe(&*backend, &options)));
        let panicked = |_| Err(Unavailable("its driver panicked".into()));
        let _ = sender.send(result.unwrap_or_else(panicked)); // nobody listens if it took too long
    });
    let result = match probing {
        Ok(_) => receiver
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|_| Err(Unavailable(format!("its driver did not answer within {PATIENCE:?}")))),
        Err(error) => Err(Unavailable(format!("the system gives it no thread: {error}"))),
    };
    let (outcome, devices) = match result {
        Ok(probed) => {
            let (found, devices) = probed.into_iter().unzip();
            (Ok(found), devices)
        }
        Err(error) => (Err(error), Vec::new()),
    };
    (Finding { backend: name, kind, outcome }, devices)
}

fn probe(backend: &dyn Backend, options: &CpuOptions) -> Result<Vec<(Found, Devices)>, Unavailable> {
    let devices = backend.open(options)?;
    let (units, time) = match backend.kind() {
        DeviceKind::Cpu => (devices.len(), MEASURE_CPU), // threads of one processor are all alike
        DeviceKind::Gpu => (1, MEASURE_GPU),
    };
    let mut probed = Vec::new();
    let mut devices = devices.into_iter();
    while let Some(mut device) = devices.next() {
        let test = || self_test(&mut *device).and_then(|()| measure(&mut *device, time));
        let hash_rate = catch_unwind(AssertUnwindSafe(test)).unwrap_or_else(|panic| Err(Fault::panicked(&*panic)));
        let is_good = hash_rate.is_ok();
        let found = Found {
            device: device.name(),
            description: device.description(),
            place: device.place(),
            units,
            hash_rate,
            used: false,
        };
        let alike: Devices = iter::once(device).chain(devices.by_ref().take(units - 1)).collect();
        probed.push((found, if is_good { alike } else { Devices::new() }));
    }
    Ok(probed)
}

/// Compares a device with the reference: all nonces at first, when all are hits, then across the 32-bit boundary and up to
/// the end of the nonce space, where about one in eight is.
fn self_test(device: &mut dyn Device) -> Result<(), Fault> {
    const NONCES: u64 = 512;
    let job = Job::new(B256::repeat_byte(0xa1));
    let near_32_bits = (1 << 32) - NONCES / 2 - 3;
    let ranges =
        [(0, 37, u64::MAX), (near_32_bits, NONCES, u64::MAX >> 3), (u64::MAX - (NONCES - 1), NONCES, u64::MAX >> 3)];
    device.enter_thread();
    for (first, count, target) in ranges {
        let mut hits = Hits::default();
        let tried = device.search(&job, first, count, target, &mut hits)?;
        if tried != count {
            return Err(Fault::WrongCount { tried, asked: count });
        }
        for nonce in (0..count).map(|offset| first + offset) {
            let bits = job.leading_bits(nonce);
            let times = hits.as_slice().iter().filter(|hit| **hit == nonce).count();
            match (bits <= target, times) {
                (true, 1) | (false, 0) => {}
                (true, 0) => return Err(Fault::Missed { nonce }),
                (true, _) => return Err(Fault::StrayNonce { nonce }),
                (false, _) => return Err(Fault::WrongHash { nonce, target, actual: bits }),
            }
        }
        let strays = hits.as_slice().iter().find(|hit| hit.wrapping_sub(first) >= count);
        if let Some(nonce) = strays {
            return Err(Fault::StrayNonce { nonce: *nonce });
        }
    }
    Ok(())
}

/// Hashes per second, by batches that grow to the device's slice. The fastest batch counts: what slows one down is other work
/// on the machine.
fn measure(device: &mut dyn Device, time: Duration) -> Result<f64, Fault> {
    let job = Job::new(B256::repeat_byte(0xa2));
    let (mut hits, slice) = (Hits::default(), device.slice());
    let (mut batch, mut first, mut fastest) = (64, 0, 0.0_f64);
    let started = Instant::now();
    while started.elapsed() < time {
        hits.clear();
        let batch_started = Instant::now();
        let tried = device.search(&job, first, batch, 0, &mut hits)?;
        let took = batch_started.elapsed();
        first += tried;
        if took < slice {
            batch = batch.saturating_mul(2);
        } else {
            fastest = fastest.max(tried as f64 / took.as_secs_f64());
        }
    }
    Ok(fastest)
}

#[cfg(test)]
mod tests;
