//! Databases in a temporary folder, and their whole content for comparison.

use std::collections::BTreeMap;

use aiigo_chain::Update;
use aiigo_indexer::{
    ingest::{self, Projector},
    store::{self, DatabaseUrl, Reader, StoreError, Writer},
};
use sqlx::{ConnectOptions as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;

use super::{chain::Chain, events::deployment};

/// A database, opened for writing.
pub struct Database {
    dir: TempDir,
    writer: Option<Writer>,
    projector: Projector,
}

impl Database {
    /// An empty one.
    pub async fn new() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let mut database = Self { dir, writer: None, projector: Projector::new(deployment()) };
        database.restart().await;
        database
    }

    /// One with a whole chain in it, as an undisturbed indexer would have written it.
    pub async fn of(chain: &Chain) -> Self {
        let mut database = Self::new().await;
        database.apply(&chain.applied(1, chain.height(), chain.height())).await.expect("a fresh chain");
        database
    }

    /// Where it is.
    pub fn url(&self) -> DatabaseUrl {
        format!("sqlite:{}", self.dir.path().join("index.db").display()).parse().expect("a database URL")
    }

    /// As if the process had been killed and started again: nothing is said to the database.
    pub async fn restart(&mut self) {
        self.writer = None;
        let writer = store::open_writer(&self.url(), &deployment()).await.expect("a database that opens");
        self.writer = Some(writer);
    }

    pub fn writer(&mut self) -> &mut Writer {
        self.writer.as_mut().expect("an open database")
    }

    pub async fn apply(&mut self, update: &Update) -> Result<(), StoreError> {
        let writer = self.writer.as_mut().expect("an open database");
        ingest::apply(writer, &self.projector, update).await
    }

    /// Writes a part of an update and is killed before it commits.
    pub async fn be_killed_during(&mut self, update: &Update) {
        if let Update::Applied { from, events, .. } = update {
            let mut open = self.writer.as_mut().expect("open").begin(*from).await.expect("a fitting update");
            for event in &events[..events.len() / 2] {
                self.projector.apply(event, &mut open.changes).await.expect("a valid event");
            }
            if let Some(event) = events.first() {
                open.seal(&event.block).await.expect("a working database");
            }
        }
        self.restart().await;
    }

    pub async fn reader(&self) -> Reader {
        Reader::open(&self.url()).await.expect("a database that opens")
    }

    /// Every row of every table but those that tell how the database got where it is.
    pub async fn dump(&self) -> BTreeMap<String, Vec<String>> {
        let mut connection = self.connection().await;
        let names: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'table'")
            .fetch_all(&mut connection)
            .await
            .expect("the schema");
        let mut dump = BTreeMap::new();
        for table in names.into_iter().filter(|name| !["_sqlx_migrations", "blocks", "undo"].contains(&name.as_str())) {
            let columns: Vec<String> = sqlx::query_scalar("SELECT name FROM pragma_table_info(?)")
                .bind(&table)
                .fetch_all(&mut connection)
                .await
                .expect("the columns");
            let compared = |name: &&String| table != "state" || name.starts_with("indexed");
            let quoted = |name: &String| format!("'{name}=' || quote({name})");
            let columns: Vec<String> = columns.iter().filter(compared).map(quoted).collect();
            let query = format!("SELECT {} FROM {table} ORDER BY 1", columns.join(" || ' ' || "));
            let rows = sqlx::query_scalar(sqlx::AssertSqlSafe(query)).fetch_all(&mut connection).await;
            dump.insert(table, rows.expect("the rows"));
        }
        dump
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let query = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        sqlx::query_scalar(query).fetch_one(&mut self.connection().await).await.expect("a count")
    }

    async fn connection(&self) -> SqliteConnection {
        SqliteConnectOptions::new().filename(self.url().path()).connect().await.expect("a connection")
    }
}
