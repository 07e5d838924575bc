//! How a reader learns that another process wrote.

use sqlx::postgres::PgListener;

use super::{Reader, StoreError, database::Pool, feed::CHANNEL};

/// Hears of every commit to the feed by another process.
#[derive(Debug)]
pub struct Listener(Option<PgListener>);

impl Reader {
    /// Listens from now on.
    ///
    /// # Errors
    /// If the database can't be reached, or, as a standby server of PostgreSQL, lets nobody listen.
    pub async fn listen(&self) -> Result<Listener, StoreError> {
        // A SQLite file is written by one process, and that one is its own reader.
        let Pool::Postgres(pool) = &self.pool else { return Ok(Listener(None)) };
        let mut listener = PgListener::connect_with(pool).await?;
        listener.listen(CHANNEL).await?;
        Ok(Listener(Some(listener)))
    }
}

impl Listener {
    /// Waits for the next commit, or for the connection to have broken and come back: what was committed meanwhile has to
    /// be looked for.
    ///
    /// # Errors
    /// If the connection broke and does not come back.
    pub async fn heard(&mut self) -> Result<(), StoreError> {
        match &mut self.0 {
            Some(listener) => Ok(listener.try_recv().await.map(drop)?),
            None => std::future::pending().await,
        }
    }
}
