//! The agent's database: its node, and the work that it took on.

mod declined;
mod earnings;
mod life;
mod notes;
mod work;

use std::path::Path;

use aiigo_protocol::NodeId;
use alloy::primitives::Address;
use sqlx::{
    Row, SqlitePool,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

#[cfg(test)]
pub(crate) use self::work::tests::spec as test_spec;
pub(crate) use self::{
    declined::Declined,
    earnings::{DAY, Income, total},
    life::{Mode, Subject},
    work::{Stage, Work},
};
use crate::error::{AgentError, Context};

/// The database; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    pool: SqlitePool,
}

impl Store {
    /// Opens the database, created and brought to this version if need be.
    pub(crate) async fn open(path: &Path) -> Result<Self, AgentError> {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // What was written before a transaction was sent must be there after a loss of power.
            .synchronous(SqliteSynchronous::Full);
        let pool = SqlitePoolOptions::new()
            .max_connections(4)
            .connect_with(options)
            .await
            .context(format!("cannot open the agent's database {}", path.display()))?;
        sqlx::migrate!("../migrations/agent/sqlite")
            .run(&pool)
            .await
            .context(format!("cannot bring the agent's database {} to this version", path.display()))?;
        Ok(Self { pool })
    }

    /// The node that was set up in this folder.
    pub(crate) async fn node(&self, chain_id: u64, registry: Address) -> Result<Option<NodeId>, AgentError> {
        let row = sqlx::query("SELECT node_id FROM node WHERE chain_id = ? AND registry = ?")
            .bind(integer(chain_id))
            .bind(registry.to_string())
            .fetch_optional(&self.pool)
            .await
            .context("cannot read the node from the agent's database")?;
        Ok(row.map(|row| NodeId(row.get::<i64, _>(0).unsigned_abs())))
    }

    /// Remembers the node.
    pub(crate) async fn set_node(
        &self,
        chain_id: u64,
        registry: Address,
        node: NodeId,
        owner: Address,
    ) -> Result<(), AgentError> {
        sqlx::query("INSERT OR REPLACE INTO node (chain_id, registry, node_id, owner) VALUES (?, ?, ?, ?)")
            .bind(integer(chain_id))
            .bind(registry.to_string())
            .bind(integer(node.0))
            .bind(owner.to_string())
            .execute(&self.pool)
            .await
            .context("cannot write the node into the agent's database")?;
        Ok(())
    }
}

/// SQLite's integers are signed; nothing here comes near the limit.
fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_node_is_remembered_for_its_registry_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("agent.db")).await.expect("a database");
        let (here, there) = (Address::repeat_byte(1), Address::repeat_byte(2));
        store.set_node(31337, here, NodeId(7), Address::repeat_byte(3)).await.expect("written");
        assert_eq!(store.node(31337, here).await.expect("read"), Some(NodeId(7)));
        assert_eq!(store.node(31337, there).await.expect("read"), None);
        assert_eq!(store.node(1, here).await.expect("read"), None);
    }
}
