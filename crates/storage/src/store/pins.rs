//! What must stay, and for whom: `pins/<cid>.<holder>`, one small file each.

use std::{
    fmt, fs, io,
    io::Write,
    path::{Path, PathBuf},
    str::FromStr,
    time::{SystemTime, UNIX_EPOCH},
};

use alloy::primitives::B256;
use serde::{Deserialize, Serialize};

use super::{Blocks, StoreError, sync_folder};
use crate::BlobCid;

/// Who needs a blob: lower-case letters, digits and `-`, at most 100 of them. Each holder pins for itself; a blob stays
/// as long as anybody does.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PinHolder(String);

/// A text that names no holder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` names no holder of pins: expected up to 100 lower-case letters, digits and `-`")]
pub struct PinHolderError(String);

impl PinHolder {
    /// Who put the blob there by hand.
    pub fn user() -> Self {
        Self("user".into())
    }

    /// A task on a chain, by the chain's EIP-155 id.
    pub fn task(chain_id: u64, task_id: B256) -> Self {
        Self(format!("task-{chain_id}-{task_id}"))
    }

    /// The task and the id of its chain, if the holder is one.
    pub fn as_task(&self) -> Option<(u64, B256)> {
        let (chain_id, task_id) = self.0.strip_prefix("task-")?.split_once('-')?;
        let task = (chain_id.parse().ok()?, task_id.parse().ok()?);
        (Self::task(task.0, task.1) == *self).then_some(task)
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PinHolder {
    type Err = PinHolderError;

    fn from_str(text: &str) -> Result<Self, PinHolderError> {
        let allowed = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-';
        match !text.is_empty() && text.len() <= 100 && text.bytes().all(allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(PinHolderError(text.chars().take(100).collect())),
        }
    }
}

impl fmt::Display for PinHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A blob that must stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Pin {
    /// The file or folder.
    pub cid: BlobCid,
    /// Who needs it.
    pub holder: PinHolder,
    /// What it is, in a word: a file's name, for example.
    pub note: String,
    /// When it was pinned, Unix seconds.
    pub since: u64,
}

/// What stands in the file of a pin.
#[derive(Default, Serialize, Deserialize)]
struct Record {
    #[serde(default)]
    note: String,
    #[serde(default)]
    since: u64,
}

impl Blocks {
    /// All pins, in no particular order.
    pub(crate) fn pins(&self) -> Result<Vec<Pin>, StoreError> {
        let folder = self.pin_folder();
        let fail = |source| StoreError::Io { action: "read the pins in", path: folder.clone(), source };
        let entries = match fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(fail)?,
        };
        let mut pins = Vec::new();
        for entry in entries {
            let entry = entry.map_err(fail)?;
            let Some((cid, holder)) = entry.file_name().to_str().and_then(parse_name) else { continue };
            let bytes = match fs::read(entry.path()) {
                Ok(bytes) => bytes,
                // It was unpinned in this moment.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(fail(error)),
            };
            // The name says all that matters: a damaged note unpins nothing.
            let Record { note, since } = serde_json::from_slice(&bytes).unwrap_or_default();
            pins.push(Pin { cid, holder, note, since });
        }
        Ok(pins)
    }

    /// Pins a file or folder, all of which must be there.
    pub(crate) fn pin(&self, cid: BlobCid, holder: &PinHolder, note: &str) -> Result<(), StoreError> {
        // Before the pin is written, so that a crash leaves no pin of what is not there: that would stop every collection.
        self.refresh_tree(cid)?;
        let path = self.pin_file(&cid, holder);
        let was_pinned = path.exists();
        self.write_pin(&path, note).map_err(|source| StoreError::Io {
            action: "write the pin",
            path: path.clone(),
            source,
        })?;
        // A collection that began before the pin was there does not know of it, and spares what is fresh.
        self.refresh_tree(cid).inspect_err(|_| {
            if !was_pinned {
                let _ = fs::remove_file(&path);
            }
        })
    }

    /// Tells whether there was such a pin.
    pub(crate) fn unpin(&self, cid: &BlobCid, holder: &PinHolder) -> Result<bool, StoreError> {
        let path = self.pin_file(cid, holder);
        let remove = || {
            fs::remove_file(&path)?;
            sync_folder(path.parent())
        };
        match remove() {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(StoreError::Io { action: "remove the pin", path: path.clone(), source }),
        }
    }

    fn write_pin(&self, path: &Path, note: &str) -> io::Result<()> {
        fs::create_dir_all(self.pin_folder())?;
        let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let mut file = self.temporary_file()?;
        file.write_all(&serde_json::to_vec(&Record { note: note.to_owned(), since })?)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        sync_folder(path.parent())
    }

    fn pin_folder(&self) -> PathBuf {
        self.path().join("pins")
    }

    fn pin_file(&self, cid: &BlobCid, holder: &PinHolder) -> PathBuf {
        self.pin_folder().join(format!("{cid}.{holder}"))
    }
}

fn parse_name(name: &str) -> Option<(BlobCid, PinHolder)> {
    let (cid, holder) = name.split_once('.')?;
    Some((cid.parse().ok()?, holder.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cid_of;

    #[test]
    fn a_holder_is_a_plain_word() {
        for text in ["user", "task-1-0xab", "a"] {
            assert_eq!(text.parse::<PinHolder>().unwrap().as_str(), text);
        }
        for text in ["", "A", "a/b", "..", "a.b", "a b", &"a".repeat(101)] {
            assert!(text.parse::<PinHolder>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_tasks_holder_tells_the_task() {
        let task = (31337, B256::repeat_byte(7));
        let holder = PinHolder::task(task.0, task.1);
        assert_eq!(holder.as_str().parse(), Ok(holder.clone()));
        assert_eq!(holder.as_task(), Some(task));
        for other in ["user", "task-1", "task-01-0x07", "task-x-0x07"] {
            assert_eq!(other.parse::<PinHolder>().unwrap().as_task(), None, "{other}");
        }
        assert_eq!(parse_name(&format!("{}.{holder}", cid_of(b"x"))), Some((cid_of(b"x"), holder)));
    }
}
