//! The disk below a folder.

use std::{fs, io, path::Path};

/// What an ordinary user can still write to the disk of a folder, bytes. The folder itself may come later.
///
/// # Errors
/// If the system does not tell.
pub fn free_disk(folder: &Path) -> io::Result<u64> {
    let there = folder.ancestors().find(|folder| fs::exists(folder).unwrap_or(false)).unwrap_or(Path::new("/"));
    let disk = nix::sys::statvfs::statvfs(there).map_err(io::Error::from)?;
    Ok(disk.blocks_available().saturating_mul(disk.fragment_size()))
}
