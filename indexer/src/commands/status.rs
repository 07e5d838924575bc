//! `aiigo-indexer status`.

use clap::Args;
use serde_json::json;

use super::{CommandError, print, run::DatabaseArgs};
use crate::store::Reader;

/// Say how far a database is indexed, whether an indexer runs or not.
#[derive(Args, Clone, Debug)]
pub struct StatusCommand {
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl StatusCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.database).await?;
        let state = reader.snapshot().state().await?;
        reader.close().await;
        let database = self.database.database.to_string();
        if self.json {
            let state = state.map(|state| {
                json!({
                    "chainId": state.chain_id, "deployment": state.deployment,
                    "indexedBlock": state.indexed, "indexedHash": state.indexed_hash, "indexedAt": state.indexed_at,
                    "headBlock": state.head, "finalizedBlock": state.finalized, "syncing": !state.live,
                })
            });
            return print(&json!({ "database": database, "state": state }).to_string());
        }
        print(&match state {
            None => format!("{database} is empty"),
            Some(state) => format!(
                "{database}: chain {}, {}\nindexed to block {} of {}, final to {}; {}",
                state.chain_id,
                state.deployment,
                state.indexed.map_or_else(|| "none".to_owned(), |block| block.to_string()),
                state.head,
                state.finalized,
                if state.live { "live" } else { "catching up" },
            ),
        })
    }
}
