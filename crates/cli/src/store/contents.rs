//! What a buyer knows of their store beside the blobs: what was put into it, and where it is served.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use aiigo_storage::{BlobRef, GatewayUrl};
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

/// A file that was put into the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The file's name.
    pub name: String,
    /// Its content.
    #[serde(flatten)]
    pub blob: BlobRef,
}

impl Contents {
    /// The notes of the store in a folder.
    pub fn of(store: &Path) -> Self {
        Self { store: store.to_owned() }
    }

    /// Notes that a file was put into the store.
    ///
    /// # Errors
    /// If the note can't be written.
    pub fn add(&self, file: &Path, blob: &BlobRef) -> Result<(), CliError> {
        let name = file.file_name().unwrap_or(file.as_os_str()).to_string_lossy().into_owned();
        let entry = serde_json::to_vec(&Entry { name, blob: *blob }).context(|| "noting a blob".into())?;
        write_atomically(&self.entries_dir().join(format!("{}.json", blob.cid)), &entry)
    }

    /// What was put into the store, by name.
    ///
    /// # Errors
    /// If the notes can't be read.
    pub fn entries(&self) -> Result<Vec<Entry>, CliError> {
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

    fn entries_dir(&self) -> PathBuf {
        self.store.join("entries")
    }

    fn gateway_file(&self) -> PathBuf {
        self.store.join("gateway")
    }
}

#[cfg(test)]
mod tests {
    use aiigo_storage::DirStore;

    use super::*;

    #[tokio::test]
    async fn what_was_put_is_listed_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let blob = DirStore::open(dir.path()).expect("a store").put_bytes("hello").await.expect("stored");
        let contents = Contents::of(dir.path());
        contents.add(Path::new("some/where/hello.txt"), &blob).expect("noted");
        contents.add(Path::new("hello.txt"), &blob).expect("noted again");
        assert_eq!(contents.entries().expect("readable"), [Entry { name: "hello.txt".into(), blob }]);
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
