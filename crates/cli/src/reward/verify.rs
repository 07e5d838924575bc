//! `aiigo reward verify`.

use std::{fs, path::PathBuf, process::ExitCode};

use alloy::primitives::{Address, B256, U256};
use clap::Args;
use serde::Serialize;

use super::history::{PostedRoot, RootStatus, closed_epochs};
use crate::{CliError, args::ChainArgs, cli::Session, error::Context, format, output::table, progress::Progress};

/// Recompute the bonuses from the chain's events, and compare with the roots that were posted.
#[derive(Args, Debug)]
pub(crate) struct VerifyCommand {
    /// Write the tree of this epoch [default: of the last one] to --tree
    #[arg(long, value_name = "N", requires = "tree")]
    epoch: Option<u64>,
    /// Write the tree to a file, as OpenZeppelin's `merkle-tree` dumps and loads it
    #[arg(long, value_name = "FILE")]
    tree: Option<PathBuf>,
    #[command(flatten)]
    chain: ChainArgs,
}

/// A posted root beside the own one.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    epoch: u64,
    poster: Address,
    status: RootStatus,
    final_at: u64,
    root: B256,
    /// What the events give; null: nobody had earned a bonus, or the epoch is not closed.
    own: Option<B256>,
    right: bool,
}

impl VerifyCommand {
    /// The exit code is 1 if a root that counts, or may come to count, is wrong.
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, CliError> {
        let chain = self.chain.connect().await?;
        let progress = Progress::new(false);
        progress.waiting("recomputing the bonuses from the chain's events");
        let epochs = closed_epochs(&chain).await?;
        drop(progress);
        let count = chain.rewards().rootCount().call().await;
        let count: u64 = count.map_err(|error| CliError::call("counting the posted roots", error))?.saturating_to();
        let mut rows = Vec::new();
        for id in 1..=count {
            let posted = PostedRoot::read(&chain, U256::from(id)).await?;
            let own = epochs.get(&posted.epoch).and_then(|epoch| epoch.tree()).map(|tree| tree.root());
            rows.push(Row {
                id: posted.id.to_string(),
                epoch: posted.epoch,
                poster: posted.poster,
                status: posted.status,
                final_at: posted.final_at,
                root: posted.root,
                own,
                right: own == Some(posted.root),
            });
        }
        let last = self.epoch.or_else(|| epochs.keys().next_back().copied());
        let latest = last.and_then(|number| epochs.get(&number));
        if let Some(file) = &self.tree {
            let tree = latest.and_then(|epoch| epoch.tree()).ok_or_else(|| {
                CliError::Failed(match self.epoch {
                    Some(epoch) => {
                        format!("epoch {epoch} is not closed, or nobody had earned a bonus by then: there is no tree")
                    }
                    None => "nobody has earned a bonus yet: there is no tree".into(),
                })
            })?;
            let dump = serde_json::to_vec_pretty(&tree).context(|| "writing the tree as JSON".into())?;
            fs::write(file, dump).context(|| format!("writing {}", file.display()))?;
        }
        let counts = |row: &&Row| matches!(row.status, RootStatus::Pending | RootStatus::Final);
        let wrong = rows.iter().filter(counts).filter(|row| !row.right).count();
        let document = serde_json::json!({
            "closedEpochs": epochs.len(),
            "lastEpoch": epochs.keys().next_back(),
            "lastRoot": epochs.values().next_back().and_then(|epoch| epoch.tree()).map(|tree| tree.root()),
            "roots": rows,
            "wrong": wrong,
        });
        let now = chain.head().await?.timestamp;
        session.output.result(&document, || {
            let mut text = table(["ROOT", "EPOCH", "STATUS", "FINAL", "POSTED", "BY THE EVENTS"]);
            text.add_rows(rows.iter().map(|row| {
                let verdict = match (row.right, row.own) {
                    (true, _) => "the same".to_owned(),
                    (false, Some(own)) => format!("WRONG: {own}"),
                    (false, None) => "WRONG: there is no bonus".to_owned(),
                };
                [
                    row.id.clone(),
                    row.epoch.to_string(),
                    row.status.name().to_owned(),
                    format::relative(row.final_at, now),
                    row.root.to_string(),
                    verdict,
                ]
            }));
            let newest = match epochs.values().next_back() {
                Some(epoch) => {
                    let root = epoch.tree().map_or("no bonus yet".to_owned(), |tree| tree.root().to_string());
                    format!("epoch {}, the last that is closed: {root}", epoch.number)
                }
                None => "no epoch is closed yet".to_owned(),
            };
            match rows.is_empty() {
                true => format!("Nobody has posted a root yet; {newest}"),
                false => format!("{text}\n{newest}"),
            }
        })?;
        Ok(if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
