//! What a buyer knows of their store beside the blobs: what was put into it, and where it is served.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aiigo_storage::{BlobCid, BlobRef, DirStore, FolderRef, GatewayUrl};
use serde::{Deserialize, Serialize};

use crate::{
    error::{CliError, Context},
    runs::write_atomically,
};

/// Notes in a store's folder.
#[derive(Clone, Debug)]
pub struct Contents {
    store: PathBuf,
}

/// Something that was put into the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The name of the file or folder.
    pub name: String,
    /// What is in it.
    #[serde(flatten)]
    pub content: Content,
}

/// What is in a file or folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Content {
    /// A file's.
    File(BlobRef),
    /// A folder's.
    Folder(FolderRef),
}

impl Content {
    /// Where it is found.
    pub fn cid(&self) -> BlobCid {
        match self {
            Self::File(blob) => blob.cid,
            Self::Folder(folder) => folder.cid,
        }
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::File(blob) => blob.size,
            Self::Folder(folder) => folder.size,
        }
    }
}

/// The last part of a path.
pub(crate) fn name_of(path: &Path) -> String {
    // `.` and `..` have a name too, elsewhere.
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    path.file_name().or(whole.file_name()).unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

impl Contents {
    /// The notes of the store in a folder.
    pub fn of(store: &Path) -> Self {
        Self { store: store.to_owned() }
    }

    /// Notes that something was put into the store.
    ///
    /// # Errors
    /// If the note can't be written.
    pub fn add(&self, entry: &Entry) -> Result<(), CliError> {
        let note = serde_json::to_vec(entry).context(|| "noting a blob".into())?;
        write_atomically(&self.file_of(&entry.content.cid()), &note)
    }

    /// What was put into the store and was not collected since, by name.
    ///
    /// # Errors
    /// If the notes or the store can't be read.
    pub async fn present(&self, store: &DirStore) -> Result<Vec<Entry>, CliError> {
        let mut present = Vec::new();
        for entry in self.entries()? {
            let cid = entry.content.cid();
            if store.has(&cid).await.context(|| format!("looking for {cid} in the store"))? {
                present.push(entry);
            }
        }
        Ok(present)
    }

    /// Removes the notes of what was collected.
    ///
    /// # Errors
    /// If the notes or the store can't be read, or a note can't be removed.
    pub async fn forget_missing(&self, store: &DirStore) -> Result<(), CliError> {
        for entry in self.entries()? {
            let cid = entry.content.cid();
            if store.has(&cid).await.context(|| format!("looking for {cid} in the store"))? {
                continue;
            }
            let file = self.file_of(&cid);
            match fs::remove_file(&file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(error).context(|| format!("deleting {}", file.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn entries(&self) -> Result<Vec<Entry>, CliError> {
        let dir = self.entries_dir();
        let files = match fs::read_dir(&dir) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            files => files.context(|| format!("reading {}", dir.display()))?,
        };
        let mut entries = Vec::new();
        for file in files.flatten() {
            let bytes = fs::read(file.path()).context(|| format!("reading {}", file.path().display()))?;
            // What is not a note is somebody else's file.
            entries.extend(serde_json::from_slice::<Entry>(&bytes));
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    /// Notes where the store is served.
    ///
    /// # Errors
    /// If the note can't be written.
    pub fn set_gateway(&self, gateway: &GatewayUrl) -> Result<(), CliError> {
        write_atomically(&self.gateway_file(), gateway.as_str().as_bytes())
    }

    /// Where the store was served last.
    ///
    /// # Errors
    /// If it was never served.
    pub fn gateway(&self) -> Result<GatewayUrl, CliError> {
        let file = self.gateway_file();
        match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(CliError::Failed(format!(
                "the store {} is not served, so no provider could fetch anything: start `aiigo store serve --store {}`, or \
                 say with --gateway URL where it is served",
                self.store.display(),
                self.store.display()
            ))),
            text => text
                .context(|| format!("reading {}", file.display()))?
                .trim()
                .parse()
                .context(|| format!("reading {}: start `aiigo store serve` again to mend it", file.display())),
        }
    }

    fn file_of(&self, cid: &BlobCid) -> PathBuf {
        self.entries_dir().join(format!("{cid}.json"))
    }

    fn entries_dir(&self) -> PathBuf {
        self.store.join("entries")
    }

    fn gateway_file(&self) -> PathBuf {
        self.store.join("gateway")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_put_is_listed_once_and_forgotten_with_its_blob() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = DirStore::open(dir.path()).expect("a store");
        let folder = tempfile::tempdir().expect("a folder");
        let file = Entry { name: "b".into(), content: Content::File(store.put_bytes("b").await.expect("stored")) };
        let stored = store.put_folder(folder.path(), false).await.expect("stored");
        let folder = Entry { name: "a".into(), content: Content::Folder(stored) };
        let gone = store.put_bytes("gone").await.expect("stored");
        let contents = Contents::of(dir.path());
        for entry in [&file, &folder, &file] {
            contents.add(entry).expect("noted");
        }
        assert_eq!(contents.present(&store).await.expect("readable"), [folder.clone(), file.clone()]);

        let away = Entry { name: "c".into(), content: Content::File(BlobRef { cid: BlobCid::raw([0; 32]), ..gone }) };
        contents.add(&away).expect("noted");
        assert_eq!(contents.present(&store).await.expect("readable").len(), 2);
        contents.forget_missing(&store).await.expect("forgotten");
        assert_eq!(contents.entries().expect("readable"), [folder, file]);
    }

    #[test]
    fn a_store_that_was_never_served_says_how_to_serve_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let contents = Contents::of(dir.path());
        assert!(contents.gateway().expect_err("never served").to_string().contains("aiigo store serve"));
        let gateway: GatewayUrl = "http://127.0.0.1:4353".parse().expect("an address");
        contents.set_gateway(&gateway).expect("noted");
        assert_eq!(contents.gateway().expect("served"), gateway);
    }
}
