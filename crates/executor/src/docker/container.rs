//! What a container may do: every limit that the engine is asked to keep.

use std::collections::HashMap;

use aiigo_task::Limits;
use bollard::models::{
    ContainerCreateBody, DeviceRequest, HealthConfig, HostConfig, HostConfigCgroupnsModeEnum, HostConfigLogConfig,
    Mount, MountTmpfsOptions, MountType, MountVolumeOptions, MountVolumeOptionsDriverConfig, ResourcesUlimits,
};

use super::{engine::Engine, image::Image, names::Names};
use crate::Execution;

/// Where the program finds its inputs and leaves its outputs.
pub(super) const WORK: &str = "/job";
/// Where the inputs themselves are; in [`WORK`] are links to them.
pub(super) const INPUTS: &str = "/inputs";
const TMP: &str = "/tmp";
/// Who the program is: user and group of no account on any system, below the 65536 of a user namespace.
pub(super) const USER: u32 = 64_350;
/// Processes and threads at one time.
const MAX_PROCESSES: i64 = 1024;
/// Open files of a process.
const MAX_OPEN_FILES: i64 = 8192;
/// Shared memory (`/dev/shm`), bytes; it counts as memory.
const SHM_BYTES: i64 = 64 << 20;
/// Files and directories in [`WORK`] at one time.
pub(super) const MAX_FILES: u64 = 4096;
/// Each file takes whole pages.
const PAGE: u64 = 4096;
/// Room in [`WORK`] above the output limit: for rounding to pages, and to tell who passed the limit from who reached it.
const SLACK: u64 = 1 << 20;
/// If this machine runs out of memory, its tasks go first.
const OOM_SCORE: i64 = 500;
const NANO: i64 = 1_000_000_000;

/// Bytes that fit into [`WORK`]: a hard limit, kept by the kernel.
pub(super) fn work_bytes(limits: &Limits, outputs: usize) -> u64 {
    limits.output_bytes.next_multiple_of(PAGE) + SLACK + PAGE * outputs as u64
}

/// All memory of the container: the program's own, and [`WORK`], which is kept in memory.
pub(super) fn memory_bytes(execution: &Execution) -> u64 {
    execution.limits.memory_bytes.saturating_add(work_bytes(&execution.limits, execution.outputs.len()))
}

/// The container that keeps the volumes and never starts.
pub(super) fn keeper(image: &Image, names: &Names, execution: &Execution) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.id.clone()),
        // The engine asks for a command; this one is never run.
        entrypoint: Some(vec!["-".into()]),
        network_disabled: Some(true),
        labels: Some(names.labels.clone()),
        healthcheck: Some(no_health_check()),
        host_config: Some(HostConfig {
            network_mode: Some("none".into()),
            log_config: Some(no_log()),
            mounts: Some(mounts(image, names, execution, false)),
            ..HostConfig::default()
        }),
        ..ContainerCreateBody::default()
    }
}

/// The container that runs the program.
pub(super) fn task(engine: &Engine, image: &Image, names: &Names, execution: &Execution) -> ContainerCreateBody {
    ContainerCreateBody {
        image: Some(image.id.clone()),
        cmd: (!execution.args.is_empty()).then(|| execution.args.clone()),
        env: Some(execution.env.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        working_dir: Some(image.working_dir.clone().unwrap_or_else(|| WORK.into())),
        user: Some(format!("{USER}:{USER}")),
        hostname: Some("task".into()),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        network_disabled: Some(true),
        labels: Some(names.labels.clone()),
        healthcheck: Some(no_health_check()),
        host_config: Some(confinement(engine, image, names, execution)),
        ..ContainerCreateBody::default()
    }
}

fn confinement(engine: &Engine, image: &Image, names: &Names, execution: &Execution) -> HostConfig {
    let memory = bytes(memory_bytes(execution));
    let ulimit = |name: &str, most| ResourcesUlimits { name: Some(name.into()), soft: Some(most), hard: Some(most) };
    HostConfig {
        network_mode: Some("none".into()),
        readonly_rootfs: Some(true),
        tmpfs: Some(HashMap::from([(
            TMP.into(),
            format!("rw,exec,nosuid,nodev,mode=1777,uid={USER},gid={USER},size={}", tmp_bytes(execution)),
        )])),
        mounts: Some(mounts(image, names, execution, true)),
        cap_drop: Some(vec!["ALL".into()]),
        // The engine's own seccomp profile stays on beside it.
        security_opt: Some(vec!["no-new-privileges:true".into()]),
        privileged: Some(false),
        pids_limit: Some(MAX_PROCESSES),
        memory: Some(memory),
        // Memory and swap together: as much as memory alone, so none.
        memory_swap: Some(memory),
        oom_score_adj: Some(OOM_SCORE),
        nano_cpus: Some(i64::from(execution.limits.cpus.unwrap_or(1)) * NANO),
        ulimits: Some(vec![ulimit("nofile", MAX_OPEN_FILES), ulimit("core", 0)]),
        ipc_mode: Some("private".into()),
        shm_size: Some(SHM_BYTES),
        cgroupns_mode: engine.private_cgroups.then_some(HostConfigCgroupnsModeEnum::PRIVATE),
        log_config: Some(no_log()),
        device_requests: execution.gpus.then(|| vec![all_gpus()]),
        ..HostConfig::default()
    }
}

/// Half of the memory, as Linux does by default; what is in it counts as memory.
fn tmp_bytes(execution: &Execution) -> u64 {
    execution.limits.memory_bytes / 2
}

fn mounts(image: &Image, names: &Names, execution: &Execution, for_task: bool) -> Vec<Mount> {
    let size = work_bytes(&execution.limits, execution.outputs.len());
    let in_memory = HashMap::from([
        ("type".to_owned(), "tmpfs".to_owned()),
        ("device".to_owned(), "tmpfs".to_owned()),
        ("o".to_owned(), format!("size={size},nr_inodes={},mode=1777,nosuid,nodev", MAX_FILES * 2)),
    ]);
    let mut mounts = vec![volume(WORK, &names.work, names, in_memory)];
    if !execution.inputs.is_empty() {
        let inputs = volume(INPUTS, &names.inputs, names, HashMap::new());
        mounts.push(Mount { read_only: Some(for_task), ..inputs });
    }
    let tmpfs = MountTmpfsOptions { size_bytes: Some(bytes(tmp_bytes(execution))), mode: Some(0o1777), options: None };
    let own = |path: &str| [WORK, INPUTS, TMP].contains(&path.trim_end_matches('/'));
    // Also for the keeper: the engine would make volumes on disk there, and nobody would remove them.
    mounts.extend(image.volumes.iter().filter(|path| !own(path)).map(|path| Mount {
        typ: Some(MountType::TMPFS),
        target: Some(path.clone()),
        tmpfs_options: Some(tmpfs.clone()),
        ..Mount::default()
    }));
    mounts
}

fn volume(target: &str, name: &str, names: &Names, options: HashMap<String, String>) -> Mount {
    let driver = MountVolumeOptionsDriverConfig { name: Some("local".into()), options: Some(options) };
    Mount {
        typ: Some(MountType::VOLUME),
        source: Some(name.to_owned()),
        target: Some(target.to_owned()),
        volume_options: Some(MountVolumeOptions {
            no_copy: Some(true),
            labels: Some(names.labels.clone()),
            driver_config: Some(driver),
            subpath: None,
        }),
        ..Mount::default()
    }
}

/// Nothing that a program prints is kept on the host's disk; it is streamed.
fn no_log() -> HostConfigLogConfig {
    HostConfigLogConfig { typ: Some("none".into()), config: None }
}

/// An image may ask for a command to be run again and again; it is not.
fn no_health_check() -> HealthConfig {
    HealthConfig { test: Some(vec!["NONE".into()]), ..HealthConfig::default() }
}

fn all_gpus() -> DeviceRequest {
    DeviceRequest { count: Some(-1), capabilities: Some(vec![vec!["gpu".into()]]), ..DeviceRequest::default() }
}

/// The engine counts with a sign.
fn bytes(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
