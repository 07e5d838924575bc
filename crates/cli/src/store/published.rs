//! Which specs this store's buyer has ordered: whoever runs one of them may push its outputs here, nobody else.
//!
//! The records are written before the task is created, so that a provider is never refused because the buyer's client
//! was killed at the wrong moment. They bind the spec to its buyer: a stranger who copies a spec into a task of their
//! own gets no room in this store.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use alloy::primitives::{Address, B256};

use crate::{
    error::{CliError, Context},
    runs::write_atomically,
};

/// The specs that were ordered from a store.
#[derive(Clone, Debug)]
pub struct Published {
    dir: PathBuf,
}

impl Published {
    /// The records in a store's folder.
    pub fn in_store(store: &Path) -> Self {
        Self { dir: store.join("published") }
    }

    /// Records that `buyer` orders a spec on a chain; `spec` is its canonical JSON.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn record(&self, chain_id: u64, buyer: Address, spec_hash: B256, spec: &[u8]) -> Result<(), CliError> {
        write_atomically(&self.file(chain_id, buyer, spec_hash), spec)
    }

    /// The spec's canonical JSON, if `buyer` ordered it from this store.
    ///
    /// # Errors
    /// If the file is there and can't be read.
    pub fn spec(&self, chain_id: u64, buyer: Address, spec_hash: B256) -> Result<Option<Vec<u8>>, CliError> {
        let file = self.file(chain_id, buyer, spec_hash);
        match fs::read(&file) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context(|| format!("reading {}", file.display())),
        }
    }

    fn file(&self, chain_id: u64, buyer: Address, spec_hash: B256) -> PathBuf {
        self.dir.join(format!("{chain_id}-{buyer:#x}-{spec_hash}.json"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spec_belongs_to_who_ordered_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let published = Published::in_store(dir.path());
        let (buyer, stranger, hash) = (Address::repeat_byte(1), Address::repeat_byte(2), B256::repeat_byte(3));
        published.record(31337, buyer, hash, b"{}").expect("recorded");
        assert_eq!(published.spec(31337, buyer, hash).expect("readable").as_deref(), Some(b"{}".as_slice()));
        assert_eq!(published.spec(31337, stranger, hash).expect("readable"), None);
        assert_eq!(published.spec(1, buyer, hash).expect("readable"), None);
    }
}
