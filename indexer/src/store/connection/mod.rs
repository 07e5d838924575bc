//! The connection that writes. What it is asked to do it does in order and beside whoever asks: only what is read, and
//! whether a transaction was committed, has to be waited for.

mod copy;
mod postgres;
mod sqlite;

use tokio::sync::{mpsc, oneshot};

use super::{
    Cell, Row, StoreError, Table, Value,
    sql::{Reads, Sql},
};
pub(super) use postgres::Postgres;
pub(super) use sqlite::Sqlite;

/// What happens to a row whose key is there already.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Existing {
    /// It is an error, which ends the transaction: rows are only ever added.
    Refused,
    /// It is overwritten.
    Replaced,
}

/// What a commit outlasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// Whatever happens to the database's server.
    Synced,
    /// Nothing yet but the end of this program: a crash of the server may undo it and what came after, until a commit that
    /// is synced.
    Lazy,
}

/// Rows of one table, whatever their type.
trait Batch: Send + Sync {
    fn table(&self) -> &'static Table;
    fn count(&self) -> usize;
    fn cell(&self, row: usize, column: usize) -> Cell<'_>;
}

impl<R: Row> Batch for Vec<R> {
    fn table(&self) -> &'static Table {
        R::TABLE
    }

    fn count(&self) -> usize {
        self.len()
    }

    fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        self[row].cell(column)
    }
}

/// Rows that were read.
type Found = Vec<Vec<Value>>;

type Answer<T> = oneshot::Sender<Result<T, StoreError>>;

/// What a connection is asked to do.
enum Order {
    Begin,
    Write(Box<dyn Batch>, Existing),
    Run(Sql),
    Build(Vec<String>),
    Must(Sql, StoreError),
    Wake(&'static str),
    Read(Sql, Answer<Found>),
    Commit(Durability, Answer<()>),
    Rollback,
    Close(Answer<()>),
}

/// What each database does in its own way.
trait Database {
    /// Lists the indexes of tables but those of keys, with what makes them; which tables' has to follow.
    const INDEXES_OF: &'static str;

    /// Begins a transaction that nobody else writes beside.
    async fn begin(&mut self) -> Result<(), StoreError>;
    /// Writes rows, no two with the same key.
    async fn write(&mut self, rows: &dyn Batch, existing: Existing) -> Result<(), StoreError>;
    /// Runs a statement, now or before the next that has an outcome.
    async fn run(&mut self, sql: Sql) -> Result<(), StoreError>;
    /// Runs statements that make indexes, those that are there already left out. They may stay if the transaction is undone.
    async fn build(&mut self, indexes: Vec<String>) -> Result<(), StoreError>;
    /// Runs a statement; how many rows it changed.
    async fn change(&mut self, sql: Sql) -> Result<u64, StoreError>;
    /// Wakes who listens on a channel, once this is committed.
    async fn wake(&mut self, channel: &'static str) -> Result<(), StoreError>;
    /// Runs a statement; the rows that it found.
    async fn read(&mut self, sql: Sql) -> Result<Found, StoreError>;
    async fn commit(&mut self, durability: Durability) -> Result<(), StoreError>;
    async fn rollback(&mut self) -> Result<(), StoreError>;
    async fn close(self) -> Result<(), StoreError>;
}

/// A connection that writes; it ends when this and the open transaction are dropped.
pub(crate) struct Connection {
    orders: mpsc::UnboundedSender<Order>,
    indexes_of: &'static str,
}

impl Connection {
    /// A connection, and what serves it: to be run on a thread or task of its own.
    fn serving<D: Database>(database: D) -> (Self, impl Future<Output = ()>) {
        #[allow(clippy::disallowed_methods)]
        // whoever orders waits for answers: no more than two transactions are under way
        let (orders, received) = mpsc::unbounded_channel();
        (Self { orders, indexes_of: D::INDEXES_OF }, Server { database, course: Course::Sound }.serve(received))
    }

    /// Opens a transaction; the one before must be over. That another program writes is found out by the first answer.
    pub(crate) fn begin(&mut self) -> Writing {
        self.order(Order::Begin);
        let connection = Self { orders: self.orders.clone(), indexes_of: self.indexes_of };
        Writing { connection, is_open: true }
    }

    /// Closes it after folding a write-ahead log into the file.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        self.ask(Order::Close).answer().await
    }

    fn order(&self, order: Order) {
        // That nobody takes it is found out by the next answer.
        drop(self.orders.send(order));
    }

    fn ask<T>(&self, order: impl FnOnce(Answer<T>) -> Order) -> Asked<T> {
        let (answer, asked) = oneshot::channel();
        self.order(order(answer));
        Asked(asked)
    }
}

/// What is not answered yet.
pub(crate) struct Asked<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Asked<T> {
    /// Waits for the answer.
    ///
    /// # Errors
    /// That of this order, or of an earlier one of the same transaction that had no answer.
    pub(crate) async fn answer(&mut self) -> Result<T, StoreError> {
        (&mut self.0).await.unwrap_or(Err(StoreError::Ended))
    }
}

/// An open transaction; dropping it undoes everything.
pub(crate) struct Writing {
    connection: Connection,
    is_open: bool,
}

impl Writing {
    /// Writes rows, no two with the same key.
    pub(crate) fn write<R: Row>(&self, rows: Vec<R>, existing: Existing) {
        if !rows.is_empty() {
            self.connection.order(Order::Write(Box::new(rows), existing));
        }
    }

    /// Runs a statement.
    pub(crate) fn run(&self, sql: Sql) {
        self.connection.order(Order::Run(sql));
    }

    /// Runs statements that make indexes, those that are there already left out. They may stay if the transaction is undone.
    /// It must not have written to their tables: others may make them meanwhile, who would wait for it to end.
    pub(crate) fn build(&self, indexes: Vec<String>) {
        self.connection.order(Order::Build(indexes));
    }

    /// Runs a statement that fails, with the whole transaction, if it changes no row.
    pub(crate) fn must(&self, sql: Sql, otherwise: StoreError) {
        self.connection.order(Order::Must(sql, otherwise));
    }

    /// The statement that lists the indexes of tables but those of keys, with what makes them; which tables' has to follow.
    pub(crate) const fn indexes_of(&self) -> &'static str {
        self.connection.indexes_of
    }

    /// Wakes who listens on a channel, once this is committed.
    pub(crate) fn wake(&self, channel: &'static str) {
        self.connection.order(Order::Wake(channel));
    }

    /// Commits, if nothing failed.
    pub(crate) fn commit(mut self, durability: Durability) -> Asked<()> {
        self.is_open = false;
        self.connection.ask(|answer| Order::Commit(durability, answer))
    }
}

impl Reads for Writing {
    async fn values(&mut self, sql: Sql) -> Result<Found, StoreError> {
        self.connection.ask(|answer| Order::Read(sql, answer)).answer().await
    }
}

/// Outside of a transaction: nobody is waited for.
impl Reads for Connection {
    async fn values(&mut self, sql: Sql) -> Result<Found, StoreError> {
        self.ask(|answer| Order::Read(sql, answer)).answer().await
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if self.is_open {
            self.connection.order(Order::Rollback);
        }
    }
}

/// How a transaction stands.
enum Course {
    /// Nothing failed, or none is open.
    Sound,
    /// Something failed, everything was undone, and the next answer tells why.
    Failed(StoreError),
    /// That was told.
    Undone,
}

impl Course {
    /// Tells what failed, if anything did.
    fn told(&mut self) -> Result<(), StoreError> {
        match std::mem::replace(self, Self::Undone) {
            Self::Sound => {
                *self = Self::Sound;
                Ok(())
            }
            Self::Failed(error) => Err(error),
            Self::Undone => Err(StoreError::Undone),
        }
    }
}

/// Does what is ordered. After an error nothing of the same transaction is done.
struct Server<D> {
    database: D,
    course: Course,
}

impl<D: Database> Server<D> {
    /// Until nobody can order anything any more.
    async fn serve(mut self, mut orders: mpsc::UnboundedReceiver<Order>) {
        while let Some(order) = orders.recv().await {
            match order {
                Order::Begin => {
                    self.course = Course::Sound;
                    let begun = self.database.begin().await;
                    self.note(begun).await;
                }
                Order::Read(sql, answer) => tell(answer, self.read(sql).await),
                Order::Commit(durability, answer) => {
                    tell(answer, self.commit(durability).await);
                    self.course = Course::Sound;
                }
                Order::Close(answer) => return tell(answer, self.database.close().await),
                Order::Rollback => {
                    if matches!(self.course, Course::Sound) {
                        self.undo().await;
                    }
                    self.course = Course::Sound;
                }
                _ if !matches!(self.course, Course::Sound) => {}
                Order::Write(rows, existing) => {
                    let written = self.database.write(&*rows, existing).await;
                    self.note(written).await;
                }
                Order::Run(sql) => {
                    let run = self.database.run(sql).await;
                    self.note(run).await;
                }
                Order::Build(indexes) => {
                    let built = self.database.build(indexes).await;
                    self.note(built).await;
                }
                Order::Must(sql, otherwise) => {
                    let changed = self.database.change(sql).await;
                    self.note(changed.and_then(|changed| if changed > 0 { Ok(()) } else { Err(otherwise) })).await;
                }
                Order::Wake(channel) => {
                    let woken = self.database.wake(channel).await;
                    self.note(woken).await;
                }
            }
        }
    }

    async fn read(&mut self, sql: Sql) -> Result<Found, StoreError> {
        self.course.told()?;
        let found = self.database.read(sql).await;
        if found.is_err() {
            self.undo().await;
            self.course = Course::Undone;
        }
        found
    }

    async fn commit(&mut self, durability: Durability) -> Result<(), StoreError> {
        self.course.told()?;
        let committed = self.database.commit(durability).await;
        if committed.is_err() {
            self.undo().await;
        }
        committed
    }

    /// Keeps an error for the next answer.
    async fn note(&mut self, done: Result<(), StoreError>) {
        if let Err(error) = done {
            self.undo().await;
            self.course = Course::Failed(error);
        }
    }

    async fn undo(&mut self) {
        if let Err(error) = self.database.rollback().await {
            // Some errors end a transaction by themselves, and a connection that broke has none.
            tracing::debug!(%error, "there was nothing to undo");
        }
    }
}

fn tell<T>(answer: Answer<T>, result: Result<T, StoreError>) {
    // Whoever asked may be gone.
    drop(answer.send(result));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Candidate, DatabaseUrl, PutOff, prepare};

    async fn connection(dir: &tempfile::TempDir) -> Connection {
        let url = DatabaseUrl::Sqlite(dir.path().join("index.db"));
        let Candidate { connection, .. } = prepare(&url).await.expect("a database");
        connection
    }

    fn row(name: &str) -> Vec<PutOff> {
        vec![PutOff { name: name.into(), definition: String::new() }]
    }

    async fn names(connection: &mut Connection) -> Found {
        connection.values(Sql::new("SELECT name FROM indexes_put_off ORDER BY name")).await.expect("rows")
    }

    #[tokio::test]
    async fn after_an_error_nothing_of_the_transaction_is_done_and_the_next_answer_tells_it() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut connection = connection(&dir).await;
        let mut transaction = connection.begin();
        transaction.write(row("first"), Existing::Refused);
        transaction.write(row("first"), Existing::Refused);
        transaction.write(row("second"), Existing::Refused);
        let error = transaction.values(Sql::new("SELECT 1")).await.expect_err("two rows with one key");
        assert!(error.to_string().contains("UNIQUE"), "{error}");
        let error = transaction.commit(Durability::Synced).answer().await.expect_err("it was undone");
        assert!(matches!(error, StoreError::Undone), "{error}");

        let transaction = connection.begin();
        transaction.must(Sql::new("DELETE FROM indexes_put_off"), StoreError::AnotherWriter);
        transaction.write(row("third"), Existing::Refused);
        let error = transaction.commit(Durability::Synced).answer().await.expect_err("nothing to delete");
        assert!(matches!(error, StoreError::AnotherWriter), "{error}");

        let transaction = connection.begin();
        transaction.write(row("fourth"), Existing::Refused);
        transaction.commit(Durability::Synced).answer().await.expect("a sound transaction");
        assert_eq!(names(&mut connection).await, [[Value::Text("fourth".into())]]);
    }

    #[tokio::test]
    async fn a_transaction_that_is_dropped_is_undone() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut connection = connection(&dir).await;
        connection.begin().write(row("dropped"), Existing::Refused);
        assert_eq!(names(&mut connection).await, Found::new());
        let transaction = connection.begin();
        transaction.write(row("kept"), Existing::Refused);
        transaction.write(row("kept"), Existing::Replaced);
        transaction.commit(Durability::Synced).answer().await.expect("a sound transaction");
        assert_eq!(names(&mut connection).await, [[Value::Text("kept".into())]]);
    }
}
