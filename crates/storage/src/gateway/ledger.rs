//! How much each operator has pushed for each task: `pushes/<account>/<cid>`, one small file a blob that holds its size.
//! Limits hold across restarts and between pushes that run at the same time.

use std::{
    collections::HashMap,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy::primitives::B256;

use crate::BlobCid;

/// Most blobs of one account: its outputs, what it printed and the manifest, several times over.
const MAX_BLOBS: usize = 1024;

/// Why there is no room for a push.
#[derive(Debug, thiserror::Error)]
pub(super) enum LedgerError {
    #[error("the task may push {allowed} bytes in all; {used} are taken, so {size} more are refused")]
    Full { allowed: u64, used: u64, size: u64 },
    #[error("the task may push {MAX_BLOBS} blobs in all")]
    TooMany,
    #[error("this blob is being pushed by another request")]
    Busy,
    #[error("cannot read or write {path}: {source}")]
    Io { path: PathBuf, source: io::Error },
}

/// The books of all accounts: an operator at a task.
#[derive(Debug)]
pub(super) struct Ledger {
    folder: PathBuf,
    /// One reservation at a time: of two pushes one sees the other.
    turn: Mutex<()>,
    /// What is being pushed now, by account. Never locked for long.
    running: Mutex<Running>,
}

type Running = HashMap<B256, HashMap<BlobCid, u64>>;

/// Room that was set aside for one push. Dropping it gives the room back.
#[derive(Debug)]
pub(super) struct Reservation {
    ledger: Arc<Ledger>,
    account: B256,
    cid: BlobCid,
    size: u64,
}

impl Ledger {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, turn: Mutex::default(), running: Mutex::default() }
    }

    /// Sets room aside for a push. Blocks on the disk.
    pub(super) fn reserve(
        self: &Arc<Self>,
        account: B256,
        cid: BlobCid,
        size: u64,
        allowed: u64,
    ) -> Result<Reservation, LedgerError> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        // What runs is looked at before what is finished: a push that ends in between is seen twice rather than never.
        let running = self.running().get(&account).cloned().unwrap_or_default();
        if running.contains_key(&cid) {
            return Err(LedgerError::Busy);
        }
        let mut blobs = finished(&self.folder_of(account))?;
        blobs.extend(running);
        if !blobs.contains_key(&cid) {
            let used = blobs.values().fold(0_u64, |sum, size| sum.saturating_add(*size));
            if used.checked_add(size).is_none_or(|total| total > allowed) {
                return Err(LedgerError::Full { allowed, used, size });
            }
            if blobs.len() >= MAX_BLOBS {
                return Err(LedgerError::TooMany);
            }
        }
        self.running().entry(account).or_default().insert(cid, size);
        Ok(Reservation { ledger: Arc::clone(self), account, cid, size })
    }

    fn folder_of(&self, account: B256) -> PathBuf {
        self.folder.join(account.to_string())
    }

    /// A panic elsewhere leaves the map as valid as it was.
    fn running(&self) -> MutexGuard<'_, Running> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Reservation {
    /// Takes the room for good. Blocks on the disk. To be called before the blob is stored: a crash between the two costs
    /// the task room that a second push of the same blob gets again.
    pub(super) fn commit(&self) -> Result<(), LedgerError> {
        let folder = self.ledger.folder_of(self.account);
        let path = folder.join(self.cid.to_string());
        let write = || {
            fs::create_dir_all(&folder)?;
            let mut file = fs::File::create(&path)?;
            file.write_all(self.size.to_string().as_bytes())?;
            file.sync_all()
        };
        write().map_err(|source| LedgerError::Io { path: path.clone(), source })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        let mut running = self.ledger.running();
        if let Some(blobs) = running.get_mut(&self.account) {
            blobs.remove(&self.cid);
            if blobs.is_empty() {
                running.remove(&self.account);
            }
        }
    }
}

/// The blobs of a task that were pushed before.
fn finished(folder: &Path) -> Result<HashMap<BlobCid, u64>, LedgerError> {
    let fail = |source| LedgerError::Io { path: folder.to_owned(), source };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(HashMap::new()),
        Err(error) => return Err(fail(error)),
    };
    let mut blobs = HashMap::new();
    for entry in entries {
        let entry = entry.map_err(fail)?;
        let Some(cid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let text = fs::read_to_string(entry.path()).map_err(fail)?;
        // A file that a crash left half written counts as nothing; its blob was not stored.
        blobs.insert(cid, text.parse().unwrap_or(0));
    }
    Ok(blobs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cid_of;

    const TASK: B256 = B256::repeat_byte(1);

    fn ledger() -> (tempfile::TempDir, Arc<Ledger>) {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Arc::new(Ledger::new(folder.path().join("pushes")));
        (folder, ledger)
    }

    #[test]
    fn running_and_finished_pushes_count_together() {
        let (_folder, ledger) = ledger();
        let first = ledger.reserve(TASK, cid_of(b"a"), 60, 100).unwrap();
        assert!(matches!(ledger.reserve(TASK, cid_of(b"b"), 41, 100), Err(LedgerError::Full { used: 60, .. })));
        first.commit().unwrap();
        drop(first);
        assert!(matches!(ledger.reserve(TASK, cid_of(b"b"), 41, 100), Err(LedgerError::Full { used: 60, .. })));
        ledger.reserve(TASK, cid_of(b"b"), 40, 100).unwrap();
    }

    #[test]
    fn a_push_that_failed_gives_its_room_back() {
        let (_folder, ledger) = ledger();
        drop(ledger.reserve(TASK, cid_of(b"a"), 100, 100).unwrap());
        ledger.reserve(TASK, cid_of(b"b"), 100, 100).unwrap();
        assert!(ledger.running().is_empty());
    }

    #[test]
    fn the_same_blob_counts_once_and_is_not_pushed_twice_at_once() {
        let (_folder, ledger) = ledger();
        let first = ledger.reserve(TASK, cid_of(b"a"), 100, 100).unwrap();
        assert!(matches!(ledger.reserve(TASK, cid_of(b"a"), 100, 100), Err(LedgerError::Busy)));
        first.commit().unwrap();
        drop(first);
        ledger.reserve(TASK, cid_of(b"a"), 100, 100).unwrap();
    }

    #[test]
    fn tasks_do_not_share_and_restarts_do_not_forget() {
        let (_folder, ledger) = ledger();
        let first = ledger.reserve(TASK, cid_of(b"a"), 100, 100).unwrap();
        first.commit().unwrap();
        let restarted = Arc::new(Ledger::new(ledger.folder.clone()));
        assert!(restarted.reserve(TASK, cid_of(b"b"), 1, 100).is_err());
        restarted.reserve(B256::repeat_byte(2), cid_of(b"b"), 100, 100).unwrap();
    }
}
