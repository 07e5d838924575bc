//! What this user has begun and not finished, so that a command that was killed goes on when it is given again instead
//! of paying twice.

use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256, keccak256};
use serde::{Deserialize, Serialize};

use crate::{
    error::{CliError, Context},
    format,
};

/// The records of one account on one chain.
#[derive(Debug)]
pub(crate) struct Runs {
    dir: PathBuf,
    chain_id: u64,
    account: Address,
}

/// Something begun. It lasts until [`Run::finish`].
#[derive(Debug)]
pub(crate) struct Run {
    file: PathBuf,
    record: Record,
    /// It was begun by an earlier command that did not get to the end.
    pub(crate) resumed: bool,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    /// The idempotency key of its transaction.
    key: String,
    /// Unix seconds.
    started_at: u64,
    /// The task that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    task_id: Option<B256>,
}

impl Runs {
    pub(crate) fn new(data_dir: &Path, chain_id: u64, account: Address) -> Self {
        Self { dir: data_dir.join("runs"), chain_id, account }
    }

    /// Whether `what` was begun by a command that did not get to the end.
    pub(crate) fn is_under_way(&self, what: &str, content: &[u8]) -> bool {
        self.file(what, &keccak256(content)).exists()
    }

    fn file(&self, what: &str, hash: &B256) -> PathBuf {
        self.dir.join(format!("{}-{}-{what}-{hash}.json", self.chain_id, self.account))
    }

    /// Begins `what`, or takes it up again: an action is the same if its `content` is.
    pub(crate) fn begin(&self, what: &str, content: &[u8]) -> Result<Run, CliError> {
        let hash = keccak256(content);
        let file = self.file(what, &hash);
        match fs::read(&file) {
            Ok(bytes) => {
                let record = serde_json::from_slice(&bytes).context(|| {
                    format!("reading {}: delete it if nothing of this kind is under way", file.display())
                })?;
                Ok(Run { file, record, resumed: true })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let key = format!("{what}:{hash}:{:032x}", rand::random::<u128>());
                let run =
                    Run { file, record: Record { key, started_at: format::now(), task_id: None }, resumed: false };
                run.save()?;
                Ok(run)
            }
            Err(error) => Err(error).context(|| format!("reading {}", file.display())),
        }
    }
}

impl Run {
    /// The idempotency key of its transaction.
    pub(crate) fn key(&self) -> &str {
        &self.record.key
    }

    /// When it was begun, unix seconds.
    pub(crate) fn started_at(&self) -> u64 {
        self.record.started_at
    }

    /// The task that came of it, if one did.
    pub(crate) fn task_id(&self) -> Option<B256> {
        self.record.task_id
    }

    /// Records the task that came of it.
    pub(crate) fn set_task_id(&mut self, task_id: B256) -> Result<(), CliError> {
        self.record.task_id = Some(task_id);
        self.save()
    }

    /// Over, well or badly: the same command begins anew.
    pub(crate) fn finish(self) -> Result<(), CliError> {
        match fs::remove_file(&self.file) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).context(|| format!("deleting {}", self.file.display()))
            }
            _ => Ok(()),
        }
    }

    fn save(&self) -> Result<(), CliError> {
        let bytes = serde_json::to_vec(&self.record).context(|| "writing a run".into())?;
        write_atomically(&self.file, &bytes)
    }
}

/// Replaces a file by another in one step that survives a crash.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    let write = || {
        let dir = path.parent().unwrap_or(Path::new("."));
        fs::create_dir_all(dir)?;
        let mut file = tempfile::NamedTempFile::new_in(dir)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        fs::File::open(dir)?.sync_all()
    };
    write().context(|| format!("writing {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn runs(dir: &Path) -> Runs {
        Runs::new(dir, 31337, Address::repeat_byte(1))
    }

    #[test]
    fn a_run_that_was_cut_short_goes_on_with_the_same_key() {
        let dir = tempfile::tempdir().expect("a folder");
        assert!(!runs(dir.path()).is_under_way("createTask", b"job"));
        let first = runs(dir.path()).begin("createTask", b"job").expect("a run");
        assert!(runs(dir.path()).is_under_way("createTask", b"job"));
        let again = runs(dir.path()).begin("createTask", b"job").expect("the same run");
        assert!(!first.resumed && again.resumed);
        assert_eq!(first.key(), again.key());
    }

    #[test]
    fn a_finished_run_can_be_begun_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = runs(dir.path()).begin("createTask", b"job").expect("a run");
        let key = first.key().to_owned();
        first.finish().expect("an end");
        let second = runs(dir.path()).begin("createTask", b"job").expect("another run");
        assert!(!second.resumed && second.key() != key);
    }

    #[test]
    fn another_job_is_another_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let one = runs(dir.path()).begin("createTask", b"job").expect("a run");
        let other = runs(dir.path()).begin("createTask", b"another job").expect("a run");
        assert_ne!(one.key(), other.key());
    }

    #[test]
    fn a_resumed_run_remembers_its_task() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut run = runs(dir.path()).begin("createTask", b"job").expect("a run");
        run.set_task_id(B256::repeat_byte(7)).expect("saved");
        let again = runs(dir.path()).begin("createTask", b"job").expect("the same run");
        assert_eq!(again.task_id(), Some(B256::repeat_byte(7)));
    }
}
