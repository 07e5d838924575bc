//! What the tasks in hand were promised of this machine, so that no two are promised the same.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use aiigo_storage::free_disk;
use aiigo_task::{Program, TaskSpec, format_bytes};

use crate::{
    cache::Cache,
    policy::{Policy, Refusal},
};

/// Disk that is left to the rest of the machine, bytes.
const DISK_TO_SPARE: u64 = 1 << 30;

/// A part of the machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) cores: u32,
    /// Bytes.
    pub(crate) memory: u64,
    /// Bytes.
    pub(crate) disk: u64,
}

impl Share {
    /// What a program may come to use. A module runs on one thread; what a container writes stands in memory. Outputs stand
    /// on the disk twice while they are taken over.
    pub(crate) fn of(spec: &TaskSpec) -> Self {
        let limits = &spec.limits;
        let disk = spec.download_bytes().saturating_add(limits.output_bytes.saturating_mul(2));
        let (cores, memory) = match spec.program() {
            Program::Wasm(_) => (1, limits.memory_bytes),
            Program::Image(_) => (limits.cpus.unwrap_or(1), limits.memory_bytes.saturating_add(limits.output_bytes)),
        };
        Self { cores, memory, disk }
    }

    fn plus(self, other: Self) -> Self {
        Self {
            cores: self.cores.saturating_add(other.cores),
            memory: self.memory.saturating_add(other.memory),
            disk: self.disk.saturating_add(other.disk),
        }
    }

    fn minus(self, other: Self) -> Self {
        Self {
            cores: self.cores.saturating_sub(other.cores),
            memory: self.memory.saturating_sub(other.memory),
            disk: self.disk.saturating_sub(other.disk),
        }
    }
}

/// What is promised; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Resources {
    promised: Arc<Mutex<Share>>,
    /// Where tasks keep their files.
    folder: PathBuf,
    /// What goes when the disk is needed.
    cache: Cache,
}

/// A promise, until it is dropped.
#[derive(Debug)]
pub(crate) struct Promise {
    share: Share,
    promised: Arc<Mutex<Share>>,
}

impl Drop for Promise {
    fn drop(&mut self) {
        let mut promised = self.promised.lock().unwrap_or_else(PoisonError::into_inner);
        *promised = promised.minus(self.share);
    }
}

impl Resources {
    pub(crate) fn new(folder: &Path, cache: Cache) -> Self {
        Self { promised: Arc::default(), folder: folder.to_owned(), cache }
    }

    /// Promises a share, if the policy and the other promises leave it. Kept files give way to a task that fits otherwise.
    pub(crate) fn promise(&self, share: Share, policy: &Policy) -> Result<Promise, Refusal> {
        let mut promised = self.lock();
        let cores = u64::from(policy.cores).saturating_sub(promised.cores.into());
        if u64::from(share.cores) > cores {
            return Err(Refusal::not_now(format!("it needs {} processors, {cores} are left", share.cores)));
        }
        fits("memory", share.memory, policy.memory.saturating_sub(promised.memory))?;
        fits("disk space", share.disk, policy.disk.unwrap_or(u64::MAX).saturating_sub(promised.disk))?;
        // What is promised of the disk and written already counts twice: rather too careful than full.
        let wanted = promised.disk.saturating_add(share.disk);
        let free =
            self.free(wanted).map_err(|error| Refusal::not_now(format!("the disk can't be looked at: {error}")))?;
        fits("disk space", share.disk, free.saturating_sub(promised.disk))?;
        *promised = promised.plus(share);
        Ok(Promise { share, promised: Arc::clone(&self.promised) })
    }

    /// What may be written to the disk, bytes. What is missing of `wanted` is taken from the kept files, if they have it.
    fn free(&self, wanted: u64) -> io::Result<u64> {
        let free = || free_disk(&self.folder).map(|free| free.saturating_sub(DISK_TO_SPARE));
        let now = free()?;
        let missing = wanted.saturating_sub(now);
        if missing == 0 || self.cache.kept()? < missing {
            return Ok(now);
        }
        self.cache.release(missing)?;
        free()
    }

    /// Notes what was promised already: a task that is this node's has its share whatever the policy says by now.
    pub(crate) fn keep(&self, share: Share) -> Promise {
        let mut promised = self.lock();
        *promised = promised.plus(share);
        Promise { share, promised: Arc::clone(&self.promised) }
    }

    /// What is promised now.
    #[cfg(test)]
    pub(crate) fn promised(&self) -> Share {
        *self.lock()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Share> {
        self.promised.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn fits(what: &str, wanted: u64, left: u64) -> Result<(), Refusal> {
    match wanted <= left {
        true => Ok(()),
        false => {
            let (wanted, left) = (format_bytes(wanted), format_bytes(left));
            Err(Refusal::not_now(format!("it needs {wanted} of {what}, {left} are left")))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resources_at(folder: &str) -> Resources {
        Resources::new(Path::new(folder), Cache::new("/no/such/folder".into(), 0))
    }

    fn policy() -> Policy {
        Policy { cores: 2, memory: 100, disk: Some(1000), ..Policy::default() }
    }

    #[track_caller]
    fn assert_refused(resources: &Resources, share: Share, reason: &str) {
        let refusal = resources.promise(share, &policy()).expect_err(reason);
        assert!(refusal.reason.contains(reason) && refusal.may_change, "{refusal}");
    }

    #[test]
    fn nothing_is_promised_twice_and_everything_comes_back() {
        let resources = resources_at("/");
        let half = Share { cores: 1, memory: 50, disk: 500 };
        let first = resources.promise(half, &policy()).expect("there is enough");
        assert_refused(&resources, Share { memory: 51, ..half }, "memory, 50 B are left");
        assert_refused(&resources, Share { disk: 501, ..half }, "disk space");
        assert_refused(&resources, Share { cores: 2, ..half }, "processors, 1 are left");
        let second = resources.promise(half, &policy()).expect("the other half");
        assert_refused(&resources, Share { cores: 0, memory: 1, disk: 0 }, "memory, 0 B are left");
        drop(first);
        assert_eq!(resources.promised(), half);
        drop(second);
        assert_eq!(resources.promised(), Share::default());
    }

    #[test]
    fn what_was_promised_before_stays_so_even_above_a_new_policy() {
        let resources = resources_at("/");
        let kept = resources.keep(Share { cores: 8, memory: 1000, disk: 0 });
        assert_refused(&resources, Share { cores: 0, memory: 1, disk: 0 }, "memory");
        drop(kept);
        assert!(resources.promise(Share { cores: 0, memory: 1, disk: 0 }, &policy()).is_ok());
    }

    #[test]
    fn a_disk_that_is_too_small_is_not_promised() {
        let resources = resources_at("/no/such/folder");
        let policy = Policy { disk: None, ..policy() };
        let share = Share { cores: 0, memory: 0, disk: u64::MAX };
        assert!(resources.promise(share, &policy).expect_err("too much").reason.contains("disk space"));
    }
}
