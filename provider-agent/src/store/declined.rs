//! Tasks that the agent did not take, so that the provider sees why.

use aiigo_protocol::TaskId;
use sqlx::Row;

use super::{Store, integer, life::unix_now};
use crate::{
    error::{AgentError, Context},
    policy::Refusal,
};

/// So many are remembered.
const KEPT: i64 = 1000;

/// A task that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Declined {
    pub(crate) task: TaskId,
    pub(crate) reason: String,
    /// Whether the agent looks at it again.
    pub(crate) may_change: bool,
    /// Unix seconds.
    pub(crate) at: u64,
}

impl Store {
    /// Remembers why a task is not taken.
    pub(crate) async fn decline(&self, task: TaskId, refusal: &Refusal) -> Result<(), AgentError> {
        let what = "cannot write into the agent's database why a task is not taken";
        sqlx::query("INSERT OR REPLACE INTO declined (task_id, reason, may_change, at) VALUES (?, ?, ?, ?)")
            .bind(task.to_string())
            .bind(&refusal.reason)
            .bind(refusal.may_change)
            .bind(integer(unix_now()))
            .execute(&self.pool)
            .await
            .context(what)?;
        sqlx::query("DELETE FROM declined WHERE rowid <= (SELECT MAX(rowid) FROM declined) - ?")
            .bind(KEPT)
            .execute(&self.pool)
            .await
            .context(what)?;
        Ok(())
    }

    /// The latest that were not taken later, at most `limit`, the newest first.
    pub(crate) async fn declined(&self, limit: u32) -> Result<Vec<Declined>, AgentError> {
        let rows = sqlx::query(
            "SELECT * FROM declined WHERE task_id NOT IN (SELECT task_id FROM work WHERE stage <> 'Lost') \
             ORDER BY rowid DESC LIMIT ?",
        )
        .bind(i64::from(limit));
        let rows = rows.fetch_all(&self.pool).await.context("cannot read from the agent's database")?;
        rows.iter()
            .map(|row| {
                Ok(Declined {
                    task: row.try_get::<String, _>("task_id")?.parse()?,
                    reason: row.try_get("reason")?,
                    may_change: row.try_get("may_change")?,
                    at: row.try_get::<i64, _>("at")?.unsigned_abs(),
                })
            })
            .collect::<Result<_, Box<dyn std::error::Error + Send + Sync>>>()
            .context("the agent's database is damaged")
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, U256};

    use super::*;

    #[tokio::test]
    async fn the_latest_reasons_are_remembered_and_the_oldest_forgotten() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("agent.db")).await.expect("a database");
        let task = |number: u64| TaskId(B256::from(U256::from(number)));
        store.decline(task(1), &Refusal::not_now("busy")).await.expect("written");
        store.decline(task(2), &Refusal::never("cheap")).await.expect("written");
        store.decline(task(1), &Refusal::never("dear")).await.expect("written");
        let found = store.declined(10).await.expect("read");
        let found: Vec<_> = found.iter().map(|it| (it.task, it.reason.as_str(), it.may_change)).collect();
        assert_eq!(found, [(task(1), "dear", false), (task(2), "cheap", false)]);
        for number in 3..3 + KEPT.unsigned_abs() {
            store.decline(task(number), &Refusal::never("many")).await.expect("written");
        }
        let found = store.declined(u32::MAX).await.expect("read");
        assert_eq!(found.len(), 1000);
        assert!(found.iter().all(|it| it.reason == "many"));
    }
}
