//! Databases in a temporary folder, and their whole content for comparison.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use aiigo_chain::Update;
use aiigo_devnet::Postgres;
use aiigo_indexer::{
    ingest::{self, Projector},
    store::{self, DatabaseUrl, Reader, StoreError, Writer},
};
use tempfile::TempDir;

use super::{catalog::Catalog, chain::Chain, events::deployment};
use crate::IS_POSTGRES;

/// What the database needs to be there.
enum Place {
    File(#[expect(dead_code, reason = "held")] TempDir),
    Server(#[expect(dead_code, reason = "held")] Arc<Postgres>),
}

/// A database, opened for writing.
pub struct Database {
    url: DatabaseUrl,
    _place: Place,
    writer: Option<Writer>,
    projector: Projector,
}

impl Database {
    /// An empty one of the kind that this suite is about.
    pub async fn new() -> Self {
        match IS_POSTGRES {
            true => Self::postgres().await,
            false => Self::sqlite().await,
        }
    }

    pub async fn sqlite() -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let url = format!("sqlite:{}", dir.path().join("index.db").display());
        Self::at(&url, Place::File(dir)).await
    }

    pub async fn postgres() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let server = Postgres::shared().expect("a PostgreSQL server");
        let name = format!("index_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let url = server.database(&name).expect("a database");
        Self::at(url.as_str(), Place::Server(server)).await
    }

    /// One in PostgreSQL for a user who may have one connection, and how others reach it.
    pub async fn postgres_with_one_connection() -> (Self, DatabaseUrl) {
        let server = Postgres::shared().expect("a PostgreSQL server");
        let url = server.database("narrow").expect("a database");
        let everybody = url.as_str().parse().expect("a database URL");
        let role = "CREATE ROLE narrow LOGIN CONNECTION LIMIT 1; GRANT ALL ON SCHEMA public TO narrow";
        Catalog::open(&everybody).await.execute(role).await;
        let mut url = url;
        url.set_username("narrow").expect("a URL with a host");
        (Self::at(url.as_str(), Place::Server(server)).await, everybody)
    }

    async fn at(url: &str, place: Place) -> Self {
        let url = url.parse().expect("a database URL");
        let mut database = Self { url, _place: place, writer: None, projector: Projector::new(deployment()) };
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
    pub const fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// As if the process had been killed and started again: nothing is said to the database.
    pub async fn restart(&mut self) {
        self.writer = None;
        let candidate = store::prepare(&self.url).await.expect("a database that opens");
        self.writer = Some(candidate.elect(&deployment()).await.expect("a database of this deployment"));
    }

    /// As if the process had been killed.
    pub fn close(&mut self) {
        self.writer = None;
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
            let mut open = self.writer.as_mut().expect("open").begin(*from).expect("a fitting update");
            self.projector.apply(&events[..events.len() / 2], open.changes()).await.expect("valid events");
            if let Some(event) = events.first() {
                open.seal(&event.block).expect("a working database");
            }
        }
        self.restart().await;
    }

    pub async fn reader(&self) -> Reader {
        Reader::open(&self.url).await.expect("a database that opens")
    }

    /// See [`dump`].
    pub async fn dump(&self) -> BTreeMap<String, Vec<String>> {
        dump(&self.url).await
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        self.catalog().await.count(table).await
    }

    pub async fn catalog(&self) -> Catalog {
        Catalog::open(&self.url).await
    }
}

/// Every row of every table but those that tell how the database got where it is, and every index.
pub async fn dump(url: &DatabaseUrl) -> BTreeMap<String, Vec<String>> {
    let mut catalog = Catalog::open(url).await;
    let (mut dump, mut indexes) = (BTreeMap::new(), Vec::new());
    let aside = ["blocks", "feed", "indexes_put_off", "undo"];
    for table in catalog.tables().await.into_iter().filter(|name| !aside.contains(&name.as_str())) {
        let mut columns = catalog.columns(&table).await;
        columns.retain(|column| table != "state" || column.name.starts_with("indexed"));
        let rows = catalog.rows(&table, &columns).await;
        indexes.extend(catalog.indexes(&table).await);
        dump.insert(table, rows);
    }
    dump.insert("indexes".into(), indexes);
    dump
}
