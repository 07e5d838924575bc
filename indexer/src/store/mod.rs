//! The database: typed rows, one writer, many readers. All SQL of the indexer stands in this module; what is written
//! knows nothing of events, and what is read knows nothing of GraphQL.

mod changes;
mod error;
mod journal;
mod query;
pub mod rows;
mod snapshot;
mod sql;
mod state;
mod table;
mod value;
mod writer;

use std::{path::PathBuf, str::FromStr, time::Duration};

use aiigo_protocol::Deployment;
use sqlx::{
    ConnectOptions as _, SqliteConnection, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

pub use changes::Changes;
pub use error::StoreError;
pub use query::{Bound, Condition, Operator, Order, Page, PageRequest, Paged};
pub use snapshot::Snapshot;
pub use state::{Block, State};
pub(crate) use table::key;
pub use table::{Row, Table};
pub use value::{Column, ColumnError, Value};
pub use writer::{ChainPosition, Update, Writer};

/// Read connections: as many requests can read at the same time.
const READERS: u32 = 8;

/// How long all queries of a request together may take.
const QUERY_TIME: Duration = Duration::from_secs(10);

/// How long all queries of a piece of work may take.
const WORK_TIME: Duration = Duration::from_secs(3_600);

/// How long a request waits for a read connection.
const READER_WAIT: Duration = Duration::from_secs(5);

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/indexer/sqlite");

/// Where the data is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseUrl {
    path: PathBuf,
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        match text.strip_prefix("sqlite:").map(|path| path.strip_prefix("//").unwrap_or(path)) {
            Some(path) if !path.is_empty() => Ok(Self { path: path.into() }),
            _ => Err(StoreError::BadUrl(text.to_owned())),
        }
    }
}

impl std::fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "sqlite:{}", self.path.display())
    }
}

impl DatabaseUrl {
    /// The database file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }

    fn options(&self) -> SqliteConnectOptions {
        SqliteConnectOptions::new()
            .filename(&self.path)
            .busy_timeout(Duration::from_secs(5))
            .statement_cache_capacity(256)
            .disable_statement_logging()
    }

    fn opening(&self) -> impl Fn(sqlx::Error) -> StoreError {
        let path = self.path.display().to_string();
        move |source| StoreError::Open { path: path.clone(), source }
    }
}

/// Opens a database for writing, creates it if there is none, and brings its schema up to date.
///
/// # Errors
/// If it can't be opened, or belongs to another deployment.
pub async fn open_writer(url: &DatabaseUrl, deployment: &Deployment) -> Result<Writer, StoreError> {
    // With a write-ahead log readers never wait for the writer, and `NORMAL` can lose the last transactions to a power
    // cut but never part of one: they are fetched again.
    let options = url
        .options()
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Normal);
    let mut connection: SqliteConnection = options.connect().await.map_err(url.opening())?;
    MIGRATIONS
        .run(&mut connection)
        .await
        .map_err(|source| StoreError::Migrate { path: url.path.display().to_string(), source })?;
    let state = state::open(&mut connection, deployment).await?;
    Ok(Writer::new(connection, state))
}

/// The reading half of the store: cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: SqlitePool,
}

impl Reader {
    /// Opens a database that a writer has opened before.
    ///
    /// # Errors
    /// If it can't be opened.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let options = url.options().read_only(true).pragma("query_only", "1").pragma("mmap_size", "268435456");
        let pool = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(READER_WAIT)
            .connect_with(options)
            .await
            .map_err(url.opening())?;
        Ok(Self { pool })
    }

    /// A view of the database as it is when first read: everything read through it belongs to the same block.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.pool.clone(), QUERY_TIME)
    }

    /// The same for work that nobody waits for.
    pub fn patient_snapshot(&self) -> Snapshot {
        Snapshot::new(self.pool.clone(), WORK_TIME)
    }

    /// Waits until all readers are done and closes their connections.
    pub async fn close(&self) {
        self.pool.close().await;
    }
}
