//! `aiigo store put`, `get` and `ls`.

use std::path::PathBuf;

use aiigo_storage::{BlobCid, DirStore, MAX_BLOB_BYTES};
use aiigo_task::format_bytes;
use clap::Args;

use super::contents::Contents;
use crate::{
    CliError,
    args::{DataArgs, StoreArgs, parsed},
    cli::Session,
    error::Context,
    output::{printable, table},
};

#[derive(Args, Debug)]
struct Place {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    store: StoreArgs,
}

impl Place {
    fn dir(&self) -> PathBuf {
        self.store.dir(&self.data)
    }

    fn open(&self) -> Result<DirStore, CliError> {
        let dir = self.dir();
        DirStore::open(&dir).context(|| format!("opening the store {}", dir.display()))
    }
}

/// Put a file into the store.
#[derive(Args, Debug)]
pub(crate) struct PutCommand {
    /// The file
    file: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl PutCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let store = self.place.open()?;
        let blob = store.put_file(&self.file).await.context(|| format!("storing {}", self.file.display()))?;
        Contents::of(&self.place.dir()).add(&self.file, &blob)?;
        session.output.result(&blob, || blob.cid.to_string())
    }
}

/// Get a blob out of the store, every block of it checked.
#[derive(Args, Debug)]
pub(crate) struct GetCommand {
    /// Its CID
    #[arg(value_parser = parsed::<BlobCid>)]
    cid: BlobCid,
    /// The file to write
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl GetCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let store = self.place.open()?;
        let blob = store.get_file(&self.cid, &self.output, MAX_BLOB_BYTES).await;
        let blob = blob.context(|| format!("getting {} out of the store", self.cid))?;
        session.output.result(&blob, || format!("{}: {}", self.output.display(), format_bytes(blob.size)))
    }
}

/// List what was put into the store.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    place: Place,
}

impl ListCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let entries = Contents::of(&self.place.dir()).entries()?;
        session.output.result(&entries, || {
            let mut rows = table(["NAME", "SIZE", "CID"]);
            rows.add_rows(
                entries.iter().map(|e| [printable(&e.name), format_bytes(e.blob.size), e.blob.cid.to_string()]),
            );
            rows.to_string()
        })
    }
}
