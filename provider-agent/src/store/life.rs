//! What the provider told the agent to do, and what the agent says of itself.

use std::{
    fmt,
    time::{SystemTime, UNIX_EPOCH},
};

use sqlx::Row;

use super::{Store, integer};
use crate::error::{AgentError, Context};

/// What the provider wants of the agent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Take tasks.
    #[default]
    Working,
    /// Take no new ones; go on with what is in hand, and answer audits.
    Paused,
    /// As paused, and don't go online again: the owner takes the node off the market.
    Leaving,
}

impl Mode {
    /// The name in the database and in reports.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Working => "Working",
            Self::Paused => "Paused",
            Self::Leaving => "Leaving",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Working, Self::Paused, Self::Leaving].into_iter().find(|mode| mode.name() == name)
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    /// Why no task is taken now.
    Closed,
    /// What is wrong with the policy file.
    Policy,
}

impl Subject {
    const fn name(self) -> &'static str {
        match self {
            Self::Closed => "Closed",
            Self::Policy => "Policy",
        }
    }
}

impl Store {
    /// What the provider told the agent last.
    pub(crate) async fn mode(&self) -> Result<Mode, AgentError> {
        let row = sqlx::query("SELECT mode FROM mode").fetch_optional(&self.pool).await;
        let what = "cannot read from the agent's database whether it is paused";
        let Some(row) = row.context(what)? else { return Ok(Mode::default()) };
        let name: String = row.try_get(0).context(what)?;
        Mode::parse(&name).ok_or_else(|| AgentError::new(format!("{what}: `{name}` means nothing to this version")))
    }

    /// Tells the agent what to do, also one that runs.
    pub(crate) async fn set_mode(&self, mode: Mode) -> Result<(), AgentError> {
        sqlx::query("INSERT OR REPLACE INTO mode (id, mode, since) VALUES (1, ?, ?)")
            .bind(mode.name())
            .bind(integer(unix_now()))
            .execute(&self.pool)
            .await
            .context("cannot write into the agent's database")?;
        Ok(())
    }

    /// What the agent said of a subject, if there is something to say.
    pub(crate) async fn remark(&self, subject: Subject) -> Result<Option<String>, AgentError> {
        let row = sqlx::query("SELECT text FROM remark WHERE subject = ?").bind(subject.name());
        let row = row.fetch_optional(&self.pool).await.context("cannot read from the agent's database")?;
        row.map(|row| row.try_get(0)).transpose().context("cannot read from the agent's database")
    }

    /// Says something of a subject, or that there is nothing to say.
    pub(crate) async fn set_remark(&self, subject: Subject, text: Option<&str>) -> Result<(), AgentError> {
        let query = match text {
            Some(text) => sqlx::query("INSERT OR REPLACE INTO remark (subject, text, since) VALUES (?, ?, ?)")
                .bind(subject.name())
                .bind(text.to_owned())
                .bind(integer(unix_now())),
            None => sqlx::query("DELETE FROM remark WHERE subject = ?").bind(subject.name()),
        };
        query.execute(&self.pool).await.context("cannot write into the agent's database")?;
        Ok(())
    }
}

pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_told_is_known_to_the_next_run() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("agent.db");
        let store = Store::open(&path).await.expect("a database");
        assert_eq!(store.mode().await.expect("read"), Mode::Working);
        for mode in [Mode::Paused, Mode::Leaving, Mode::Working] {
            store.set_mode(mode).await.expect("written");
            assert_eq!(Store::open(&path).await.expect("opened").mode().await.expect("read"), mode);
        }
    }

    #[tokio::test]
    async fn a_remark_stands_until_there_is_nothing_to_say() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("agent.db")).await.expect("a database");
        store.set_remark(Subject::Closed, Some("night")).await.expect("written");
        store.set_remark(Subject::Closed, Some("paused")).await.expect("written");
        assert_eq!(store.remark(Subject::Closed).await.expect("read").as_deref(), Some("paused"));
        assert_eq!(store.remark(Subject::Policy).await.expect("read"), None);
        store.set_remark(Subject::Closed, None).await.expect("written");
        assert_eq!(store.remark(Subject::Closed).await.expect("read"), None);
    }
}
