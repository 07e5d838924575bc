//! What is said of a piece of work while others have the word.

use aiigo_protocol::TaskId;

use super::Store;
use crate::error::{AgentError, Context};

impl Store {
    /// Says something of work whose result the buyer looks at; its stage is somebody else's to write.
    pub(crate) async fn set_note(&self, task: TaskId, note: &str) -> Result<(), AgentError> {
        sqlx::query("UPDATE work SET note = ? WHERE task_id = ? AND stage IN ('Submitting', 'Reviewing')")
            .bind(note)
            .bind(task.to_string())
            .execute(&self.pool)
            .await
            .context(format!("cannot write a note about task {task} into the agent's database"))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;
    use crate::store::{Stage, Work, test_spec};

    #[tokio::test]
    async fn only_what_is_looked_at_is_noted() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("agent.db")).await.expect("a database");
        let work = Work::new(TaskId(B256::repeat_byte(1)), test_spec());
        for (stage, noted) in [(Stage::Executing, None), (Stage::Reviewing, Some("disputed")), (Stage::Settled, None)] {
            store.save(&work.clone().at(stage)).await.expect("written");
            store.set_note(work.task, "disputed").await.expect("written");
            assert_eq!(store.work(work.task).await.expect("read").expect("there").note.as_deref(), noted, "{stage:?}");
        }
    }
}
