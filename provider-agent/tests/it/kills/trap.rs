//! Catches an agent at exactly one write: a trigger in its own database computes for ever, inside the statement, so that
//! nothing of it is written when the agent is killed there.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_devnet::eventually;
use aiigo_protocol::TaskId;
use sqlx::{
    AssertSqlSafe, Connection, Row, SqliteConnection,
    sqlite::{SqliteConnectOptions, SqliteJournalMode},
};

/// Processor time of a SQLite thread that is caught, ticks of 10 ms: a hundred times what any write takes.
const CAUGHT: u64 = 40;
/// How long the agent may take to get there on a busy machine.
const LIMIT: Duration = Duration::from_secs(120);

/// A trap in a database.
#[derive(Debug)]
pub(super) struct Trap {
    database: PathBuf,
}

async fn open(database: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(database).journal_mode(SqliteJournalMode::Wal);
    SqliteConnection::connect_with(&options).await.expect("a database")
}

impl Trap {
    /// Where the agent writes down that a task has come to a stage, which it was not in.
    pub(super) async fn at_stage(dir: &Path, stage: &str) -> Self {
        let when = format!(
            "NEW.stage = '{stage}' AND NOT EXISTS (SELECT 1 FROM work WHERE task_id = NEW.task_id AND stage = '{stage}')"
        );
        Self::set(dir.join("agent.db"), "work", &when).await
    }

    /// Where the outbox writes down the intention to send something, before anything of it is sent.
    pub(super) async fn at_sending(dir: &Path, what: &str) -> Self {
        let files = fs::read_dir(dir).expect("the agent's folder").map(|file| file.expect("a file").path());
        let mut outboxes = files.filter(|file| {
            let name = file.file_name().expect("a name").to_string_lossy();
            name.starts_with("outbox-") && name.ends_with(".db")
        });
        let outbox = outboxes.next().expect("an outbox");
        Self::set(outbox, "intents", &format!("NEW.key LIKE '{what}:%'")).await
    }

    async fn set(database: PathBuf, table: &str, when: &str) -> Self {
        let mut connection = open(&database).await;
        for sql in [
            "CREATE VIEW trap AS WITH RECURSIVE for_ever (n) AS (VALUES (1) UNION ALL SELECT n FROM for_ever) \
             SELECT n FROM for_ever"
                .to_owned(),
            format!(
                "CREATE TRIGGER trapdoor BEFORE INSERT ON {table} WHEN {when} BEGIN SELECT count(*) FROM trap; END"
            ),
        ] {
            sqlx::query(AssertSqlSafe(sql)).execute(&mut connection).await.expect("a trap");
        }
        connection.close().await.expect("closed");
        Self { database }
    }

    /// Waits until a process is in it: one of its SQLite threads computes and computes.
    pub(super) async fn catches(&self, process: u32) {
        let tasks = PathBuf::from(format!("/proc/{process}/task"));
        eventually("an agent in the trap", LIMIT, async || {
            let threads = fs::read_dir(&tasks).unwrap_or_else(|error| panic!("the agent has died: {error}"));
            let mut threads =
                threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("stat")).ok());
            threads.any(|stat| is_caught(&stat)).then_some(())
        })
        .await;
    }

    /// Takes it away; nobody may be in it.
    pub(super) async fn remove(self) {
        let mut connection = open(&self.database).await;
        for sql in ["DROP TRIGGER trapdoor", "DROP VIEW trap"] {
            sqlx::query(sql).execute(&mut connection).await.expect("removed");
        }
        connection.close().await.expect("closed");
    }
}

/// Of `/proc/…/stat` of a thread: the name in parentheses, 11 fields on user and system time.
fn is_caught(stat: &str) -> bool {
    let Some((name, fields)) = stat.split_once('(').and_then(|(_, rest)| rest.rsplit_once(')')) else { return false };
    let times = fields.split_whitespace().skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok());
    name.starts_with("sqlx-sqlite") && times.sum::<u64>() >= CAUGHT
}

/// The stage of a task as it is written down.
pub(super) async fn written(dir: &Path, task: TaskId) -> Option<String> {
    let mut connection = open(&dir.join("agent.db")).await;
    let row = sqlx::query("SELECT stage FROM work WHERE task_id = ?").bind(task.to_string());
    let row = row.fetch_optional(&mut connection).await.expect("an answer");
    connection.close().await.expect("closed");
    row.map(|row| row.get(0))
}
