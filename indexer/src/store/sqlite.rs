//! What is SQLite's own.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Encode, Row as _, Sqlite, SqliteConnection,
    SqlitePool, Type, TypeInfo, ValueRef,
    encode::IsNull,
    error::BoxDynError,
    query::Query,
    sqlite::{
        SqliteArguments, SqliteArgumentsBuffer, SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow,
        SqliteSynchronous, SqliteTypeInfo,
    },
};

use super::{DatabaseUrl, READER_WAIT, READERS, StoreError, Value, sql::Sql};

/// The code of a statement that [`stop_at`] stopped.
pub(super) const INTERRUPTED: &str = "9";
/// What passes by itself: busy, locked, a disk that fails or is full.
const PASSING: [u32; 4] = [5, 6, 10, 13];

/// SQLite looks at the clock once in so many instructions of its virtual machine.
const INSTRUCTIONS_PER_CHECK: i32 = 10_000;

/// Rows that are read before the first is taken: a page in most cases.
const ROWS_AHEAD: usize = 256;

/// Bytes of the file that readers map instead of copying them: as many as SQLite can.
const MAPPED: &str = "2147418112";

/// How long a lock is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// Bytes of a page of a new file: rows of events are long, so that a smaller one holds few.
const PAGE: u32 = 8_192;

/// How the file is written. With a write-ahead log, `NORMAL` can lose the last transactions to a power cut but never part of
/// one: they are fetched again. 32 MiB for the pages that a history's many indexes are written to; the log is folded into
/// the file every 4,096 pages. What is sorted for indexes stays where SQLite puts it: told to keep it in memory, it
/// allocates every row.
pub(super) const WRITING: &str = "
    PRAGMA synchronous = NORMAL;
    PRAGMA cache_size = -32768;
    PRAGMA wal_autocheckpoint = 4096;";

/// Indexes but those of keys, with what makes them; which tables' has to follow.
pub(super) const INDEXES_OF: &str =
    "SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL AND tbl_name";

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/indexer/sqlite");

fn options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(PATIENCE)
        .statement_cache_capacity(256)
        .disable_statement_logging()
}

/// Makes the file if there is none, and brings its schema up to date.
pub(super) async fn migrate(url: &DatabaseUrl, path: &Path) -> Result<(), StoreError> {
    // With a write-ahead log readers never wait for the writer.
    let options = options(path).create_if_missing(true).page_size(PAGE).journal_mode(SqliteJournalMode::Wal);
    let mut file = options.synchronous(SqliteSynchronous::Normal).connect().await.map_err(url.opening())?;
    MIGRATIONS.run(&mut file).await.map_err(url.migrating())?;
    file.close().await.map_err(url.opening())
}

/// Connects to read.
pub(super) async fn readers(path: &Path) -> Result<SqlitePool, sqlx::Error> {
    let options = options(path).read_only(true).pragma("query_only", "1").pragma("mmap_size", MAPPED);
    let options = options.row_buffer_size(ROWS_AHEAD);
    // A file needs no test whether it is still there.
    let pool = SqlitePoolOptions::new().test_before_acquire(false).max_connections(READERS);
    pool.acquire_timeout(READER_WAIT).connect_with(options).await
}

/// Whether an error of that code passes by itself.
pub(super) fn passes(code: &str) -> bool {
    // The lowest byte of a code is its kind; PostgreSQL's codes have five characters.
    code.len() < 5 && code.parse::<u32>().is_ok_and(|code| PASSING.contains(&(code & 0xff)))
}

/// Stops whatever runs in a transaction at a time.
pub(super) async fn stop_at(transaction: &mut SqliteConnection, deadline: Instant) -> Result<(), sqlx::Error> {
    let mut handle = transaction.lock_handle().await?;
    handle.set_progress_handler(INSTRUCTIONS_PER_CHECK, move || Instant::now() < deadline);
    Ok(())
}

impl Type<Sqlite> for Value {
    fn type_info() -> SqliteTypeInfo {
        <Vec<u8> as Type<Sqlite>>::type_info()
    }
}

impl Encode<'_, Sqlite> for Value {
    fn encode(self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) => Encode::<Sqlite>::encode(int, buffer),
            Self::Text(text) => Encode::<Sqlite>::encode(text, buffer),
            Self::Blob(bytes) => Encode::<Sqlite>::encode(bytes, buffer),
        }
    }

    fn encode_by_ref(&self, buffer: &mut SqliteArgumentsBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) => Encode::<Sqlite>::encode_by_ref(int, buffer),
            Self::Text(text) => Encode::<Sqlite>::encode_by_ref(text, buffer),
            Self::Blob(bytes) => Encode::<Sqlite>::encode_by_ref(bytes, buffer),
        }
    }
}

/// A statement with what is bound to it.
pub(super) fn query(Sql { text, args }: Sql) -> Query<'static, Sqlite, SqliteArguments> {
    args.into_iter().fold(sqlx::query(AssertSqlSafe(text)), |query, arg| query.bind(arg))
}

/// The columns of a row.
pub(super) fn values_of(row: &SqliteRow) -> Result<Vec<Value>, StoreError> {
    row.columns().iter().map(|column| value_at(row, column.ordinal())).collect()
}

fn value_at(row: &SqliteRow, index: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INTEGER" | "BOOLEAN" => Value::Int(row.try_get_unchecked(index)?),
        "TEXT" => Value::Text(row.try_get_unchecked(index)?),
        _ => Value::Blob(row.try_get_unchecked(index)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_file_and_a_full_disk_pass_and_a_damaged_file_does_not() {
        // SQLITE_BUSY, SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE, SQLITE_FULL.
        assert!(["5", "517", "778", "13"].iter().all(|code| passes(code)));
        // SQLITE_CORRUPT, SQLITE_CONSTRAINT_UNIQUE, and a code of PostgreSQL's.
        assert!(!["11", "2067", "22021"].iter().any(|code| passes(code)));
    }
}
