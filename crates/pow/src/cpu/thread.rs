//! Where and how urgently a thread runs. Both are favours: where the system refuses, the search goes on.

/// The niceness of a polite thread: low enough to get the whole of an idle processor, high enough to step aside.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 10;

/// Makes the calling thread polite, and binds it to a processor.
#[cfg(target_os = "linux")]
pub(super) fn settle(nice: bool, processor: Option<usize>) {
    if nice {
        // SAFETY: takes numbers only. On Linux niceness belongs to the thread, and 0 is the calling one.
        unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
    }
    if let Some(processor) = processor.filter(|processor| *processor < libc::CPU_SETSIZE as usize) {
        let mut set = no_processors();
        // SAFETY: `processor` has its place in the set, and the call reads the set, whose size is given.
        unsafe {
            libc::CPU_SET(processor, &mut set);
            libc::sched_setaffinity(0, size_of_val(&set), &raw const set);
        }
    }
}

#[cfg(target_os = "linux")]
fn no_processors() -> libc::cpu_set_t {
    // SAFETY: a set of bits, all of them zero.
    unsafe { std::mem::zeroed() }
}

/// Elsewhere niceness belongs to the process, and threads can't be bound.
#[cfg(not(target_os = "linux"))]
pub(super) fn settle(_nice: bool, _processor: Option<usize>) {}

/// The numbers of the processors that this process may use.
#[cfg(target_os = "linux")]
pub(super) fn usable_processors() -> Vec<usize> {
    let mut set = no_processors();
    // SAFETY: the call writes into the set, whose size is given.
    let result = unsafe { libc::sched_getaffinity(0, size_of_val(&set), &raw mut set) };
    if result != 0 {
        return Vec::new();
    }
    // SAFETY: each number has its place in the set.
    (0..libc::CPU_SETSIZE as usize).filter(|processor| unsafe { libc::CPU_ISSET(*processor, &set) }).collect()
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
