//! Where the records are: a SQLite file, or a PostgreSQL database.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    str::FromStr,
};

use sqlx::{
    AnyPool, ConnectOptions, Connection, Executor,
    any::{AnyPoolOptions, install_default_drivers},
    migrate::Migrator,
    postgres::PgConnectOptions,
};
use url::Url;

use super::OutboxError;

static SQLITE: Migrator = sqlx::migrate!("../../migrations/outbox/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../../migrations/outbox/postgres");

/// Connections: the driver's, and those of who asks and submits.
const CONNECTIONS: u32 = 2;

/// Where an outbox keeps its records. Each needs a file, or a PostgreSQL schema, of its own. Shown without what may be
/// secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboxDatabase {
    /// A SQLite file, made if it is not there.
    Sqlite(PathBuf),
    /// A PostgreSQL database, which must be there.
    Postgres(Url),
}

impl OutboxDatabase {
    /// Whether a PostgreSQL server answers and lets us in; nothing is changed. Of a file nothing is asked.
    ///
    /// # Errors
    /// If it does not.
    pub async fn probe(&self) -> Result<(), OutboxError> {
        if let Self::Postgres(url) = self {
            let options: PgConnectOptions = url.as_str().parse()?;
            options.connect().await?.close().await?;
        }
        Ok(())
    }

    /// Connects, and brings the tables up to date.
    pub(super) async fn connect(&self) -> Result<AnyPool, OutboxError> {
        install_default_drivers();
        let options = AnyPoolOptions::new().max_connections(CONNECTIONS);
        match self {
            Self::Sqlite(path) => {
                // A transaction must not be sent before its record survives a power cut.
                let options = options.after_connect(|connection, _| {
                    Box::pin(async move {
                        connection.execute("PRAGMA journal_mode = WAL").await?;
                        connection.execute("PRAGMA synchronous = FULL").await?;
                        Ok(())
                    })
                });
                let pool = options.connect(&sqlite_url(path)?).await?;
                SQLITE.run(&pool).await?;
                Ok(pool)
            }
            Self::Postgres(url) => {
                let pool = options.connect(url.as_str()).await?;
                POSTGRES.run(&pool).await?;
                Ok(pool)
            }
        }
    }
}

/// The path as a URL, whatever is in it.
fn sqlite_url(path: &Path) -> Result<String, OutboxError> {
    let failed = |source| OutboxError::File { path: path.to_owned(), source };
    let absolute = std::path::absolute(path).map_err(failed)?;
    let url = Url::from_file_path(absolute).map_err(|()| failed(io::ErrorKind::InvalidInput.into()))?;
    Ok(format!("sqlite://{}?mode=rwc", url.path()))
}

impl fmt::Display for OutboxDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres(url) => write!(f, "{}{}", crate::rpc::public_name(url), url.path()),
        }
    }
}

impl FromStr for OutboxDatabase {
    type Err = url::ParseError;

    /// `postgres://…`, or a path.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once("://") {
            Some(("postgres" | "postgresql", _)) => Ok(Self::Postgres(text.parse()?)),
            _ => Ok(Self::Sqlite(text.into())),
        }
    }
}

impl From<PathBuf> for OutboxDatabase {
    fn from(path: PathBuf) -> Self {
        Self::Sqlite(path)
    }
}

impl From<&PathBuf> for OutboxDatabase {
    fn from(path: &PathBuf) -> Self {
        Self::Sqlite(path.clone())
    }
}

impl From<&Path> for OutboxDatabase {
    fn from(path: &Path) -> Self {
        Self::Sqlite(path.to_owned())
    }
}

impl From<&Self> for OutboxDatabase {
    fn from(database: &Self) -> Self {
        database.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_shown_without_its_secrets() {
        let database: OutboxDatabase = "postgres://user:word@host:5433/outbox?password=word".parse().expect("a URL");
        assert_eq!(database.to_string(), "postgres://host:5433/outbox");
        assert_eq!("data/outbox.sqlite".parse(), Ok(OutboxDatabase::Sqlite("data/outbox.sqlite".into())));
        assert!("postgres://host:port/outbox".parse::<OutboxDatabase>().is_err(), "no file of that name");
    }

    #[tokio::test]
    async fn a_path_may_have_any_character() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("a b?c#d%20e&mode=ro.sqlite");
        OutboxDatabase::from(&path).connect().await.expect("a database").close().await;
        assert!(path.is_file());
    }
}
