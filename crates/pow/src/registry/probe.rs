//! Opens and tries devices, each on a thread of its own: a driver that hangs or panics must not take the others along.

use std::{
    iter,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{
        Arc,
        mpsc::{self, Receiver},
    },
    thread,
    time::{Duration, Instant},
};

use super::{Finding, Found, trial};
use crate::device::{Backend, CpuOptions, Device, DeviceError, DeviceKind, Fault, Unavailable, discard};

/// How long a backend may take to say what there is, and then each device to be opened, tested and measured: a driver may
/// have to compile first.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// What is behind a [`Found`]: nothing where it failed.
pub(super) type Devices = Vec<Box<dyn Device>>;

/// A backend, and what is behind each of its devices.
pub(super) type Probed = (Finding, Vec<Devices>);

/// Tries all devices of a backend, at the same time where there are several: they are different parts of the machine.
pub(super) fn probe(backend: &Arc<dyn Backend>, options: CpuOptions, patience: Duration) -> Probed {
    let (name, kind) = (backend.name(), backend.kind());
    let opening = {
        let backend = Arc::clone(backend);
        Attempt::start(name, move || backend.open(&options))
    };
    let devices = opening.outcome(patience).unwrap_or_else(|fault| Err(Unavailable::Broken(fault.to_string())));
    let (outcome, devices) = match devices {
        Ok(devices) => {
            let (found, devices) = try_all(kind, devices, patience).into_iter().unzip();
            (Ok(found), devices)
        }
        Err(reason) => (Err(reason), Vec::new()),
    };
    (Finding { backend: name, kind, outcome }, devices)
}

fn try_all(kind: DeviceKind, devices: Devices, patience: Duration) -> Vec<(Found, Devices)> {
    // Threads of one processor are all alike: the first stands for all.
    let units = if kind == DeviceKind::Cpu { devices.len() } else { 1 };
    let mut attempts = Vec::new();
    let mut devices = devices.into_iter();
    while let Some(device) = devices.next() {
        let name = device.name();
        let alike: Devices = devices.by_ref().take(units - 1).collect();
        let attempt = Attempt::start(&name, move || try_one(kind, units, device));
        attempts.push((name, alike, attempt));
    }
    let deadline = Instant::now() + patience;
    let outcome = |(name, alike, attempt): (String, Devices, Attempt<_>)| {
        let left = deadline.saturating_duration_since(Instant::now());
        match attempt.outcome(left) {
            Ok((found, Some(device))) => (found, iter::once(device).chain(alike).collect()),
            Ok((found, None)) => (found, Devices::new()),
            Err(fault) => {
                let (description, place) = (name.clone(), name.clone());
                let found = Found { device: name, description, place, units, hash_rate: Err(fault), used: false };
                (found, Devices::new())
            }
        }
    };
    attempts.into_iter().map(outcome).collect()
}

/// What a device can do; and the device, unless it failed.
fn try_one(kind: DeviceKind, units: usize, mut device: Box<dyn Device>) -> (Found, Option<Box<dyn Device>>) {
    let trial = || trial::run(&mut *device, kind);
    let hash_rate = catch_unwind(AssertUnwindSafe(trial)).unwrap_or_else(|panic| Err(Fault::panicked(&*panic)));
    let found = Found {
        device: device.name(),
        description: device.description(),
        place: device.place(),
        units,
        hash_rate,
        used: false,
    };
    if found.hash_rate.is_ok() {
        return (found, Some(device));
    }
    discard(device);
    (found, None)
}

/// Work that may never end.
struct Attempt<T>(Result<Receiver<thread::Result<T>>, DeviceError>);

impl<T: Send + 'static> Attempt<T> {
    fn start(name: &str, work: impl FnOnce() -> T + Send + 'static) -> Self {
        let (sender, receiver) = mpsc::sync_channel(1);
        let thread = thread::Builder::new().name(format!("probe {name}")).spawn(move || {
            let _ = sender.send(catch_unwind(AssertUnwindSafe(work))); // nobody listens if it took too long
        });
        let failed = |error| DeviceError(format!("the system gives it no thread: {error}"));
        Self(thread.map(|_| receiver).map_err(failed))
    }

    fn outcome(self, patience: Duration) -> Result<T, Fault> {
        match self.0?.recv_timeout(patience) {
            Ok(result) => result.map_err(|panic| Fault::panicked(&*panic)),
            Err(_) => Err(Fault::Hung),
        }
    }
}
