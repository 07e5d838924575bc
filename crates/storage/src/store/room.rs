//! The quota: room is set aside before anything is written, so that a blob is stored as a whole or not at all.
//!
//! Each blob on its way in has a file `rooms/<random>` with the bytes set aside, locked by who writes. The lock of a
//! process that is gone is gone too: its room is free again.

use std::{
    fs::{self, File, TryLockError},
    io::{self, Write},
    path::PathBuf,
};

use tempfile::NamedTempFile;

use super::{Blocks, StoreError, lock};
use crate::dag::{CHUNK_BYTES, Root};

/// Room for a blob that is being written. Dropping it gives back what was not used.
#[derive(Debug)]
pub(crate) struct Room {
    _file: Option<NamedTempFile>,
}

impl Room {
    /// For what is there already.
    const NONE: Self = Self { _file: None };
}

/// Bytes that the blocks of content take at most: a link has up to 60 bytes and its size in the parent's list 4 more, and
/// nodes are linked in turn.
pub(crate) fn stored_bytes(content: u64) -> u64 {
    content.saturating_add((content / CHUNK_BYTES + 2) * 72)
}

impl Blocks {
    /// Sets room aside for `needed` bytes of blocks. Collects garbage if there is none. If that does not help, what is
    /// there as a whole already may still be stored again: `root` finds out what it is.
    pub(crate) fn room(
        &self,
        needed: u64,
        root: impl FnOnce() -> Result<Option<Root>, StoreError>,
    ) -> Result<Room, StoreError> {
        let Some(quota) = self.options().quota else { return Ok(Room::NONE) };
        match self.try_room(needed, quota) {
            Err(StoreError::Full { .. }) => {}
            result => return result,
        }
        let collected = self.collect()?;
        tracing::info!(blobs = collected.blobs, bytes = collected.bytes, "collected garbage to make room");
        match self.try_room(needed, quota) {
            Err(full @ StoreError::Full { .. }) => match root()? {
                Some(root) if self.refresh_tree(root.cid).is_ok() => Ok(Room::NONE),
                _ => Err(full),
            },
            result => result,
        }
    }

    fn try_room(&self, needed: u64, quota: u64) -> Result<Room, StoreError> {
        let fail = |source| self.io("set room aside in", source);
        let _turn = lock::exclusive(&self.lock_file("rooms")).map_err(fail)?;
        let used = self.usage()?.bytes.saturating_add(self.set_aside().map_err(fail)?);
        if used.saturating_add(needed) > quota {
            return Err(StoreError::Full { quota, used, needed });
        }
        let make = || {
            let mut file = NamedTempFile::new_in(self.room_folder())?;
            file.write_all(needed.to_string().as_bytes())?;
            file.as_file().lock()?;
            Ok(Room { _file: Some(file) })
        };
        make().map_err(fail)
    }

    /// Bytes that are set aside for what is being written. Removes what those who are gone have left.
    fn set_aside(&self) -> io::Result<u64> {
        fs::create_dir_all(self.room_folder())?;
        let mut sum: u64 = 0;
        for entry in fs::read_dir(self.room_folder())? {
            let path = entry?.path();
            let file = match File::open(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                file => file?,
            };
            match file.try_lock_shared() {
                Ok(()) => fs::remove_file(&path).or_else(not_found_is_fine)?,
                Err(TryLockError::WouldBlock) => {
                    let bytes = io::read_to_string(&file)?.parse().unwrap_or(0);
                    sum = sum.saturating_add(bytes);
                }
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Ok(sum)
    }

    fn room_folder(&self) -> PathBuf {
        self.path().join("rooms")
    }
}

fn not_found_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}
