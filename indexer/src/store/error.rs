//! What can go wrong between the indexer and its database.

use sqlx::migrate::MigrateError;

use super::{ColumnError, PrimaryKey, postgres, sqlite};

/// Why the store can't do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The text of `--database` names no database that this build knows.
    #[error("`{0}` is not a database: expected sqlite:FILE or postgres://USER@HOST/NAME")]
    BadUrl(String),
    /// The database can't be opened or created.
    #[error(
        "cannot open the database {database}: {source}; check that its folder can be written, or its server reached"
    )]
    Open {
        /// The database.
        database: String,
        /// What it said.
        source: sqlx::Error,
    },
    /// The schema can't be brought up to date.
    #[error("cannot prepare the database {database}: {source}; a database of a newer indexer needs that indexer")]
    Migrate {
        /// The database.
        database: String,
        /// What went wrong.
        source: MigrateError,
    },
    /// The database was filled from another deployment.
    #[error(
        "the database belongs to another deployment (chain {found_chain}, {found}); this is chain {chain}, {wanted}: \
         give another --database, or empty this one to index again"
    )]
    OtherDeployment {
        /// The chain that the database was filled from.
        found_chain: u64,
        /// The deployment that it was filled from.
        found: String,
        /// The chain asked for.
        chain: u64,
        /// The deployment asked for.
        wanted: String,
    },
    /// Another process moved the database on.
    #[error("another indexer writes to this database: stop one of the two")]
    AnotherWriter,
    /// Blocks are missing between the database and the update.
    #[error("the update begins at block {from}, but the database ends at block {indexed}")]
    Gap {
        /// First block of the update.
        from: u64,
        /// Last block in the database.
        indexed: u64,
    },
    /// A reorg below what the journal can undo.
    #[error(
        "the chain was reorganised back to block {to}, but everything up to block {floor} was final: find out what \
         happened to the chain, then delete the database to index again"
    )]
    TooDeep {
        /// The common ancestor.
        to: u64,
        /// The last block that can't be undone.
        floor: u64,
    },
    /// An event is about a row that no earlier event made.
    #[error(
        "{table} has no row {key:?}: an earlier event is missing; check the deployment's start block and delete the \
         database to index again"
    )]
    Missing {
        /// The table.
        table: &'static str,
        /// The primary key.
        key: PrimaryKey,
    },
    /// A log where no chain can have one.
    #[error("the RPC endpoint gave log {log_index} of block {block}, which no chain has: use another --rpc-url")]
    NoPosition {
        /// The block's number.
        block: u64,
        /// The index among its logs.
        log_index: u64,
    },
    /// A column does not hold what its type says.
    #[error("table {table} is damaged: {source}; delete the database to index again")]
    Damaged {
        /// The table.
        table: &'static str,
        /// What was found.
        source: ColumnError,
    },
    /// The undo journal can't be read.
    #[error("the undo journal is damaged ({0}); delete the database to index again")]
    DamagedJournal(String),
    /// A query took too long and was stopped.
    #[error("the query took longer than {0} s and was stopped: narrow it by `where`, or ask for a smaller page")]
    TimedOut(u64),
    /// All read connections stay busy.
    #[error("the database is busy: try again in a moment")]
    Busy,
    /// The database failed.
    #[error("database error: {0}")]
    Database(#[source] sqlx::Error),
    /// The database in a file failed the one that writes to it.
    #[error("database error: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The system gives no thread to write on.
    #[error("cannot start a thread: {0}")]
    Thread(#[source] std::io::Error),
    /// Something of the same transaction failed before, and was told.
    #[error("the transaction was undone")]
    Undone,
    /// The connection that writes has ended.
    #[error("the connection to the database has ended")]
    Ended,
}

impl StoreError {
    /// Whether a time limit stopped the statement.
    pub(super) fn is_interruption(&self) -> bool {
        let Self::Database(sqlx::Error::Database(error)) = self else { return false };
        error.code().is_some_and(|code| [sqlite::INTERRUPTED, postgres::INTERRUPTED].contains(&&*code))
    }

    /// Whether waiting may mend it: the database is away, busy or out of space.
    pub fn passes_by_itself(&self) -> bool {
        match self {
            Self::Database(error) | Self::Open { source: error, .. } => passes(error),
            Self::Migrate {
                source: MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _), ..
            } => passes(error),
            Self::Sqlite(error) => {
                error.sqlite_error().is_some_and(|error| sqlite::passes(&error.extended_code.to_string()))
            }
            _ => matches!(self, Self::Busy),
        }
    }
}

fn passes(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| sqlite::passes(&code) || postgres::passes(&code))
        }
        _ => false,
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        match error {
            sqlx::Error::PoolTimedOut => Self::Busy,
            error => Self::Database(error),
        }
    }
}
