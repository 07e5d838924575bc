//! Reading. A snapshot is one read transaction: whatever one request reads, it reads of one block.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use tokio::sync::{Mutex, MutexGuard};

use super::{
    Condition, Page, PageRequest, PrimaryKey, Row, StoreError, Table, Value,
    database::{Pool, Reading},
    feed::{self, Part},
    query::Order,
    rows::Event,
    sql::{Reads as _, Sql},
    state::{self, State},
};

/// Parents whose children one statement fetches.
const PARENTS_PER_STATEMENT: usize = 100;

/// Keys that one statement looks up.
const KEYS_PER_STATEMENT: usize = 1_000;

/// An open read transaction.
#[derive(Debug)]
struct Begun {
    transaction: Reading,
    deadline: Instant,
}

/// A read transaction that begins with the first query.
#[derive(Debug)]
pub struct Snapshot {
    pool: Pool,
    begun: Mutex<Option<Begun>>,
    statements: AtomicU64,
    /// How long all queries together may take.
    time_limit: Duration,
}

impl Snapshot {
    pub(crate) fn new(pool: Pool, time_limit: Duration) -> Self {
        Self { pool, begun: Mutex::new(None), statements: AtomicU64::new(0), time_limit }
    }

    /// How many statements were run through it.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Where the database stands; none before a writer has opened it.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn state(&self) -> Result<Option<State>, StoreError> {
        let mut guard = self.begun().await?;
        state::load(self.transaction(&mut guard)?).await.map_err(|error| self.interrupted(error))
    }

    /// A row by its primary key.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn get<R: Row>(&self, key: &PrimaryKey) -> Result<Option<R>, StoreError> {
        let mut select = Sql::select(R::TABLE);
        select.push(" WHERE ").key_is(R::TABLE, &key.values());
        Ok(self.rows(select).await?.pop())
    }

    /// Rows by their primary keys; what is not there is left out.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn get_many<R: Row>(&self, keys: &[PrimaryKey]) -> Result<HashMap<PrimaryKey, R>, StoreError> {
        let mut found = HashMap::with_capacity(keys.len());
        for chunk in keys.chunks(KEYS_PER_STATEMENT) {
            let mut select = Sql::select(R::TABLE);
            select.push(" WHERE (").names(R::TABLE.key_columns()).push(") IN (VALUES ");
            select.list(&padded(chunk), |sql, key| {
                sql.push("(");
                sql.list(&key.values(), |sql, value| {
                    sql.arg(value.clone());
                });
                sql.push(")");
            });
            select.push(")");
            found.extend(self.rows::<R>(select).await?.into_iter().map(|row| (row.key(), row)));
        }
        Ok(found)
    }

    /// A page.
    ///
    /// # Errors
    /// If the database can't be read, or the query takes too long.
    pub async fn page<R: Row>(&self, request: &PageRequest) -> Result<Page<R>, StoreError> {
        let rows = self.rows(request.select(R::TABLE, None)).await?;
        Ok(request.page(rows))
    }

    /// One page for each parent: the rows whose `column` is the parent's.
    ///
    /// # Errors
    /// If the database can't be read, or the query takes too long.
    pub async fn pages<R: Row>(
        &self,
        request: &PageRequest,
        column: &'static str,
        parents: &[Value],
    ) -> Result<HashMap<Value, Page<R>>, StoreError> {
        let mut by_parent: HashMap<Value, Vec<R>> = parents.iter().map(|parent| (parent.clone(), Vec::new())).collect();
        for chunk in parents.chunks(PARENTS_PER_STATEMENT) {
            let mut union = Sql::default();
            for (index, parent) in chunk.iter().enumerate() {
                union.push(if index > 0 { " UNION ALL SELECT * FROM (" } else { "SELECT * FROM (" });
                union.append(request.select(R::TABLE, Some((column, parent)))).push(") AS page");
            }
            let position = R::TABLE.position(column).unwrap_or_default();
            for row in self.rows::<R>(union).await? {
                let parent = row.value(position);
                by_parent.entry(parent).or_default().push(row);
            }
        }
        Ok(by_parent.into_iter().map(|(parent, rows)| (parent, request.page(rows))).collect())
    }

    /// All rows that meet a condition, in order, but no more than `limit`.
    ///
    /// # Errors
    /// If the database can't be read, or the query takes too long.
    pub async fn list<R: Row>(
        &self,
        condition: Condition,
        order: Vec<Order>,
        limit: u32,
    ) -> Result<Vec<R>, StoreError> {
        let request = PageRequest { condition, order, after: None, before: None, limit, from_end: false };
        Ok(self.page(&request).await?.rows.into_iter().map(|paged| paged.row).collect())
    }

    /// The events of each task, oldest first.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn timelines(&self, tasks: &[Value]) -> Result<HashMap<Value, Vec<Event>>, StoreError> {
        let mut by_task: HashMap<Value, Vec<Event>> = HashMap::new();
        for chunk in tasks.chunks(KEYS_PER_STATEMENT) {
            let mut select = Sql::select(Event::TABLE);
            select.push(" WHERE task_id IN (");
            select.list(chunk, |sql, task| {
                sql.arg(task.clone());
            });
            select.push(") ORDER BY position");
            for event in self.rows::<Event>(select).await? {
                by_task.entry(super::Column::value(&event.task_id)).or_default().push(event);
            }
        }
        Ok(by_task)
    }

    /// The part of the feed that follows a place.
    ///
    /// # Errors
    /// If the database can't be read.
    pub async fn feed(&self, after: u64) -> Result<Part, StoreError> {
        let found = self.rows(feed::select(after)).await?;
        let mut guard = self.begun().await?;
        feed::part(after, found, self.transaction(&mut guard)?).await.map_err(|error| self.interrupted(error))
    }

    /// How many rows meet a condition.
    ///
    /// # Errors
    /// If the database can't be read, or the query takes too long.
    pub async fn count(&self, table: &'static Table, condition: &Condition) -> Result<u64, StoreError> {
        let rows = self.values(PageRequest::count(condition, table)).await?;
        Ok(rows.first().and_then(|row| row.first()).map_or(0, as_count))
    }

    /// How many rows of each parent meet a condition; parents without any are left out.
    ///
    /// # Errors
    /// If the database can't be read, or the query takes too long.
    pub async fn counts(
        &self,
        table: &'static Table,
        condition: &Condition,
        column: &'static str,
        parents: &[Value],
    ) -> Result<HashMap<Value, u64>, StoreError> {
        let mut counts = HashMap::new();
        for chunk in parents.chunks(KEYS_PER_STATEMENT) {
            for row in self.values(PageRequest::counts(condition, table, column, chunk)).await? {
                if let [parent, count] = row.as_slice() {
                    counts.insert(parent.clone(), as_count(count));
                }
            }
        }
        Ok(counts)
    }

    async fn rows<R: Row>(&self, sql: Sql) -> Result<Vec<R>, StoreError> {
        let mut guard = self.begun().await?;
        sql.rows(self.transaction(&mut guard)?).await.map_err(|error| self.interrupted(error))
    }

    async fn values(&self, sql: Sql) -> Result<Vec<Vec<Value>>, StoreError> {
        let mut guard = self.begun().await?;
        self.transaction(&mut guard)?.values(sql).await.map_err(|error| self.interrupted(error))
    }

    /// The transaction, begun; the time limit runs from here.
    async fn begun(&self) -> Result<MutexGuard<'_, Option<Begun>>, StoreError> {
        let mut guard = self.begun.lock().await;
        if guard.is_none() {
            let transaction = self.pool.begin(self.time_limit).await?;
            *guard = Some(Begun { transaction, deadline: Instant::now() + self.time_limit });
        }
        self.statements.fetch_add(1, Ordering::Relaxed);
        Ok(guard)
    }

    fn transaction<'g>(&self, guard: &'g mut MutexGuard<'_, Option<Begun>>) -> Result<&'g mut Reading, StoreError> {
        // `begun` fills it before it hands the guard out.
        let begun = guard.as_mut().ok_or(StoreError::Busy)?;
        match Instant::now() < begun.deadline {
            true => Ok(&mut begun.transaction),
            false => Err(StoreError::TimedOut(self.time_limit.as_secs())),
        }
    }

    /// Tells a query that the time limit stopped from one that failed.
    fn interrupted(&self, error: StoreError) -> StoreError {
        match error.is_interruption() {
            true => StoreError::TimedOut(self.time_limit.as_secs()),
            false => error,
        }
    }
}

/// Keys, the last one as often as it takes to make their number a power of two: few statements stay prepared, many would not.
fn padded(keys: &[PrimaryKey]) -> Vec<&PrimaryKey> {
    let wanted = keys.len().next_power_of_two();
    keys.iter().chain(keys.last().into_iter().cycle()).take(wanted).collect()
}

fn as_count(value: &Value) -> u64 {
    match value {
        Value::Int(count) => u64::try_from(*count).unwrap_or_default(),
        _ => 0,
    }
}
