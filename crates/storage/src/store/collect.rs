//! Garbage: blocks below no pin that nobody has touched for a while.
//!
//! A collection marks all that lies below pins, then removes what is unmarked and old. What makes it safe beside other
//! processes: whoever relies on a block makes it fresh first, under a lock that is held while a block's age is looked at and
//! the block removed. So a blob that is being stored, or pinned after the marking, is fresh and stays.

use std::{
    collections::HashSet,
    fs, io,
    time::{Duration, SystemTime},
};

use serde::Serialize;

use super::{Blocks, StoreError, lock};
use crate::{
    BlobCid,
    dag::{FolderLimits, IPFS, Walk, children},
};

/// Files' times may lag behind the clock by as much: two seconds on the coarsest file systems.
const COARSEST_TIME: Duration = Duration::from_secs(2);
/// Blocks removed under one lock. Writers wait meanwhile.
const BATCH: usize = 64;
/// What was taken in is walked over again without limits.
const NO_LIMITS: FolderLimits = FolderLimits { bytes: u64::MAX, entries: u64::MAX };

/// What a collection removed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Collected {
    /// Files and folders: blocks that no other removed block links to.
    pub blobs: u64,
    /// Blocks.
    pub blocks: u64,
    /// Their bytes.
    pub bytes: u64,
}

impl Blocks {
    /// Removes garbage.
    pub(crate) fn collect(&self) -> Result<Collected, StoreError> {
        let _turn = lock::exclusive(&self.lock_file("collect")).map_err(|source| self.io("lock", source))?;
        let (garbage, before) = self.garbage()?;
        let mut collected = Collected { blobs: self.count_roots(&garbage), ..Collected::default() };
        for batch in garbage.chunks(BATCH) {
            let _alone = lock::exclusive(&self.lock_file("blocks")).map_err(|source| self.io("lock", source))?;
            for (cid, _) in batch {
                let path = self.file_of(cid);
                // It may have been made fresh since it was looked at.
                match fs::metadata(&path) {
                    Ok(metadata) if metadata.modified().is_ok_and(|modified| modified < before) => {
                        match fs::remove_file(&path) {
                            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                                return Err(StoreError::Io { action: "remove", path, source: error });
                            }
                            _ => {
                                collected.blocks += 1;
                                collected.bytes += metadata.len();
                            }
                        }
                    }
                    _ => {}
                }
            }
        }
        Ok(collected)
    }

    /// What a collection would remove.
    pub(crate) fn collectable(&self) -> Result<Collected, StoreError> {
        let (garbage, _) = self.garbage()?;
        let bytes = garbage.iter().map(|(_, size)| size).sum();
        Ok(Collected { blobs: self.count_roots(&garbage), blocks: garbage.len() as u64, bytes })
    }

    /// Unmarked blocks older than a time, their sizes, and that time. It lies before the marking.
    fn garbage(&self) -> Result<(Vec<(BlobCid, u64)>, SystemTime), StoreError> {
        let age = self.options().grace.max(COARSEST_TIME);
        let before = SystemTime::now().checked_sub(age).unwrap_or(SystemTime::UNIX_EPOCH);
        let marked = self.mark()?;
        let mut garbage = Vec::new();
        self.each_block(|cid, metadata| {
            if !marked.contains(&cid) && metadata.modified().is_ok_and(|modified| modified < before) {
                garbage.push((cid, metadata.len()));
            }
        })?;
        Ok((garbage, before))
    }

    /// All blocks below pins.
    fn mark(&self) -> Result<HashSet<BlobCid>, StoreError> {
        let mut marked = HashSet::new();
        for pin in self.pins()? {
            self.visit(pin.cid, &mut marked, |_, _| Ok(())).map_err(|error| match error {
                StoreError::Missing(_) | StoreError::Damaged { .. } | StoreError::Layout(_) => {
                    StoreError::BrokenPin { cid: pin.cid, holder: pin.holder, source: Box::new(error) }
                }
                other => other,
            })?;
        }
        Ok(marked)
    }

    /// Makes all blocks of a file or folder fresh, or says what is missing.
    pub(crate) fn refresh_tree(&self, cid: BlobCid) -> Result<(), StoreError> {
        self.visit(cid, &mut HashSet::new(), |cid, size| match self.refresh(cid, size) {
            Ok(true) => Ok(()),
            Ok(false) => Err(StoreError::Missing(*cid)),
            Err(source) => Err(StoreError::Io { action: "touch", path: self.file_of(cid), source }),
        })
    }

    /// Goes over the blocks of a file or folder that were not seen before, and tells of each, with its size if that is
    /// known without reading it. Nodes are read and verified, leaves are not.
    fn visit(
        &self,
        root: BlobCid,
        seen: &mut HashSet<BlobCid>,
        mut tell: impl FnMut(&BlobCid, Option<u64>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let mut walk = Walk::tree(IPFS, root, NO_LIMITS);
        while let Some(cid) = walk.next() {
            if !seen.insert(cid) {
                walk.skip();
                continue;
            }
            tell(&cid, walk.next_leaf_size())?;
            if cid.is_raw() {
                walk.skip();
                continue;
            }
            let block = self.present(&cid)?;
            self.accept(&mut walk, &block)?;
        }
        Ok(())
    }

    /// How many of these blocks none of the others links to.
    fn count_roots(&self, blocks: &[(BlobCid, u64)]) -> u64 {
        let mut roots: HashSet<BlobCid> = blocks.iter().map(|(cid, _)| *cid).collect();
        for (cid, _) in blocks.iter().filter(|(cid, _)| !cid.is_raw()) {
            // What can't be read links to nothing; it is only counted here.
            for child in self.present(cid).map(|block| children(&block)).unwrap_or_default() {
                roots.remove(&child);
            }
        }
        roots.len() as u64
    }
}
