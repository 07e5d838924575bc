//! What a running program shows to the machine's owner: how far it is, and the end of what it prints. It stands in files of
//! the task's folder, which another process may read.

use std::{
    convert::Infallible,
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aiigo_executor::Progress;
use aiigo_task::{Limits, format_bytes};
use serde::{Deserialize, Serialize};

use crate::data_dir::TaskDir;

/// Between two looks at a program.
const PAUSE: Duration = Duration::from_millis(500);

/// How far a program is, or was at its end.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LiveReport {
    /// Unix seconds of this machine.
    pub(crate) started_at: u64,
    /// Seconds that it has run.
    pub(crate) elapsed: u64,
    /// Seconds that it may run.
    pub(crate) limit: u64,
    /// Fuel used; of a module.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fuel: Option<u64>,
    /// Fuel that it may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) fuel_limit: Option<u64>,
    /// The most memory so far, bytes.
    pub(crate) peak_memory_bytes: u64,
    /// Bytes in its files; of a module.
    pub(crate) output_bytes: u64,
    /// Bytes that it printed on standard output.
    pub(crate) stdout_bytes: u64,
    /// Bytes that it printed on standard error.
    pub(crate) stderr_bytes: u64,
    /// Whether it has ended.
    pub(crate) ended: bool,
}

/// One run as it is shown.
#[derive(Debug)]
pub(crate) struct Show(Arc<Run>);

#[derive(Debug)]
struct Run {
    dir: TaskDir,
    progress: Progress,
    limits: Limits,
    started_at: u64,
    written: Mutex<Written>,
}

/// What stands in the files.
#[derive(Debug, Default)]
struct Written {
    report: Option<LiveReport>,
    /// Bytes printed when the tails were written.
    stdout: Option<u64>,
    stderr: Option<u64>,
}

impl Show {
    /// A run that begins now.
    pub(crate) fn begin(dir: TaskDir, progress: Progress, limits: Limits) -> Self {
        Self(Arc::new(Run { dir, progress, limits, started_at: unix_now(), written: Mutex::default() }))
    }

    /// Shows it again and again, until this is dropped.
    pub(crate) async fn go_on(&self) -> Infallible {
        loop {
            self.show(false).await;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Shows its end.
    pub(crate) async fn end(self) {
        self.show(true).await;
    }

    async fn show(&self, ended: bool) {
        let run = Arc::clone(&self.0);
        let shown = tokio::task::spawn_blocking(move || run.show(ended)).await;
        if let Err(error) = shown.map_err(io::Error::other).flatten() {
            // The run goes on unseen.
            tracing::debug!(%error, "cannot show how far a program is");
        }
    }
}

impl Run {
    fn show(&self, ended: bool) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(PoisonError::into_inner);
        let written = &mut *written;
        // A look that was under way when the program ended comes too late.
        if written.report.as_ref().is_some_and(|report| report.ended) {
            return Ok(());
        }
        let (stdout, stderr) = (self.progress.stdout(), self.progress.stderr());
        let report = LiveReport {
            started_at: self.started_at,
            elapsed: unix_now().saturating_sub(self.started_at),
            limit: self.limits.seconds,
            fuel: self.limits.fuel.map(|_| self.progress.fuel()),
            fuel_limit: self.limits.fuel,
            peak_memory_bytes: self.progress.peak_memory_bytes(),
            output_bytes: self.progress.output_bytes(),
            stdout_bytes: stdout.total(),
            stderr_bytes: stderr.total(),
            ended,
        };
        let live = self.dir.live();
        fs::create_dir_all(&live)?;
        // The tails first: who reads the report finds what it counts, or more.
        for (name, tail, known) in [("stdout", stdout, &mut written.stdout), ("stderr", stderr, &mut written.stderr)] {
            if *known != Some(tail.total()) {
                replace(&live.join(name), &tail.bytes())?;
                *known = Some(tail.total());
            }
        }
        if written.report.as_ref() != Some(&report) {
            replace(&live.join("report.json"), &serde_json::to_vec(&report)?)?;
            written.report = Some(report);
        }
        Ok(())
    }
}

/// What is shown of a task.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    pub(crate) report: LiveReport,
    /// The end of standard output.
    pub(crate) stdout: Vec<u8>,
    /// The end of standard error.
    pub(crate) stderr: Vec<u8>,
}

/// What is shown of a task; `None` if it never ran.
pub(crate) fn look(dir: &TaskDir) -> io::Result<Option<Shown>> {
    let live = dir.live();
    let report = match fs::read(live.join("report.json")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => serde_json::from_slice(&read?)?,
    };
    Ok(Some(Shown { report, stdout: fs::read(live.join("stdout"))?, stderr: fs::read(live.join("stderr"))? }))
}

/// The file appears as a whole; it need not outlive a loss of power.
fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let half = path.with_extension("part");
    fs::write(&half, content)?;
    fs::rename(half, path)
}

impl LiveReport {
    /// For people: `12 of 60 s, 3% of its fuel, 16 MiB memory, 1 KiB written, 20 B printed`.
    pub(crate) fn text(&self) -> String {
        let mut parts = vec![format!("{} of {} s", self.elapsed, self.limit)];
        if let (Some(fuel), Some(limit)) = (self.fuel, self.fuel_limit.filter(|limit| *limit > 0)) {
            parts.push(format!("{}% of its fuel", u128::from(fuel) * 100 / u128::from(limit)));
        }
        parts.push(format!("{} memory", format_bytes(self.peak_memory_bytes)));
        if self.output_bytes > 0 {
            parts.push(format!("{} written", format_bytes(self.output_bytes)));
        }
        parts.push(format!("{} printed", format_bytes(self.stdout_bytes.saturating_add(self.stderr_bytes))));
        parts.join(", ")
    }
}

fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::TaskId;
    use alloy::primitives::B256;

    use super::*;
    use crate::{data_dir::DataDir, store::test_spec};

    #[tokio::test]
    async fn another_process_sees_how_far_a_program_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = DataDir::open(folder.path()).expect("a folder").task(TaskId(B256::repeat_byte(1)));
        assert!(look(&dir).expect("readable").is_none());
        let show = Show::begin(dir.clone(), Progress::default(), test_spec().limits);
        show.show(false).await;
        let Shown { report, stdout, .. } = look(&dir).expect("readable").expect("it runs");
        assert!(!report.ended && stdout.is_empty());
        assert_eq!(report.text(), "0 of 1 s, 0% of its fuel, 0 B memory, 0 B printed");
        let late = Arc::clone(&show.0);
        show.end().await;
        late.show(false).expect("nothing is written");
        assert!(look(&dir).expect("readable").expect("it ran").report.ended);
    }
}
