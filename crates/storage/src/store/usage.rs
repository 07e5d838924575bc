//! How much is stored.

use std::{
    collections::HashMap,
    ffi::OsString,
    fs::{self, Metadata},
    io,
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use serde::Serialize;

use super::{Blocks, StoreError};
use crate::BlobCid;

/// A folder that was changed so lately may be changed again without a new time.
const SETTLED: Duration = Duration::from_secs(3);

/// What a store holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Blocks, garbage among them.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

/// What was counted before, by folder: one whose time is still the same holds the same files.
pub(super) type Counted = Mutex<HashMap<OsString, (SystemTime, Usage)>>;

impl Blocks {
    /// Counts what is stored.
    pub(crate) fn usage(&self) -> Result<Usage, StoreError> {
        let fail = |source| self.io("count what is in", source);
        let mut total = Usage::default();
        for shard in fs::read_dir(self.block_folder()).map_err(fail)? {
            let shard = shard.map_err(fail)?;
            let usage = self.usage_of(&shard.path(), shard.file_name()).map_err(fail)?;
            total.blocks += usage.blocks;
            total.bytes += usage.bytes;
        }
        Ok(total)
    }

    fn usage_of(&self, folder: &Path, name: OsString) -> io::Result<Usage> {
        let now = SystemTime::now();
        let modified = fs::metadata(folder)?.modified()?;
        let counted = || self.counted().lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((at, usage)) = counted().get(&name)
            && *at == modified
        {
            return Ok(*usage);
        }
        let mut usage = Usage::default();
        each_file(folder, |_, metadata| {
            usage.blocks += 1;
            usage.bytes += metadata.len();
        })?;
        if now.duration_since(modified).is_ok_and(|age| age > SETTLED) {
            counted().insert(name, (modified, usage));
        }
        Ok(usage)
    }

    /// Tells of every block there is.
    pub(super) fn each_block(&self, mut tell: impl FnMut(BlobCid, Metadata)) -> Result<(), StoreError> {
        let fail = |source| self.io("look through", source);
        for shard in fs::read_dir(self.block_folder()).map_err(fail)? {
            each_file(&shard.map_err(fail)?.path(), &mut tell).map_err(fail)?;
        }
        Ok(())
    }
}

/// Tells of every block in one of the folders. Files come and go meanwhile; what is no block is somebody else's.
fn each_file(folder: &Path, mut tell: impl FnMut(BlobCid, Metadata)) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotADirectory | io::ErrorKind::NotFound) => return Ok(()),
        entries => entries?,
    };
    for entry in entries {
        let entry = entry?;
        let Some(cid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        match entry.metadata() {
            Ok(metadata) => tell(cid, metadata),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
