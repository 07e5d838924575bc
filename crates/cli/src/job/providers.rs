//! Who could take a task, best first, from the indexer.

use std::time::Duration;

use aiigo_protocol::{TaskId, units::format_power};
use serde::Deserialize;
use serde_json::json;
use tokio::time::Instant;

use crate::{
    CliError,
    indexer::{Indexer, number},
    progress::Progress,
};

const QUERY: &str =
    "query($id: Bytes!) { match(taskId: $id, first: 5) { score refused node { id power reputation } } }";
/// How long the indexer may take to see a new task.
const LAG: Duration = Duration::from_secs(10);

#[derive(Debug, Deserialize)]
struct Match {
    score: Option<f64>,
    /// Why the node can't take it.
    refused: Option<String>,
    node: Node,
}

#[derive(Debug, Deserialize)]
struct Node {
    #[serde(deserialize_with = "number")]
    id: u64,
    #[serde(deserialize_with = "number")]
    power: u64,
    reputation: u16,
}

/// Shows the eligible providers. That is for information: a task finds its provider without it.
pub(crate) async fn show(indexer: Option<&Indexer>, task: TaskId, progress: &Progress) {
    let Some(indexer) = indexer else {
        progress.step("providers are not ranked: no indexer is named (--indexer-url)");
        return;
    };
    progress.waiting("asking the indexer who could take it");
    match ranked(indexer, task).await {
        Ok(matches) if matches.is_empty() => progress.step("no provider is eligible now; it waits for one"),
        Ok(matches) => {
            for (rank, Match { node, score, .. }) in matches.iter().enumerate() {
                let score = score.map(|score| format!(", score {score:.3}")).unwrap_or_default();
                progress.step(&format!(
                    "eligible provider {}: node {}, {}, reputation {}{score}",
                    rank + 1,
                    node.id,
                    format_power(node.power),
                    node.reputation
                ));
            }
        }
        Err(error) => progress.note(&format!("providers are not ranked: {error}")),
    }
}

async fn ranked(indexer: &Indexer, task: TaskId) -> Result<Vec<Match>, CliError> {
    let deadline = Instant::now() + LAG;
    loop {
        let answer: Result<Vec<Match>, CliError> = indexer.ask(QUERY, json!({ "id": task }), "match").await;
        match answer {
            // It refuses a task that it has not seen yet.
            Err(CliError::Failed(_)) if Instant::now() < deadline => {
                tokio::time::sleep(Duration::from_millis(250)).await
            }
            answer => {
                return answer.map(|matches| matches.into_iter().filter(|found| found.refused.is_none()).collect());
            }
        }
    }
}
