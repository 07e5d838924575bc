//! Small files that survive a crash at any moment: the old record or the new one, never half of it.

use std::{
    fs,
    io::{self, Write},
    path::Path,
};

use serde::{Serialize, de::DeserializeOwned};

/// What was written last; `None` if there is no file.
pub(crate) fn read<T: DeserializeOwned>(file: &Path) -> io::Result<Option<T>> {
    match fs::read(file) {
        Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// On the disk when this returns. Renaming is atomic.
pub(crate) fn write<T: Serialize>(file: &Path, record: &T) -> io::Result<()> {
    let fresh = file.with_extension("new");
    let mut written = fs::File::create(&fresh)?;
    written.write_all(&serde_json::to_vec(record)?)?;
    written.sync_all()?;
    fs::rename(fresh, file)
}
