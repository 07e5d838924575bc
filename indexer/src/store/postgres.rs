//! What is PostgreSQL's own.

use std::time::Duration;

use sqlx::{
    AssertSqlSafe, Column as _, ConnectOptions as _, Connection as _, Encode, PgConnection, PgPool, Postgres, Row as _,
    Transaction, Type, TypeInfo, ValueRef,
    encode::IsNull,
    error::BoxDynError,
    postgres::{PgArgumentBuffer, PgArguments, PgConnectOptions, PgPoolOptions, PgRow, PgTypeInfo, types::Oid},
    query::Query,
};
use url::Url;

use super::{DatabaseUrl, READER_WAIT, READERS, StoreError, Value, sql::Sql};

/// Begins a transaction beside which others read and nobody writes.
pub(super) const BEGIN_WRITING: &str = "BEGIN; LOCK TABLE state IN EXCLUSIVE MODE";
/// Lets the transaction's commit return before its log is on the disk.
pub(super) const LAZY: &str = "SET LOCAL synchronous_commit = off";
/// The code of a statement that ran too long.
pub(super) const INTERRUPTED: &str = "57014";
/// Classes of codes that pass: a broken connection, resources used up, a server that stops or starts.
const PASSING: [&str; 3] = ["08", "53", "57P"];
/// How long a connection is taken to be as it was.
const FRESH: Duration = Duration::from_secs(1);

/// Indexes but those of keys, with what makes them; which tables' has to follow.
pub(super) const INDEXES_OF: &str = "
    SELECT one.relname::text, pg_get_indexdef(one.oid) FROM pg_index
    JOIN pg_class AS one ON one.oid = pg_index.indexrelid
    JOIN pg_class AS indexed ON indexed.oid = pg_index.indrelid
    WHERE one.relnamespace = current_schema()::regnamespace AND NOT pg_index.indisunique AND indexed.relname::text";

/// Whether this connection may write from now on, until it breaks: 1 or 0. One writer a schema. Nothing needs to guard the
/// writes besides: they go through the same connection.
pub(super) const TRY_LOCK: &str =
    "SELECT pg_try_advisory_lock(hashtext('aiigo indexer'), hashtext(current_schema()::text))::int::bigint";
/// Waits until nobody else makes an index, by the statement that does, and lets nobody else until the transaction ends.
pub(super) const BUILD_ALONE: &str = "SELECT pg_advisory_xact_lock(hashtext('aiigo indexer indexes'), hashtext($1))";
/// After how many seconds of silence the server gives a writer up whose machine is gone: 2 + 2 × 1.
const KEEPALIVES: [(&str, &str); 3] =
    [("tcp_keepalives_idle", "2"), ("tcp_keepalives_interval", "1"), ("tcp_keepalives_count", "2")];

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!("../migrations/indexer/postgres");

fn options(url: &Url) -> Result<PgConnectOptions, sqlx::Error> {
    let options: PgConnectOptions = url.as_str().parse()?;
    Ok(options.application_name("aiigo-indexer").statement_cache_capacity(256).disable_statement_logging())
}

/// Connects to write, and brings the schema up to date; the connection, and how to get others like it.
pub(super) async fn connect(url: &DatabaseUrl, server: &Url) -> Result<(PgConnection, PgConnectOptions), StoreError> {
    let options = options(server).map_err(url.opening())?.options(KEEPALIVES);
    let mut connection = options.connect().await.map_err(url.opening())?;
    MIGRATIONS.run(&mut connection).await.map_err(url.migrating())?;
    Ok((connection, options))
}

/// Connects to read.
pub(super) async fn readers(url: &Url) -> Result<PgPool, sqlx::Error> {
    let options = options(url)?.options([("default_transaction_read_only", "on")]);
    // One that was used a moment ago needs no question whether it is still there.
    let pool = PgPoolOptions::new().test_before_acquire(false).before_acquire(|connection, used| {
        Box::pin(async move {
            if used.idle_for > FRESH {
                connection.ping().await?;
            }
            Ok(true)
        })
    });
    pool.max_connections(READERS).acquire_timeout(READER_WAIT).connect_with(options).await
}

/// Whether an error of that code passes by itself.
pub(super) fn passes(code: &str) -> bool {
    PASSING.iter().any(|class| code.starts_with(class))
}

/// Begins a transaction that sees one state of the database, and stops each statement after `limit`. It goes on without
/// whoever asked for it: dropped before the server answers, `sqlx` would hand the connection out with a transaction open.
pub(super) async fn begin_reading(
    pool: &PgPool,
    limit: Duration,
) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
    let begin = AssertSqlSafe(format!(
        "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = {}",
        limit.as_millis()
    ));
    let pool = pool.clone();
    tokio::spawn(async move { pool.begin_with(begin).await }).await.map_err(|_| sqlx::Error::WorkerCrashed)?
}

/// A statement with `$1`, `$2`, … instead of `?`. The store's statements have no other question marks.
pub(super) fn numbered(text: &str) -> String {
    let mut pieces = text.split('?');
    let mut numbered = pieces.next().unwrap_or_default().to_owned();
    for (index, piece) in pieces.enumerate() {
        numbered += &format!("${}{piece}", index + 1);
    }
    numbered
}

impl Type<Postgres> for Value {
    fn type_info() -> PgTypeInfo {
        // Of a missing value; the server infers it from where it stands.
        PgTypeInfo::with_oid(Oid(0))
    }
}

impl Encode<'_, Postgres> for Value {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(int) => Encode::<Postgres>::encode_by_ref(int, buffer),
            Self::Text(text) => Encode::<Postgres>::encode_by_ref(text, buffer),
            Self::Blob(bytes) => Encode::<Postgres>::encode_by_ref(bytes, buffer),
        }
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        match self {
            Self::Null => None,
            Self::Int(_) => Some(<i64 as Type<Postgres>>::type_info()),
            Self::Text(_) => Some(<String as Type<Postgres>>::type_info()),
            Self::Blob(_) => Some(<Vec<u8> as Type<Postgres>>::type_info()),
        }
    }
}

/// A statement with what is bound to it.
pub(super) fn query(Sql { text, args }: Sql) -> Query<'static, Postgres, PgArguments> {
    args.into_iter().fold(sqlx::query(AssertSqlSafe(numbered(&text))), |query, arg| query.bind(arg))
}

/// The columns of a row.
pub(super) fn values_of(row: &PgRow) -> Result<Vec<Value>, StoreError> {
    row.columns().iter().map(|column| value_at(row, column.ordinal())).collect()
}

fn value_at(row: &PgRow, index: usize) -> Result<Value, StoreError> {
    let raw = row.try_get_raw(index)?;
    if raw.is_null() {
        return Ok(Value::Null);
    }
    let kind = raw.type_info();
    Ok(match kind.name() {
        "INT8" => Value::Int(row.try_get_unchecked(index)?),
        "TEXT" => Value::Text(row.try_get_unchecked(index)?),
        _ => Value::Blob(row.try_get_unchecked(index)?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_numbered() {
        assert_eq!(numbered("a = ? AND b IN (?, ?)"), "a = $1 AND b IN ($2, $3)");
        assert_eq!(numbered("SELECT 1"), "SELECT 1");
    }
}
