//! Where and how urgently a thread runs. Both are favours: where the system refuses, the search goes on.

/// The niceness of a polite thread: low enough to get the whole of an idle processor, high enough to step aside.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Makes the calling thread polite, and binds it to a processor.
#[cfg(target_os = "linux")]
pub(super) fn settle(nice: bool, processor: Option<usize>) {
    use rustix::{process, thread};
    if nice {
        // On Linux niceness belongs to the thread, 0 is the calling one.
        let _ = process::setpriority_process(None, NICENESS);
    }
    if let Some(processor) = processor {
        let mut set = thread::CpuSet::new();
        set.set(processor);
        let _ = thread::sched_setaffinity(None, &set);
    }
}

/// Elsewhere niceness belongs to the process, and threads can't be bound.
#[cfg(not(target_os = "linux"))]
pub(super) fn settle(_nice: bool, _processor: Option<usize>) {}

/// The numbers of the processors that this process may use.
#[cfg(target_os = "linux")]
pub(super) fn usable_processors() -> Vec<usize> {
    use rustix::thread;
    let Ok(set) = thread::sched_getaffinity(None) else { return Vec::new() };
    (0..thread::CpuSet::MAX_CPU).filter(|processor| set.is_set(*processor)).collect()
}

/// Unknown elsewhere.
#[cfg(not(target_os = "linux"))]
pub(super) fn usable_processors() -> Vec<usize> {
    Vec::new()
}

/// The processor's name as it tells it.
#[cfg(target_arch = "x86_64")]
pub fn processor_name() -> String {
    use std::arch::x86_64::__cpuid;
    /// Leaves with the brand string, 16 bytes each; Intel SDM volume 2, CPUID.
    const BRAND: std::ops::RangeInclusive<u32> = 0x8000_0002..=0x8000_0004;
    if __cpuid(0x8000_0000).eax < *BRAND.end() {
        return "x86-64 processor".into();
    }
    let bytes: Vec<u8> = BRAND
        .map(__cpuid)
        .flat_map(|leaf| [leaf.eax, leaf.ebx, leaf.ecx, leaf.edx])
        .flat_map(u32::to_le_bytes)
        .take_while(|byte| *byte != 0)
        .collect();
    String::from_utf8_lossy(&bytes).trim().to_owned()
}

/// The processor's name: other architectures tell it to the system only.
#[cfg(not(target_arch = "x86_64"))]
pub fn processor_name() -> String {
    format!("{} processor", std::env::consts::ARCH)
}
