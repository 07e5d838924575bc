//! One process an outbox: two would hand out the same nonces.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use tokio::time::{Instant, sleep};

use super::OutboxError;

/// Pause between two tries for a lock that another process holds.
const PAUSE: Duration = Duration::from_millis(50);

/// Held as long as it lives; the system drops it with the process, however that ends.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Locks `<path>.lock`, waiting so long for another process to leave.
    pub(super) async fn take(path: &Path, patience: Duration) -> Result<Self, OutboxError> {
        let failed = |source| OutboxError::File { path: path.to_owned(), source };
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let file = File::options().create(true).truncate(false).write(true).open(name).map_err(failed)?;
        let deadline = Instant::now() + patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Self { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => sleep(PAUSE).await,
                Err(TryLockError::WouldBlock) => return Err(OutboxError::Locked { path: path.to_owned() }),
                Err(TryLockError::Error(source)) => return Err(failed(source)),
            }
        }
    }
}
