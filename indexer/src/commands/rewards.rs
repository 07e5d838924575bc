//! `aiigo-indexer rewards`.

use std::{fs, path::PathBuf};

use alloy::primitives::{U256, utils::format_ether};
use clap::Args;
use serde_json::json;

use super::{CommandError, print, run::DatabaseArgs};
use crate::{bonuses::replay, store::Reader};

/// Recompute the bonuses up to an epoch from the indexed events: the root that can be posted, and the tree of its proofs.
#[derive(Args, Clone, Debug)]
pub struct RewardsCommand {
    #[command(flatten)]
    database: DatabaseArgs,
    /// A closed epoch: 0, 1, 2, …
    #[arg(long, value_name = "NUMBER")]
    epoch: u64,
    /// Write the tree here, as the JavaScript library @openzeppelin/merkle-tree dumps it
    #[arg(long, value_name = "FILE")]
    tree: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl RewardsCommand {
    pub(super) async fn run(self) -> Result<(), CommandError> {
        let reader = Reader::open(&self.database.database).await?;
        let snapshot = reader.patient_snapshot();
        let mut found = None;
        replay(&snapshot, |epoch| {
            if epoch.number == self.epoch {
                found = Some(epoch);
            }
        })
        .await?;
        let block = snapshot.state().await?.and_then(|state| state.indexed);
        drop(snapshot);
        reader.close().await;
        let epoch = found.ok_or(CommandError::EpochNotClosed { epoch: self.epoch, block })?;
        let tree = epoch.tree();
        let total = epoch.cumulative.values().fold(U256::ZERO, |sum, amount| sum + amount);
        if let (Some(file), Some(tree)) = (&self.tree, &tree) {
            let text =
                serde_json::to_string_pretty(tree).map_err(std::io::Error::from).map_err(CommandError::Output)?;
            fs::write(file, text).map_err(|source| CommandError::Tree { file: file.clone(), source })?;
        }
        let (root, nodes) = (tree.as_ref().map(|tree| tree.root()), epoch.cumulative.len());
        if self.json {
            let report = json!({
                "epoch": self.epoch, "root": root, "nodes": nodes, "total": total.to_string(), "block": block,
            });
            return print(&report.to_string());
        }
        print(&match root {
            Some(root) => format!("{root}\n{nodes} nodes, {} AIIGO of bonuses since the start", format_ether(total)),
            None => format!("no node has earned a bonus up to epoch {}: there is no root", self.epoch),
        })
    }
}
