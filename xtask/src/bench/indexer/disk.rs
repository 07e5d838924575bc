//! A disk that has nothing to do with what was measured before.

use std::{fs, io, path::Path};

/// Waits until all that was written is on the disk.
pub(super) async fn settle() -> io::Result<()> {
    tokio::task::spawn_blocking(nix::unistd::sync).await.map_err(io::Error::other)
}

/// Removes a SQLite database that nobody uses.
pub(super) fn remove_sqlite(file: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut path = file.as_os_str().to_owned();
        path.push(suffix);
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
