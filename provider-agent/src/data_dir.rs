//! The agent's folder.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use aiigo_protocol::TaskId;
use alloy::primitives::Address;

use crate::error::{AgentError, Context};

/// The name of the operator's keystore.
pub(crate) const OPERATOR: &str = "operator.keystore";
/// How long a lock is waited for.
const LOCK_PATIENCE: Duration = Duration::from_millis(500);

/// The folder and what stands in it.
#[derive(Clone, Debug)]
pub(crate) struct DataDir(PathBuf);

/// Held while an agent runs; two would accept twice and run twice.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

impl DataDir {
    /// Opens the folder, created for this user alone if it is not there.
    pub(crate) fn open(path: &Path) -> Result<Self, AgentError> {
        create(path)
            .context(format!("cannot create the data folder {}: choose another with --data-dir", path.display()))?;
        Ok(Self(path.to_owned()))
    }

    /// The folder as it is, whether it is there or not.
    pub(crate) fn at(path: &Path) -> Self {
        Self(path.to_owned())
    }

    /// Where a user's agent keeps its data unless told otherwise.
    pub(crate) fn default_path() -> PathBuf {
        dirs::data_local_dir().unwrap_or_else(|| PathBuf::from(".")).join("aiigo").join("agent")
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    /// The agent's database.
    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("agent.db")
    }

    /// What the provider wants, unless another file is named.
    pub(crate) fn policy(&self) -> PathBuf {
        self.0.join("policy.toml")
    }

    /// The operator's key, if it was made here.
    pub(crate) fn operator_keystore(&self) -> PathBuf {
        self.0.join(OPERATOR)
    }

    /// What opens it.
    pub(crate) fn operator_password(&self) -> PathBuf {
        self.0.join("operator.password")
    }

    /// What the node says of itself, as it was published.
    pub(crate) fn description(&self) -> PathBuf {
        self.0.join("node.json")
    }

    /// The outbox of a key.
    pub(crate) fn outbox(&self, signer: Address) -> PathBuf {
        self.0.join(format!("outbox-{signer:#x}.db"))
    }

    /// Which images were pulled.
    pub(crate) fn images(&self) -> PathBuf {
        self.0.join("images")
    }

    /// Files that tasks need, and others may need again.
    pub(crate) fn cache(&self) -> PathBuf {
        self.0.join("cache")
    }

    /// The files of a task.
    pub(crate) fn task(&self, task: TaskId) -> TaskDir {
        TaskDir(self.0.join("work").join(task.to_string()))
    }

    /// The tasks that have files here.
    pub(crate) fn tasks(&self) -> Result<Vec<TaskId>, AgentError> {
        let folder = self.0.join("work");
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.context(format!("cannot look into {}", folder.display()))?,
        };
        Ok(entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect())
    }

    /// Makes sure that no other agent works in this folder.
    pub(crate) async fn lock(&self) -> Result<Lock, AgentError> {
        let started = Instant::now();
        loop {
            match self.try_lock()? {
                Some(lock) => return Ok(lock),
                // Who asks whether it is locked holds it for a moment.
                None if started.elapsed() < LOCK_PATIENCE => tokio::time::sleep(LOCK_PATIENCE / 20).await,
                None => {
                    return Err(AgentError::new(format!(
                        "another agent works in {}: stop it, or give this one its own --data-dir",
                        self.0.display()
                    )));
                }
            }
        }
    }

    /// Whether an agent works in this folder.
    pub(crate) fn is_locked(&self) -> Result<bool, AgentError> {
        self.try_lock().map(|lock| lock.is_none())
    }

    fn try_lock(&self) -> Result<Option<Lock>, AgentError> {
        let path = self.0.join("agent.lock");
        let file = File::create(&path).context(format!("cannot write {}", path.display()))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).context(format!("cannot lock {}", path.display())),
        }
    }
}

/// The files of one task: what was fetched, what the run wrote, and what is delivered.
#[derive(Clone, Debug)]
pub(crate) struct TaskDir(PathBuf);

impl TaskDir {
    pub(crate) fn create(&self) -> io::Result<()> {
        create(&self.0)?;
        fs::create_dir_all(self.0.join("inputs"))
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn module(&self) -> PathBuf {
        self.0.join("module.wasm")
    }

    /// An input by its position in the spec: no path of the buyer becomes one of this machine.
    pub(crate) fn input(&self, index: usize) -> PathBuf {
        self.0.join("inputs").join(index.to_string())
    }

    /// Where the program writes.
    pub(crate) fn scratch(&self) -> PathBuf {
        self.0.join("scratch")
    }

    /// What is delivered: blobs named by their CIDs.
    pub(crate) fn results(&self) -> PathBuf {
        self.0.join("results")
    }

    /// What a running program shows.
    pub(crate) fn live(&self) -> PathBuf {
        self.0.join("live")
    }

    /// There once a run is complete, never before.
    pub(crate) fn manifest(&self) -> PathBuf {
        self.0.join("manifest.json")
    }

    /// Removes what a run wrote; what was fetched stays.
    pub(crate) fn clear(&self) {
        for part in [self.scratch(), self.results()] {
            let _ = fs::remove_dir_all(part);
        }
    }

    /// Removes all of it; nothing there is fine.
    pub(crate) fn remove(&self) {
        match fs::remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                tracing::warn!(path = %self.0.display(), %error, "cannot remove the files of a task");
            }
            _ => {}
        }
    }
}

fn create(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt;
        builder.mode(0o700);
    }
    builder.create(path)
}
