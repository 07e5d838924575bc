//! Modules and inputs that were fetched, kept by their content for the next task that needs them. Those that were not used
//! for longest go when all take too much room.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use aiigo_storage::{BlobRef, cid_of_reader};

/// The files, in a folder of the agent's own; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
    bytes: u64,
}

impl Cache {
    /// So many bytes in a folder, which is made when it is needed.
    pub(crate) fn new(folder: PathBuf, bytes: u64) -> Self {
        Self { folder, bytes }
    }

    /// Puts a file to where a task needs it, if it is here and still what it was. The task shares it, and changes nothing.
    pub(crate) fn take(&self, wanted: &BlobRef, to: &Path) -> bool {
        let kept = self.file(wanted);
        match is_whole(&kept, wanted) {
            Ok(true) => {}
            Ok(false) => {
                tracing::warn!(cid = %wanted.cid, "a kept file has changed: it is fetched again");
                let _ = fs::remove_file(kept);
                return false;
            }
            Err(_) => return false,
        }
        let _ = fs::remove_file(to);
        let placed = fs::hard_link(&kept, to).or_else(|_| copy(&kept, to));
        let _ = mark_used(&kept);
        placed.is_ok()
    }

    /// Keeps a file that was fetched and verified. Without room for it, or without a disk that can, it goes without.
    pub(crate) fn keep(&self, blob: &BlobRef, from: &Path) {
        if blob.size > self.bytes {
            return;
        }
        if let Err(error) = self.link(blob, from).and_then(|()| self.tidy()) {
            tracing::debug!(%error, cid = %blob.cid, "a fetched file is not kept");
        }
    }

    fn link(&self, blob: &BlobRef, from: &Path) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        let kept = self.file(blob);
        match fs::hard_link(from, &kept) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            linked => linked?,
        }
        mark_used(&kept)
    }

    /// What all of it takes, bytes.
    pub(crate) fn kept(&self) -> io::Result<u64> {
        Ok(self.by_use()?.iter().map(|(_, size, _)| size).sum())
    }

    /// Removes what was not used for longest until so many bytes have gone, or nothing is left. What a task shares with it
    /// stays on the disk until the task is over.
    pub(crate) fn release(&self, bytes: u64) -> io::Result<()> {
        Self::cut(self.by_use()?, self.kept()?.saturating_sub(bytes))
    }

    fn tidy(&self) -> io::Result<()> {
        Self::cut(self.by_use()?, self.bytes)
    }

    /// Last use, size and place of all, those that were not used for longest first.
    fn by_use(&self) -> io::Result<Vec<(SystemTime, u64, PathBuf)>> {
        let mut kept = Vec::new();
        let files = match fs::read_dir(&self.folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(kept),
            files => files?,
        };
        for file in files.flatten() {
            let metadata = file.metadata()?;
            kept.push((metadata.modified()?, metadata.len(), file.path()));
        }
        kept.sort();
        Ok(kept)
    }

    fn cut(by_use: Vec<(SystemTime, u64, PathBuf)>, most: u64) -> io::Result<()> {
        let mut bytes: u64 = by_use.iter().map(|(_, size, _)| size).sum();
        for (_, size, file) in by_use {
            if bytes <= most {
                break;
            }
            fs::remove_file(file)?;
            bytes = bytes.saturating_sub(size);
        }
        Ok(())
    }

    fn file(&self, blob: &BlobRef) -> PathBuf {
        self.folder.join(blob.cid.to_string())
    }
}

/// Sets the time of last use. The time of writing is not enough: file systems take it from a clock that ticks every few
/// milliseconds, in which several files are written.
fn mark_used(kept: &Path) -> io::Result<()> {
    File::options().append(true).open(kept)?.set_modified(SystemTime::now())
}

/// The copy appears as a whole: what stands in a task's folder is not looked at again.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let half = to.with_extension("part");
    fs::copy(from, &half)?;
    File::open(&half)?.sync_all()?;
    fs::rename(half, to)
}

fn is_whole(file: &Path, wanted: &BlobRef) -> io::Result<bool> {
    let file = File::open(file)?;
    Ok(file.metadata()?.len() == wanted.size && cid_of_reader(file)? == *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    struct World {
        dir: tempfile::TempDir,
        cache: Cache,
    }

    impl World {
        fn new(bytes: u64) -> Self {
            let dir = tempfile::tempdir().expect("a folder");
            let cache = Cache::new(dir.path().join("cache"), bytes);
            Self { dir, cache }
        }

        fn keep(&self, content: &str) -> BlobRef {
            let file = self.dir.path().join(content);
            fs::write(&file, content).expect("written");
            let blob = cid_of_reader(content.as_bytes()).expect("a name");
            self.cache.keep(&blob, &file);
            blob
        }

        fn has(&self, blob: &BlobRef) -> bool {
            self.cache.take(blob, &self.dir.path().join("taken"))
        }
    }

    #[test]
    fn what_was_not_used_for_longest_goes_first() {
        let world = World::new(10);
        let (first, second) = (world.keep("first"), world.keep("secon"));
        assert!(world.has(&first));
        let third = world.keep("third");
        assert!(world.has(&first) && world.has(&third) && !world.has(&second));
        assert_eq!(fs::read(world.dir.path().join("taken")).expect("taken"), b"third");
        assert!(!world.has(&world.keep("longer than all the room")));
    }

    #[test]
    fn room_is_made_for_what_needs_the_disk() {
        let world = World::new(100);
        world.cache.release(1).expect("nothing to release");
        let kept = ["one", "two", "three"].map(|content| world.keep(content));
        for (blob, age) in kept.iter().zip([3, 2, 1]) {
            let used = SystemTime::now() - std::time::Duration::from_secs(age);
            let file = File::options().append(true).open(world.cache.file(blob)).expect("kept");
            file.set_modified(used).expect("set");
        }
        world.cache.release(4).expect("released");
        assert_eq!(kept.each_ref().map(|blob| world.cache.file(blob).exists()), [false, false, true]);
        world.cache.release(u64::MAX).expect("released");
        assert!(!world.cache.file(&kept[2]).exists());
    }

    #[test]
    fn a_copy_appears_as_a_whole() {
        let dir = tempfile::tempdir().expect("a folder");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::write(&from, "content").expect("written");
        copy(&from, &to).expect("copied");
        assert_eq!(fs::read(&to).expect("there"), b"content");
        assert_eq!(fs::read_dir(dir.path()).expect("a folder").count(), 2, "nothing else is left");
    }

    #[test]
    fn a_file_that_changed_is_not_given_out() {
        let world = World::new(100);
        let blob = world.keep("true");
        fs::remove_file(world.cache.file(&blob)).expect("removed");
        fs::write(world.cache.file(&blob), "lies").expect("written");
        assert!(!world.has(&blob));
        assert!(!world.cache.file(&blob).exists());
    }
}
