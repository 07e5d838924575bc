//! `aiigo store put`, `get` and `ls`.

use std::path::PathBuf;

use aiigo_storage::{BlobCid, DirStore, FolderLimits, MAX_BLOB_BYTES, MAX_FOLDER_ENTRIES, PinHolder};
use aiigo_task::format_bytes;
use clap::Args;

use super::contents::{Content, Contents, Entry, name_of};
use crate::{
    CliError,
    args::{DataArgs, StoreArgs, parsed},
    cli::Session,
    error::Context,
    output::{printable, table},
};

/// Which store.
#[derive(Args, Debug)]
pub(super) struct Place {
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    store: StoreArgs,
}

impl Place {
    pub(super) fn dir(&self) -> PathBuf {
        self.store.dir(&self.data)
    }

    pub(super) fn open(&self) -> Result<DirStore, CliError> {
        let dir = self.dir();
        DirStore::open(&dir).context(|| format!("opening the store {}", dir.display()))
    }
}

/// Put a file or folder into the store, and pin it there.
#[derive(Args, Debug)]
pub(crate) struct PutCommand {
    /// The file or folder
    #[arg(value_name = "PATH")]
    path: PathBuf,
    /// Of a folder, also what is hidden: names that begin with a `.`
    #[arg(long)]
    hidden: bool,
    #[command(flatten)]
    place: Place,
}

impl PutCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let (store, path) = (self.place.open()?, self.path);
        let stored = match path.is_dir() {
            true => store.put_folder(&path, self.hidden).await.map(Content::Folder),
            false => store.put_file(&path).await.map(Content::File),
        };
        let content = stored.context(|| format!("storing {}", path.display()))?;
        let name = name_of(&path);
        let pinned = store.pin(&content.cid(), PinHolder::user(), &*name).await;
        pinned.context(|| format!("pinning {}", content.cid()))?;
        Contents::of(&self.place.dir()).add(&Entry { name, content })?;
        session.output.result(&content, || content.cid().to_string())
    }
}

/// Get a file or folder out of the store, every block of it checked.
#[derive(Args, Debug)]
pub(crate) struct GetCommand {
    /// Its CID
    #[arg(value_parser = parsed::<BlobCid>)]
    cid: BlobCid,
    /// The file or folder to write
    #[arg(long, short, value_name = "PATH")]
    output: PathBuf,
    #[command(flatten)]
    place: Place,
}

impl GetCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let store = self.place.open()?;
        let getting = || format!("getting {} out of the store", self.cid);
        let limits = FolderLimits { bytes: MAX_BLOB_BYTES, entries: MAX_FOLDER_ENTRIES };
        let got = match store.is_folder(&self.cid).await.context(getting)? {
            Some(true) => store.get_folder(&self.cid, &self.output, limits).await.map(Content::Folder),
            _ => store.get_file(&self.cid, &self.output, MAX_BLOB_BYTES).await.map(Content::File),
        };
        let content = got.context(getting)?;
        session.output.result(&content, || format!("{}: {}", self.output.display(), format_bytes(content.size())))
    }
}

/// List what was put into the store and is still there.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    #[command(flatten)]
    place: Place,
}

impl ListCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let store = self.place.open()?;
        let entries = Contents::of(&self.place.dir()).present(&store).await?;
        session.output.result(&entries, || {
            let mut rows = table(["NAME", "SIZE", "CID"]);
            rows.add_rows(
                entries
                    .iter()
                    .map(|e| [printable(&e.name), format_bytes(e.content.size()), e.content.cid().to_string()]),
            );
            rows.to_string()
        })
    }
}
