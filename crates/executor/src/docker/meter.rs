//! How much memory a container takes at most.
//!
//! The kernel keeps the highest mark of a control group, and it goes with the group when the program ends. So it is read
//! again and again while the program runs: from the group's own file, where the engine is on this machine, else by what the
//! engine tells once a second. What a program takes in the last moments of its life may be missed.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use bollard::query_parameters::{InspectContainerOptions, StatsOptionsBuilder};
use futures::StreamExt;
use tokio::time::sleep;

use super::{engine::Engine, names::Names};
use crate::Progress;

/// Where Linux shows its control groups.
const GROUPS: &str = "/sys/fs/cgroup";
/// Between two looks at a file.
const PAUSE: Duration = Duration::from_millis(20);

/// Measures until it is dropped, once the program runs.
pub(super) async fn measure(engine: &Engine, names: &Names, progress: &Progress) -> Infallible {
    match mark(engine, names).await {
        Some(mark) => {
            while let Some(bytes) = read(&mark) {
                progress.set_memory(bytes);
                sleep(PAUSE).await;
            }
        }
        None => ask(engine, names, progress).await,
    }
    // The group is gone: the program has ended, and whoever runs it notices.
    std::future::pending().await
}

/// The file with the container's highest mark.
async fn mark(engine: &Engine, names: &Names) -> Option<PathBuf> {
    let found = engine.docker.inspect_container(&names.task, None::<InspectContainerOptions>).await.ok()?;
    // The engine may be another machine's, and then its process number is none of this one: the name must be in the group's.
    let (id, process) = (found.id?, found.state?.pid.filter(|process| *process > 0)?);
    let groups = fs::read_to_string(format!("/proc/{process}/cgroup")).ok()?;
    let candidates = groups.lines().filter(|line| line.contains(&id)).flat_map(marks);
    candidates.into_iter().find(|path| read(path).is_some())
}

/// Where the mark of a line of `/proc/…/cgroup` may be: `ID:CONTROLLERS:PATH`, without controllers in version 2.
fn marks(line: &str) -> Vec<PathBuf> {
    let mut parts = line.splitn(3, ':').skip(1);
    let (Some(controllers), Some(group)) = (parts.next(), parts.next()) else { return Vec::new() };
    let group = group.trim_start_matches('/');
    match controllers {
        "" => vec![
            Path::new(GROUPS).join(group).join("memory.peak"),
            Path::new(GROUPS).join("unified").join(group).join("memory.peak"),
        ],
        _ if controllers.split(',').any(|name| name == "memory") => {
            vec![Path::new(GROUPS).join("memory").join(group).join("memory.max_usage_in_bytes")]
        }
        _ => Vec::new(),
    }
}

fn read(mark: &Path) -> Option<u64> {
    fs::read_to_string(mark).ok()?.trim().parse().ok()
}

/// By the engine's word: the mark where it knows it, else what is in use.
async fn ask(engine: &Engine, names: &Names, progress: &Progress) {
    let options = StatsOptionsBuilder::new().stream(true).build();
    let mut told = Box::pin(engine.patient.stats(&names.task, Some(options)));
    while let Some(Ok(told)) = told.next().await {
        let memory = told.memory_stats.unwrap_or_default();
        if let Some(bytes) = memory.max_usage.filter(|bytes| *bytes > 0).or(memory.usage) {
            progress.set_memory(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_found_in_both_versions() {
        assert_eq!(
            marks("4:memory:/docker/abc"),
            [PathBuf::from("/sys/fs/cgroup/memory/docker/abc/memory.max_usage_in_bytes")]
        );
        assert_eq!(
            marks("0::/system.slice/docker-abc.scope")[0].to_string_lossy(),
            "/sys/fs/cgroup/system.slice/docker-abc.scope/memory.peak"
        );
        assert!(marks("1:cpu,cpuacct:/docker/abc").is_empty() && marks("nothing").is_empty());
    }
}
