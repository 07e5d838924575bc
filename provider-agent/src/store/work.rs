//! A task that the agent went for, and how far it got.

use aiigo_protocol::TaskId;
use aiigo_task::TaskSpec;
use alloy::primitives::{B256, U256};
use sqlx::{Row, sqlite::SqliteRow};

use super::{Store, integer, life::unix_now};
use crate::error::{AgentError, Context};

macro_rules! stages {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {
        /// How far the agent got with a task.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub(crate) enum Stage { $($(#[$doc])* $name),* }

        impl Stage {
            /// The name in the database and in `status`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            fn parse(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }
        }
    };
}

stages! {
    /// The commitment is to be sent.
    Committing,
    /// It has landed; the acceptance is to be sent.
    Accepting,
    /// Replicated: the application is to be sent.
    Applying,
    /// It has landed; the draw decides.
    Applied,
    /// The task, or a seat of it, is ours; the program is to be run.
    Executing,
    /// Replicated: the results are on disk, their seal is to be sent.
    Sealing,
    /// It is there; nothing is shown before the other seats have sealed theirs.
    Sealed,
    /// The results are on disk, to be delivered.
    Delivering,
    /// They are delivered; their hash is to be put on the chain.
    Submitting,
    /// Replicated: the result is to be shown.
    Revealing,
    /// It is there; the buyer looks.
    Reviewing,
    /// Replicated: it is shown, the count decides.
    Revealed,
    /// Paid.
    Settled,
    /// Somebody else has it, or the buyer took it back: nothing lost but gas.
    Lost,
    /// Given back.
    Abandoned,
    /// Not delivered in time.
    Failed,
}

impl Stage {
    /// Whether nothing is left to do.
    pub(crate) const fn is_over(self) -> bool {
        matches!(self, Self::Settled | Self::Lost | Self::Abandoned | Self::Failed)
    }

    /// Whether the task occupies the machine.
    pub(crate) const fn is_busy(self) -> bool {
        !self.is_over() && !matches!(self, Self::Reviewing | Self::Sealed | Self::Revealed)
    }
}

/// A task that the agent went for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Work {
    pub(crate) task: TaskId,
    pub(crate) stage: Stage,
    /// Of a replicated task: the round that the node applied in.
    pub(crate) round: Option<u8>,
    /// Commitments, or applications, made so far.
    pub(crate) attempt: u32,
    /// Of the latest commitment; of a replicated task that of the result's seal.
    pub(crate) salt: B256,
    pub(crate) spec: TaskSpec,
    /// The block of the latest commitment.
    pub(crate) commit_block: Option<u64>,
    pub(crate) result_hash: Option<B256>,
    pub(crate) result_uri: Option<String>,
    /// Whether the buyer's gateway has the outputs.
    pub(crate) delivered: bool,
    /// Smallest units, once settled.
    pub(crate) paid: Option<U256>,
    /// When that was, unix seconds of the chain.
    pub(crate) settled_at: Option<u64>,
    /// Why it ended; while it goes on, what holds it up or was said of it.
    pub(crate) note: Option<String>,
}

impl Work {
    /// The beginning, with a fresh salt.
    pub(crate) fn new(task: TaskId, spec: TaskSpec) -> Self {
        Self {
            task,
            stage: Stage::Committing,
            round: None,
            attempt: 1,
            salt: B256::from(rand::random::<[u8; 32]>()),
            spec,
            commit_block: None,
            result_hash: None,
            result_uri: None,
            delivered: false,
            paid: None,
            settled_at: None,
            note: None,
        }
    }

    /// From the beginning, with another salt.
    pub(crate) fn again(self) -> Self {
        Self { attempt: self.attempt.saturating_add(1), ..Self::new(self.task, self.spec) }
    }

    /// As a candidate for a seat of a replicated task.
    pub(crate) fn in_round(self, round: u8) -> Self {
        Self { stage: Stage::Applying, round: Some(round), ..self }
    }

    /// Moves on; what held it up is over.
    pub(crate) fn at(mut self, stage: Stage) -> Self {
        self.stage = stage;
        self.note = None;
        self
    }

    /// Ends, with the reason.
    pub(crate) fn ended(mut self, stage: Stage, note: impl Into<String>) -> Self {
        self.stage = stage;
        self.note = Some(note.into());
        self
    }
}

impl Store {
    /// Writes a piece of work, new or changed. What is settled stays so, and what was paid is not forgotten: the buyer may
    /// pay while the agent is still writing down that it submitted.
    pub(crate) async fn save(&self, work: &Work) -> Result<(), AgentError> {
        let now = integer(unix_now());
        sqlx::query(
            "INSERT INTO work (task_id, stage, round, attempt, salt, spec, commit_block, result_hash, result_uri, \
             delivered, paid, settled_at, note, created_at, updated_at) \
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) \
             ON CONFLICT (task_id) DO UPDATE SET stage = excluded.stage, round = excluded.round, \
             attempt = excluded.attempt, salt = excluded.salt, commit_block = excluded.commit_block, \
             result_hash = excluded.result_hash, result_uri = excluded.result_uri, delivered = excluded.delivered, \
             paid = COALESCE(excluded.paid, work.paid), settled_at = COALESCE(excluded.settled_at, work.settled_at), \
             note = excluded.note, updated_at = excluded.updated_at \
             WHERE work.stage <> 'Settled' OR excluded.stage = 'Settled'",
        )
        .bind(work.task.to_string())
        .bind(work.stage.name())
        .bind(work.round.map(i64::from))
        .bind(i64::from(work.attempt))
        .bind(work.salt.to_string())
        .bind(work.spec.canonical())
        .bind(work.commit_block.map(integer))
        .bind(work.result_hash.map(|hash| hash.to_string()))
        .bind(work.result_uri.as_deref())
        .bind(work.delivered)
        .bind(work.paid.map(|paid| paid.to_string()))
        .bind(work.settled_at.map(integer))
        .bind(work.note.as_deref())
        .bind(now)
        .bind(now)
        .execute(&self.pool)
        .await
        .context(format!("cannot write task {} into the agent's database", work.task))?;
        Ok(())
    }

    /// Notes what was paid for a piece of work, and when (unix seconds of the chain); its stage is somebody else's to write.
    /// The first word counts.
    pub(crate) async fn set_paid(&self, task: TaskId, paid: U256, at: u64) -> Result<(), AgentError> {
        sqlx::query("UPDATE work SET paid = ?, settled_at = ? WHERE task_id = ? AND paid IS NULL")
            .bind(paid.to_string())
            .bind(integer(at))
            .bind(task.to_string())
            .execute(&self.pool)
            .await
            .context(format!("cannot write what task {task} paid into the agent's database"))?;
        Ok(())
    }

    /// A piece of work.
    pub(crate) async fn work(&self, task: TaskId) -> Result<Option<Work>, AgentError> {
        let row = sqlx::query("SELECT * FROM work WHERE task_id = ?")
            .bind(task.to_string())
            .fetch_optional(&self.pool)
            .await
            .context(format!("cannot read task {task} from the agent's database"))?;
        row.as_ref().map(read).transpose()
    }

    /// What is not over, the oldest first.
    pub(crate) async fn unfinished(&self) -> Result<Vec<Work>, AgentError> {
        let rows = sqlx::query(
            "SELECT * FROM work WHERE stage NOT IN ('Settled', 'Lost', 'Abandoned', 'Failed') ORDER BY created_at",
        )
        .fetch_all(&self.pool)
        .await
        .context("cannot read the unfinished tasks from the agent's database")?;
        rows.iter().map(read).collect()
    }

    /// The latest, at most `limit`, the newest first.
    pub(crate) async fn latest(&self, limit: u32) -> Result<Vec<Work>, AgentError> {
        let rows = sqlx::query("SELECT * FROM work ORDER BY created_at DESC, rowid DESC LIMIT ?")
            .bind(i64::from(limit))
            .fetch_all(&self.pool)
            .await
            .context("cannot read the tasks from the agent's database")?;
        rows.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<Work, AgentError> {
    parse(row).context("the agent's database is damaged; move it away, and the agent starts from what the chain says")
}

fn parse(row: &SqliteRow) -> Result<Work, Box<dyn std::error::Error + Send + Sync>> {
    let stage: String = row.try_get("stage")?;
    Ok(Work {
        task: row.try_get::<String, _>("task_id")?.parse()?,
        stage: Stage::parse(&stage).ok_or_else(|| format!("unknown stage `{stage}`"))?,
        round: row.try_get("round")?,
        attempt: row.try_get("attempt")?,
        salt: row.try_get::<String, _>("salt")?.parse()?,
        spec: TaskSpec::parse(&row.try_get::<Vec<u8>, _>("spec")?)?,
        commit_block: row.try_get::<Option<i64>, _>("commit_block")?.map(i64::unsigned_abs),
        result_hash: row.try_get::<Option<String>, _>("result_hash")?.map(|hash| hash.parse()).transpose()?,
        result_uri: row.try_get("result_uri")?,
        delivered: row.try_get("delivered")?,
        paid: row.try_get::<Option<String>, _>("paid")?.map(|paid| paid.parse()).transpose()?,
        settled_at: row.try_get::<Option<i64>, _>("settled_at")?.map(i64::unsigned_abs),
        note: row.try_get("note")?,
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(crate) fn spec() -> TaskSpec {
        let digest = format!(
            r#"{{"cid":"bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku","size":1,"sha256":"{}"}}"#,
            "00".repeat(32)
        );
        let json = format!(
            r#"{{"schema":"aiigo.task/v1","name":"n","module":{digest},"args":[],"env":{{}},"inputs":[],"outputs":["o"],
            "limits":{{"memoryBytes":65536,"fuel":1,"seconds":1,"outputBytes":1}},"gateways":["http://g.example"]}}"#
        );
        TaskSpec::parse(json.as_bytes()).expect("a spec")
    }

    #[tokio::test]
    async fn work_is_read_back_as_it_was_written() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("agent.db");
        let mut work = Work::new(TaskId(B256::repeat_byte(1)), spec());
        let store = Store::open(&path).await.expect("a database");
        store.save(&work).await.expect("written");
        work = work.at(Stage::Submitting);
        work.commit_block = Some(12);
        work.result_hash = Some(B256::repeat_byte(2));
        work.result_uri = Some("ipfs://x".into());
        work.delivered = true;
        store.save(&work).await.expect("written");
        drop(store);

        let store = Store::open(&path).await.expect("the same database");
        assert_eq!(store.unfinished().await.expect("read"), [work.clone()]);
        let before = work.clone();
        work = work.ended(Stage::Settled, "paid");
        (work.paid, work.settled_at) = (Some(U256::from(5)), Some(1_700_000_000));
        store.save(&work).await.expect("written");
        store.save(&before.at(Stage::Reviewing)).await.expect("left alone");
        assert!(store.unfinished().await.expect("read").is_empty());
        assert_eq!(store.work(work.task).await.expect("read"), Some(work.clone()));
        assert_eq!(store.latest(10).await.expect("read"), [work]);
    }

    #[tokio::test]
    async fn what_was_paid_is_not_forgotten_by_a_later_step() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("agent.db")).await.expect("a database");
        let work = Work::new(TaskId(B256::repeat_byte(1)), spec()).in_round(2).at(Stage::Revealed);
        store.set_paid(work.task, U256::from(4), 7).await.expect("nothing to note it at");
        store.save(&work).await.expect("written");
        store.set_paid(work.task, U256::from(5), 7).await.expect("noted");
        store.set_paid(work.task, U256::from(6), 7).await.expect("too late");
        store.save(&work).await.expect("written");
        let read = store.work(work.task).await.expect("read").expect("there");
        assert_eq!((read.round, read.paid, read.salt), (Some(2), Some(U256::from(5)), work.salt));
    }

    #[test]
    fn every_stage_has_a_name_of_its_own() {
        for stage in [Stage::Committing, Stage::Reviewing, Stage::Sealed, Stage::Settled, Stage::Lost, Stage::Failed] {
            assert_eq!(Stage::parse(stage.name()), Some(stage));
        }
    }
}
