//! A folder that is being written: to the side, and then moved into place.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::FolderRef;
use crate::{BlobCid, dag::Block};

/// Takes the blocks of a walk over a folder, whose paths it has checked. Nothing else writes where this does: a name that
/// is there already, because the file system takes two for one, is an error.
#[derive(Debug)]
pub(crate) struct Unpacking {
    aside: TempDir,
    /// The file that began last.
    file: Option<fs::File>,
    /// What was taken; its CID is not known here.
    taken: FolderRef,
}

impl Unpacking {
    /// Begins a folder that will be at `destination`.
    pub(crate) fn begin(destination: &Path) -> io::Result<Self> {
        match fs::symlink_metadata(destination) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Ok(metadata) if metadata.is_dir() && fs::read_dir(destination)?.next().is_none() => {}
            Ok(_) => return Err(io::Error::new(io::ErrorKind::AlreadyExists, "something is there already")),
            Err(error) => return Err(error),
        }
        let parent = match destination.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let aside = tempfile::Builder::new().prefix(".aiigo-").suffix(".part").tempdir_in(parent)?;
        let taken = FolderRef { cid: BlobCid::raw([0; 32]), size: 0, files: 0, folders: 0 };
        Ok(Self { aside, file: None, taken })
    }

    /// Takes the next block, at the path of what begins with it.
    pub(crate) fn take(&mut self, path: Option<&str>, kind: Block, block: &[u8]) -> io::Result<()> {
        if let Some(path) = path {
            let place = self.place(path);
            if kind == Block::Folder {
                fs::create_dir(place)?;
                self.taken.folders += u64::from(!path.is_empty());
                self.file = None;
            } else {
                self.file = Some(fs::File::create_new(place)?);
                self.taken.files += 1;
            }
        }
        if let (Block::Leaf, Some(file)) = (kind, &mut self.file) {
            file.write_all(block)?;
            self.taken.size += block.len() as u64;
        }
        Ok(())
    }

    /// Moves the folder into place.
    pub(crate) fn publish(self, destination: &Path) -> io::Result<FolderRef> {
        // Of what has come to be there in the meantime, only an empty folder is replaced.
        fs::rename(self.place(""), destination)?;
        Ok(self.taken)
    }

    fn place(&self, path: &str) -> PathBuf {
        let root = self.aside.path().join("new");
        if path.is_empty() { root } else { root.join(path) }
    }
}
