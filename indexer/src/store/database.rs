//! The two databases behind one type: SQLite embedded, PostgreSQL for production. Statements are the same for both;
//! what is not stands in `sqlite` and `postgres`.

use std::{
    fmt,
    path::PathBuf,
    str::FromStr,
    time::{Duration, Instant},
};

use sqlx::{PgPool, Postgres, Sqlite, SqlitePool};
use url::Url;

use super::{
    StoreError, Value, postgres,
    sql::{Reads, Sql},
    sqlite,
};

/// Where the data is kept. Shown without what may be secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite:FILE`, made if it is not there.
    Sqlite(PathBuf),
    /// `postgres://USER@HOST/NAME`, which must be there. A password comes from `PGPASSWORD` or `~/.pgpass`.
    Postgres(Box<Url>),
}

impl FromStr for DatabaseUrl {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        let bad = || StoreError::BadUrl(text.to_owned());
        match text.split_once(':').ok_or_else(bad)? {
            ("sqlite", path) => match path.strip_prefix("//").unwrap_or(path) {
                "" => Err(bad()),
                path => Ok(Self::Sqlite(path.into())),
            },
            ("postgres" | "postgresql", _) => Ok(Self::Postgres(Box::new(text.parse().map_err(|_| bad())?))),
            _ => Err(bad()),
        }
    }
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite:{}", path.display()),
            Self::Postgres(url) => {
                let host = url.host_str().unwrap_or_default();
                let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
                write!(f, "postgres://{host}{port}{}", url.path())
            }
        }
    }
}

impl DatabaseUrl {
    /// For `map_err`, where the database is opened.
    pub(super) fn opening(&self) -> impl Fn(sqlx::Error) -> StoreError {
        let database = self.to_string();
        move |source| StoreError::Open { database: database.clone(), source }
    }

    /// For `map_err`, where the schema is brought up to date.
    pub(super) fn migrating(&self) -> impl Fn(sqlx::migrate::MigrateError) -> StoreError {
        let database = self.to_string();
        move |source| StoreError::Migrate { database: database.clone(), source }
    }
}

/// Connections that read.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

impl Pool {
    /// Opens a transaction that sees the database as it is now, and in which no statement runs longer than `limit`.
    pub(crate) async fn begin(&self, limit: Duration) -> Result<Reading, StoreError> {
        match self {
            Self::Sqlite(pool) => {
                let mut transaction = pool.begin().await?;
                sqlite::stop_at(&mut transaction, Instant::now() + limit).await?;
                Ok(Reading::Sqlite(transaction))
            }
            Self::Postgres(pool) => Ok(Reading::Postgres(postgres::begin_reading(pool, limit).await?)),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// An open transaction that reads.
#[derive(Debug)]
pub(crate) enum Reading {
    Sqlite(sqlx::Transaction<'static, Sqlite>),
    Postgres(sqlx::Transaction<'static, Postgres>),
}

impl Reads for Reading {
    async fn values(&mut self, sql: Sql) -> Result<Vec<Vec<Value>>, StoreError> {
        match self {
            Self::Sqlite(open) => {
                sqlite::query(sql).fetch_all(&mut **open).await?.iter().map(sqlite::values_of).collect()
            }
            Self::Postgres(open) => {
                postgres::query(sql).fetch_all(&mut **open).await?.iter().map(postgres::values_of).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_a_url_and_shown_without_its_secrets() {
        let shown = |text: &str| text.parse::<DatabaseUrl>().expect("a database").to_string();
        assert_eq!(shown("sqlite:./index.db"), "sqlite:./index.db");
        assert_eq!(shown("sqlite:///var/index.db"), "sqlite:/var/index.db");
        assert_eq!(shown("postgres://user:word@host:5433/index?password=word"), "postgres://host:5433/index");
        for bad in ["index.db", "sqlite:", "postgres://host:port/index", "mysql://host/index"] {
            assert!(matches!(bad.parse::<DatabaseUrl>(), Err(StoreError::BadUrl(_))), "{bad}");
        }
    }
}
