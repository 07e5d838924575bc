//! Who could take a job, best first, from the indexer.

use std::path::Path;

use aiigo_protocol::{ResourceType, TaskMarketplace::TaskRequest, units::format_power};
use alloy::primitives::{Address, B256};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::prepare;
use crate::{
    CliError,
    indexer::{Indexer, graphql_name, number},
    progress::Progress,
};

/// Nodes shown.
const FIRST: u32 = 5;

const QUERY: &str = "query($request: QuoteInput!, $first: Int) { quote(request: $request, first: $first) { match { \
                     eligible candidates { score node { id power reputation } } refused { node { id } reasons { message } } \
                     } } }";

#[derive(Debug, Deserialize)]
struct Quote {
    #[serde(rename = "match")]
    ranking: Ranking,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Ranking {
    eligible: u64,
    candidates: Vec<Candidate>,
    refused: Vec<Refused>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    score: f64,
    node: Node,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    #[serde(deserialize_with = "number")]
    id: u64,
    #[serde(deserialize_with = "number")]
    power: u64,
    reputation: u16,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Refused {
    node: NodeId,
    reasons: Vec<Reason>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct NodeId {
    #[serde(deserialize_with = "number")]
    id: u64,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Reason {
    message: String,
}

/// Shows the eligible providers. That is for information: a task finds its provider without it.
pub(crate) async fn show(indexer: Option<&Indexer>, request: &TaskRequest, buyer: Address, progress: &Progress) {
    let Some(indexer) = indexer else {
        progress.step("providers are not ranked: no indexer is named (--indexer-url)");
        return;
    };
    progress.waiting("asking the indexer who could do it");
    match ranking(indexer, request, buyer).await {
        Ok(ranking) => tell(&ranking, progress),
        Err(error) => progress.note(&format!("providers are not ranked: {error}")),
    }
}

/// Shows a ranking.
pub(super) fn tell(ranking: &Ranking, progress: &Progress) {
    progress.step(&match ranking.eligible {
        0 => "no provider could do it now; the task will wait for one".to_owned(),
        1 => "1 provider could do it:".to_owned(),
        count => format!("{count} providers could do it; the best:"),
    });
    for (rank, Candidate { node, score }) in ranking.candidates.iter().enumerate() {
        let power = format_power(node.power);
        let (rank, id, reputation) = (rank + 1, node.id, node.reputation);
        progress.detail(&format!("{rank}. node {id}, score {score:.3}, {power}, reputation {reputation}"));
    }
    if ranking.eligible == 0 {
        for Refused { node, reasons } in &ranking.refused {
            let reasons: Vec<&str> = reasons.iter().map(|reason| reason.message.as_str()).collect();
            progress.detail(&format!("node {} could not: {}", node.id, reasons.join("; ")));
        }
    }
}

/// Who could take a task, best first.
pub(super) async fn ranking(indexer: &Indexer, request: &TaskRequest, buyer: Address) -> Result<Ranking, CliError> {
    let request = quoted(request, buyer)?;
    let quote: Quote = indexer.ask(QUERY, json!({ "request": request, "first": FIRST }), "quote").await?;
    Ok(quote.ranking)
}

/// The job of a file as the indexer's `quote` is asked about it, for nobody in particular.
pub(crate) fn quoted_job(file: &Path) -> Result<Value, CliError> {
    let local = prepare::read_job(file, &[])?;
    // Neither price nor ranking depends on the spec.
    quoted(&prepare::request(&local.job, B256::repeat_byte(1), String::new())?, Address::ZERO)
}

fn quoted(request: &TaskRequest, buyer: Address) -> Result<Value, CliError> {
    let resource = ResourceType::try_from(request.resourceType)
        .map_err(|error| CliError::caused("naming the kind of machine", error))?;
    Ok(json!({
        "resourceType": graphql_name(resource.name()),
        "minPower": request.minPower.to_string(),
        "duration": request.duration,
        "pricePerHour": request.pricePerHour.to_string(),
        "minTrustLevel": request.minTrustLevel,
        "paymentToken": request.paymentToken,
        "buyer": buyer,
    }))
}
