//! What this machine has.

mod gpu;
mod network;

use std::{fmt, io, num::NonZero, path::Path, thread};

use aiigo_storage::free_disk;
use aiigo_task::format_bytes;
use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

pub(crate) use self::{
    gpu::{Gpu, Gpus, Reading},
    network::download_speed,
};

/// Memory taken for granted where the system does not say, bytes.
const UNKNOWN_MEMORY: u64 = 4 << 30;

/// What a machine offers to tasks.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Hardware {
    pub(crate) cpu: Cpu,
    /// Bytes; of a container that it is in, what that may use.
    pub(crate) memory_bytes: u64,
    /// Free for an ordinary user where the agent keeps its data, whole GiB.
    pub(crate) disk_gib: u64,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) gpus: Vec<Gpu>,
    /// Measured, megabits a second.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) download_mbps: Option<u64>,
    /// Such as `linux x86_64`.
    pub(crate) system: String,
}

/// The processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Cpu {
    /// As its maker calls it; empty if the system does not say.
    pub(crate) model: String,
    /// Processors that this process may use, each thread of a core for one.
    pub(crate) threads: usize,
}

impl Hardware {
    /// Looks at the machine; `folder` is where the agent keeps its data.
    ///
    /// # Errors
    /// If the disk does not say what is free.
    pub(crate) fn detect(folder: &Path, gpus: &Gpus) -> io::Result<Self> {
        let cpus = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
        let system = System::new_with_specifics(cpus).ok();
        let model = system.and_then(|system| system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()));
        Ok(Self {
            cpu: Cpu { model: model.unwrap_or_default(), threads: cores() },
            memory_bytes: memory_bytes(),
            disk_gib: free_disk(folder)? >> 30,
            gpus: gpus.list(),
            download_mbps: None,
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        })
    }
}

impl fmt::Display for Hardware {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Cpu { model, threads } = &self.cpu;
        let of = if model.is_empty() { String::new() } else { format!(" of {model}") };
        write!(
            f,
            "{threads} processors{of}, {} of memory, {} GiB of disk",
            format_bytes(self.memory_bytes),
            self.disk_gib
        )?;
        for gpu in &self.gpus {
            write!(f, ", {gpu}")?;
        }
        if let Some(mbps) = self.download_mbps {
            write!(f, ", {mbps} Mbit/s")?;
        }
        Ok(())
    }
}

/// Processors that this process may use.
pub(crate) fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get)
}

/// Memory that this process may use: all of the machine's, or of the control group that it is in, bytes.
pub(crate) fn memory_bytes() -> u64 {
    let memory = RefreshKind::nothing().with_memory(MemoryRefreshKind::nothing().with_ram());
    let Ok(system) = System::new_with_specifics(memory) else { return UNKNOWN_MEMORY };
    let limit = system.cgroup_limits().map_or(u64::MAX, |group| group.total_memory);
    match system.total_memory().min(limit) {
        0 => UNKNOWN_MEMORY,
        bytes => bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_is_known() {
        let hardware = Hardware::detect(Path::new("/"), &Gpus::open()).expect("a machine");
        assert!(hardware.cpu.threads >= 1 && hardware.memory_bytes > 64 << 20, "{hardware}");
        let told: u64 = std::fs::read_to_string("/proc/meminfo")
            .expect("Linux")
            .lines()
            .find_map(|line| line.strip_prefix("MemTotal:")?.trim().strip_suffix(" kB")?.parse().ok())
            .expect("the memory");
        assert!(memory_bytes() <= told * 1024);
        let document = serde_json::to_value(&hardware).expect("JSON");
        assert_eq!(document["cpu"]["threads"], hardware.cpu.threads);
        assert!(document.get("downloadMbps").is_none());
    }
}
