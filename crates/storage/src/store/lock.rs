//! Advisory locks between the threads and processes that share a store. The system takes them from who is gone.

use std::{
    fs::{self, File},
    io,
    path::Path,
};

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

/// Waits until nobody holds it exclusively.
pub(super) fn shared(path: &Path) -> io::Result<Lock> {
    let file = open(path)?;
    file.lock_shared()?;
    Ok(Lock { _file: file })
}

/// Waits until nobody else holds it.
pub(super) fn exclusive(path: &Path) -> io::Result<Lock> {
    let file = open(path)?;
    file.lock()?;
    Ok(Lock { _file: file })
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            if let Some(folder) = path.parent() {
                fs::create_dir_all(folder)?;
            }
            options.open(path)
        }
        opened => opened,
    }
}
