//! The GPUs of this machine: NVIDIA's by their driver's library (NVML), others by what stands on the PCI bus and what a
//! graphics driver calls it.

use std::{fmt, path::Path};

use aiigo_pow::{
    GraphicsProcessor, graphics_processors,
    pci::{self, PciDevice},
};
use aiigo_task::format_bytes;
use nvml_wrapper::{Nvml, enum_wrappers::device::TemperatureSensor, error::NvmlError};
use serde::Serialize;

/// Base class of a display controller (PCI Code and ID Assignment, base class 03h).
const DISPLAY: u32 = 0x03;
/// Makers whose GPUs compute, by their PCI vendor ids. NVIDIA's are left to NVML.
const MAKERS: [(u32, &str); 2] = [(0x1002, "AMD"), (0x8086, "Intel")];
const NVIDIA: u32 = 0x10de;

/// A GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Gpu {
    pub(crate) name: String,
    /// Its own memory, bytes; unknown without a driver that says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) memory_bytes: Option<u64>,
}

impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        match self.memory_bytes {
            Some(bytes) => write!(f, " with {}", format_bytes(bytes)),
            None => Ok(()),
        }
    }
}

/// How a GPU does now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Reading {
    pub(crate) name: String,
    /// None where the GPU can't tell, as parts of one (MIG) can't; here and below.
    pub(crate) celsius: Option<u32>,
    pub(crate) watts: Option<u32>,
    /// Time in which anything ran on it, percent.
    pub(crate) busy: Option<u32>,
}

impl Reading {
    /// The higher of each value.
    pub(crate) fn or_higher(self, other: &Self) -> Self {
        Self {
            name: self.name,
            celsius: self.celsius.max(other.celsius),
            watts: self.watts.max(other.watts),
            busy: self.busy.max(other.busy),
        }
    }
}

/// The way to this machine's GPUs, found once.
#[derive(Debug)]
pub(crate) struct Gpus {
    nvml: Result<Nvml, NvmlError>,
}

impl Gpus {
    pub(crate) fn open() -> Self {
        Self { nvml: Nvml::init() }
    }

    /// All that there are.
    pub(crate) fn list(&self) -> Vec<Gpu> {
        let nvidia = self.nvml.as_ref().ok().and_then(|nvml| nvidia(nvml).ok()).unwrap_or_default();
        let others = others(Path::new(pci::DEVICES), graphics_processors());
        nvidia.into_iter().chain(others).collect()
    }

    /// The driver's version, and that of CUDA which it speaks; `None` without an NVIDIA GPU.
    ///
    /// # Errors
    /// If there is such a GPU, and no driver that works.
    pub(crate) fn driver(&self) -> Result<Option<String>, String> {
        let version = |nvml: &Nvml| {
            let cuda = nvml.sys_cuda_driver_version()?;
            Ok(format!("driver {}, CUDA {}.{}", nvml.sys_driver_version()?, cuda / 1000, cuda % 1000 / 10))
        };
        match &self.nvml {
            Ok(nvml) => version(nvml).map(Some).map_err(|error: NvmlError| error.to_string()),
            Err(error) if on_bus(Path::new(pci::DEVICES), NVIDIA).next().is_some() => Err(error.to_string()),
            Err(_) => Ok(None),
        }
    }

    /// How NVIDIA's GPUs do; empty without any.
    ///
    /// # Errors
    /// If a GPU does not tell: it may have fallen off the bus.
    pub(crate) fn readings(&self) -> Result<Vec<Reading>, String> {
        let Ok(nvml) = &self.nvml else { return Ok(Vec::new()) };
        readings(nvml).map_err(|error| error.to_string())
    }
}

fn nvidia(nvml: &Nvml) -> Result<Vec<Gpu>, NvmlError> {
    (0..nvml.device_count()?)
        .map(|index| {
            let device = nvml.device_by_index(index)?;
            let memory_bytes = device.memory_info().ok().map(|memory| memory.total);
            Ok(Gpu { name: device.name()?, memory_bytes })
        })
        .collect()
}

fn readings(nvml: &Nvml) -> Result<Vec<Reading>, NvmlError> {
    (0..nvml.device_count()?)
        .map(|index| {
            let device = nvml.device_by_index(index)?;
            Ok(Reading {
                name: device.name()?,
                celsius: if_supported(device.temperature(TemperatureSensor::Gpu))?,
                watts: if_supported(device.power_usage())?.map(|milliwatts| milliwatts / 1000),
                busy: if_supported(device.utilization_rates())?.map(|used| used.gpu),
            })
        })
        .collect()
}

fn if_supported<T>(told: Result<T, NvmlError>) -> Result<Option<T>, NvmlError> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(NvmlError::NotSupported | NvmlError::NoPermission) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Those that compute and are not NVIDIA's. A system that shows no bus has those that a driver reaches.
fn others(bus: &Path, driven: Vec<GraphicsProcessor>) -> Vec<Gpu> {
    let gpu = |name: String| Gpu { name, memory_bytes: None };
    if !bus.is_dir() {
        return driven.into_iter().map(|driven| gpu(driven.name)).collect();
    }
    let of_maker = |(vendor, maker): (u32, &str)| {
        let name = |device: PciDevice| {
            let driven = driven.iter().find(|driven| driven.bus_address.as_ref() == Some(&device.address));
            driven.map_or_else(|| format!("{maker} GPU {:04x}", device.device), |driven| driven.name.clone())
        };
        on_bus(bus, vendor).map(name).map(gpu).collect::<Vec<_>>()
    };
    MAKERS.into_iter().flat_map(of_maker).collect()
}

/// A maker's display controllers.
fn on_bus(bus: &Path, vendor: u32) -> impl Iterator<Item = PciDevice> {
    pci::devices(bus).into_iter().filter(move |device| device.class >> 16 == DISPLAY && device.vendor == vendor)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn device(bus: &Path, name: &str, class: &str, vendor: &str, device: &str) {
        let folder = bus.join(name);
        fs::create_dir(&folder).expect("a folder");
        for (name, text) in [("class", class), ("vendor", vendor), ("device", device)] {
            fs::write(folder.join(name), format!("{text}\n")).expect("a file");
        }
    }

    #[test]
    fn gpus_that_compute_are_found_on_the_bus() {
        let bus = tempfile::tempdir().expect("a folder");
        device(bus.path(), "0000:01:00.0", "0x030000", "0x1002", "0x744c");
        device(bus.path(), "0000:02:00.0", "0x030200", "0x10de", "0x2684");
        device(bus.path(), "0000:03:00.0", "0x020000", "0x8086", "0x15f3");
        device(bus.path(), "0000:04:00.0", "0x030000", "0x1234", "0x1111");
        let names = |devices: &Path, driven: &[GraphicsProcessor]| {
            others(devices, driven.to_vec()).into_iter().map(|gpu| gpu.name).collect::<Vec<_>>()
        };
        assert_eq!(names(bus.path(), &[]), ["AMD GPU 744c"]);
        let driven =
            |name: &str, address: &str| GraphicsProcessor { name: name.into(), bus_address: Some(address.into()) };
        let drivers = [driven("NVIDIA GeForce", "0000:02:00.0"), driven("AMD Radeon", "0000:01:00.0")];
        assert_eq!(names(bus.path(), &drivers), ["AMD Radeon"], "as the driver calls it; NVML has the other");
        assert_eq!(names(&bus.path().join("none"), &drivers[1..]), ["AMD Radeon"]);
        let nvidia: Vec<_> = on_bus(bus.path(), NVIDIA).map(|device| device.device).collect();
        assert_eq!(nvidia, [0x2684]);
    }

    #[test]
    fn the_highest_readings_are_kept() {
        let reading = |celsius, watts| Reading { name: "GPU".into(), celsius, watts, busy: None };
        let (first, later) = (reading(Some(40), None), reading(Some(71), Some(300)));
        assert_eq!(later.clone().or_higher(&first), later);
        assert_eq!(first.or_higher(&later), later);
    }

    /// On a machine without an NVIDIA driver the first half says so; with one, the second is the real thing.
    #[test]
    fn the_driver_of_this_machine_is_asked() {
        let gpus = Gpus::open();
        let readings = gpus.readings().expect("GPUs that tell");
        match gpus.driver() {
            Ok(None) => assert!(readings.is_empty()),
            Ok(Some(version)) => {
                assert!(version.starts_with("driver ") && !gpus.list().is_empty(), "{version}");
                assert!(readings.iter().all(|gpu| gpu.celsius < Some(150) && gpu.busy <= Some(100)), "{readings:?}");
            }
            Err(error) => assert!(on_bus(Path::new(pci::DEVICES), NVIDIA).next().is_some(), "{error}"),
        }
    }
}
