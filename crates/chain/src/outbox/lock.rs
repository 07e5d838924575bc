//! One process an outbox: two would hand out the same nonces.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use sqlx::{
    ConnectOptions, PgConnection, Row,
    postgres::{PgConnectOptions, PgRow},
};
use tokio::{
    sync::Mutex,
    time::{Instant, sleep, timeout},
};

use super::{OutboxDatabase, OutboxError};

/// Pause between two tries for a lock that another process holds.
const PAUSE: Duration = Duration::from_millis(50);
/// A database that does not say in this time that the lock is still there has lost it.
const SILENCE: Duration = Duration::from_secs(10);
/// One outbox a schema. Other programs' locks have the same first number by chance only.
const TRY_LOCK: &str =
    "SELECT pg_try_advisory_lock(hashtext('aiigo outbox'), hashtext(current_schema()::text)) AS taken";

/// Held as long as it lives; it ends with the process, however that ends.
#[derive(Debug)]
pub(super) enum Lock {
    /// A locked file beside the database.
    File { _file: File },
    /// An advisory lock of a session of its own: when the connection breaks, it is gone.
    Session(Box<Mutex<PgConnection>>),
}

impl Lock {
    /// Locks `<path>.lock`, or the schema, waiting so long for another process to leave.
    pub(super) async fn take(database: &OutboxDatabase, patience: Duration) -> Result<Self, OutboxError> {
        let deadline = Instant::now() + patience;
        match database {
            OutboxDatabase::Sqlite(path) => {
                let file = open(path)?;
                loop {
                    match file.try_lock() {
                        Ok(()) => return Ok(Self::File { _file: file }),
                        Err(TryLockError::WouldBlock) => wait(database, deadline).await?,
                        Err(TryLockError::Error(source)) => return Err(failed(path)(source)),
                    }
                }
            }
            OutboxDatabase::Postgres(url) => {
                let options: PgConnectOptions = url.as_str().parse()?;
                let mut session = options.connect().await?;
                loop {
                    let row: PgRow = sqlx::query(TRY_LOCK).fetch_one(&mut session).await?;
                    if row.try_get("taken")? {
                        return Ok(Self::Session(Box::new(Mutex::new(session))));
                    }
                    wait(database, deadline).await?;
                }
            }
        }
    }

    /// Fails once it is lost.
    pub(super) async fn check(&self) -> Result<(), OutboxError> {
        let Self::Session(session) = self else { return Ok(()) };
        let mut session = session.lock().await;
        let asked = timeout(SILENCE, sqlx::query("SELECT 1").execute(&mut *session)).await;
        match asked {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(OutboxError::LockLost { reason: error.to_string() }),
            Err(_) => Err(OutboxError::LockLost { reason: format!("no answer in {} s", SILENCE.as_secs()) }),
        }
    }
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> OutboxError {
    move |source| OutboxError::File { path: path.to_owned(), source }
}

fn open(path: &Path) -> Result<File, OutboxError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    File::options().create(true).truncate(false).write(true).open(name).map_err(failed(path))
}

async fn wait(database: &OutboxDatabase, deadline: Instant) -> Result<(), OutboxError> {
    if Instant::now() >= deadline {
        return Err(OutboxError::Locked { database: database.clone() });
    }
    sleep(PAUSE).await;
    Ok(())
}
