//! The database: typed rows, one writer, many readers. All SQL of the indexer stands in this module; what is written
//! knows nothing of events, and what is read knows nothing of GraphQL.

mod cache;
mod changes;
mod connection;
mod database;
mod error;
pub mod feed;
mod indexes;
mod journal;
mod key;
mod listen;
mod postgres;
mod query;
pub mod rows;
mod snapshot;
mod sql;
mod sqlite;
mod state;
mod table;
mod update;
mod value;
mod writer;

use std::time::Duration;

use aiigo_protocol::Deployment;

use self::{
    connection::{Connection, Durability, Postgres, Sqlite},
    database::Pool,
    sql::{Reads as _, Sql},
};
pub use changes::Changes;
pub use database::DatabaseUrl;
pub use error::StoreError;
pub use indexes::PutOff;
pub use journal::Undo;
pub use key::PrimaryKey;
pub use listen::Listener;
pub use query::{Bound, Condition, Operator, Order, Page, PageRequest, Paged};
pub use snapshot::Snapshot;
pub(crate) use sql::decode;
pub use state::{Block, State};
pub(crate) use table::key;
pub use table::{Row, Table};
pub use update::Update;
pub use value::{Cell, Column, ColumnError, Kind, Value};
pub use writer::{ChainPosition, Writer};

/// Read connections: as many requests can read at the same time.
const READERS: u32 = 8;

/// How long all queries of a request together may take.
const QUERY_TIME: Duration = Duration::from_secs(10);

/// How long all queries of a piece of work may take.
const WORK_TIME: Duration = Duration::from_secs(3_600);

/// How long a request waits for a read connection.
const READER_WAIT: Duration = Duration::from_secs(5);

/// Pause between two looks whether another process still writes.
const ELECTION: Duration = Duration::from_millis(100);

/// A connection to a database whose schema is up to date, and which another process may be writing to.
pub struct Candidate {
    connection: Connection,
    /// Whether there can't be others that wait for the same place.
    is_alone: bool,
}

/// Connects to write, and brings the schema up to date. A SQLite file is made if there is none.
///
/// # Errors
/// If the database can't be used.
pub async fn prepare(url: &DatabaseUrl) -> Result<Candidate, StoreError> {
    let connection = match url {
        DatabaseUrl::Sqlite(path) => {
            sqlite::migrate(url, path).await?;
            Sqlite::spawn(path)?
        }
        DatabaseUrl::Postgres(server) => Postgres::spawn(postgres::connect(url, server).await?),
    };
    Ok(Candidate { connection, is_alone: matches!(url, DatabaseUrl::Sqlite(_)) })
}

/// Where a database stands, without a wait for whoever writes to it; brings its schema up to date.
///
/// # Errors
/// If the database belongs to another deployment, or can't be used.
pub async fn inspect(url: &DatabaseUrl, deployment: &Deployment) -> Result<Option<State>, StoreError> {
    let Candidate { mut connection, .. } = prepare(url).await?;
    let state = state::load(&mut connection).await?;
    connection.close().await?;
    state.map(|state| state.of(deployment)).transpose()
}

impl Candidate {
    /// Leaves.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn close(self) -> Result<(), StoreError> {
        self.connection.close().await
    }

    /// Waits until no other process writes, and begins. Of a SQLite file that is not known beforehand: there the second
    /// one fails with its first update.
    ///
    /// # Errors
    /// If the database belongs to another deployment, or fails.
    pub async fn elect(mut self, deployment: &Deployment) -> Result<Writer, StoreError> {
        while !self.is_alone && !self.try_lock().await? {
            tokio::time::sleep(ELECTION).await;
        }
        let mut transaction = self.connection.begin();
        let state = state::open(&mut transaction, deployment).await?;
        let unindexed = indexes::are_put_off(&mut transaction).await?;
        transaction.commit(Durability::Synced).answer().await?;
        Ok(Writer::new(self.connection, state, unindexed))
    }

    async fn try_lock(&mut self) -> Result<bool, StoreError> {
        let locked = self.connection.values(Sql::new(postgres::TRY_LOCK)).await?;
        Ok(locked == [[Value::Int(1)]])
    }
}

/// The reading half of the store: cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    pool: Pool,
}

impl Reader {
    /// Opens a database that was [prepared](prepare) before.
    ///
    /// # Errors
    /// If it can't be opened.
    pub async fn open(url: &DatabaseUrl) -> Result<Self, StoreError> {
        let pool = match url {
            DatabaseUrl::Sqlite(path) => Pool::Sqlite(sqlite::readers(path).await.map_err(url.opening())?),
            DatabaseUrl::Postgres(server) => Pool::Postgres(postgres::readers(server).await.map_err(url.opening())?),
        };
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
