//! `match` and `quote`.

use std::collections::HashSet;

use crate::support::{
    api::{ask, ask_with, refusal},
    chain::Chain,
    database::Database,
    story,
};
use aiigo_indexer::store::Reader;
use serde_json::{Value, json};

async fn fixture() -> (Chain, Reader, Database) {
    let chain = story::eventful();
    let database = Database::of(&chain).await;
    (chain, database.reader().await, database)
}

const MATCH: &str = "query($id: Bytes!, $weights: WeightsInput) { match(taskId: $id, first: 200, weights: $weights) {
    eligible refusedCount candidates { score node { id resourceType status power runningPower } terms { name value weight } }
    refused { node { id } reasons { kind message } } } }";

async fn open_task(reader: &Reader) -> Value {
    let query = "{ tasks(where: { status: { _eq: OPEN } }, first: 1) {
        nodes { id resourceType minPower pricePerHour duration escrow tipDeposit buyer excluded } } }";
    ask(reader, query).await["tasks"]["nodes"][0].clone()
}

#[tokio::test]
async fn every_node_of_the_type_is_either_ranked_or_refused_with_reasons() {
    let (_, reader, _database) = fixture().await;
    let task = open_task(&reader).await;
    let data = ask_with(&reader, MATCH, json!({ "id": task["id"] })).await;
    let found = &data["match"];
    let (candidates, refused) =
        (found["candidates"].as_array().expect("a list"), found["refused"].as_array().expect("a list"));
    assert_eq!(found["eligible"], candidates.len());
    assert_eq!(found["refusedCount"], refused.len());
    let ids: HashSet<&str> =
        candidates.iter().chain(refused).map(|one| one["node"]["id"].as_str().expect("an id")).collect();
    let nodes = format!(
        "{{ nodes(where: {{ resourceType: {{ _eq: {} }} }}, first: 200) {{ totalCount }} }}",
        task["resourceType"].as_str().expect("a type")
    );
    assert_eq!(ask(&reader, &nodes).await["nodes"]["totalCount"], ids.len());
    for refusal in refused {
        let reasons = refusal["reasons"].as_array().expect("a list");
        assert!(
            !reasons.is_empty()
                && reasons.iter().all(|reason| reason["message"].as_str().is_some_and(|m| m.starts_with("it")))
        );
    }
    assert!(refused.iter().any(|refusal| refusal["reasons"][0]["kind"] == "NOT_ACTIVE"));
}

#[tokio::test]
async fn a_score_is_the_sum_of_its_terms_and_the_best_comes_first() {
    let (_, reader, _database) = fixture().await;
    let request = json!({ "resourceType": "CPU", "minPower": 1, "duration": 60, "pricePerHour": "60" });
    let quote = "query($request: QuoteInput!) { quote(request: $request) { escrow tipDeposit feeBps tokenAllowed
        match { candidates { score node { id } terms { name value weight } } } } }";
    let mut best = Vec::new();
    for kind in ["CPU", "GPU"] {
        let mut request = request.clone();
        request["resourceType"] = kind.into();
        let data = ask_with(&reader, quote, json!({ "request": request })).await;
        assert_eq!(data["quote"]["escrow"], "1");
        assert_eq!(data["quote"]["tipDeposit"], "4000");
        assert_eq!(data["quote"]["feeBps"], 800);
        assert_eq!(data["quote"]["tokenAllowed"], true);
        let candidates = data["quote"]["match"]["candidates"].as_array().expect("a list").clone();
        for candidate in &candidates {
            let terms = candidate["terms"].as_array().expect("a list");
            let number = |value: &Value| value.as_f64().expect("a number");
            let sum: f64 = terms.iter().map(|term| number(&term["value"]) * number(&term["weight"])).sum();
            assert!((sum - number(&candidate["score"])).abs() < 1e-9);
            let weights: f64 = terms.iter().map(|term| number(&term["weight"])).sum();
            assert!((weights - 1.0).abs() < 1e-9);
        }
        let scores: Vec<f64> = candidates.iter().filter_map(|candidate| candidate["score"].as_f64()).collect();
        assert!(scores.iter().rev().is_sorted(), "{scores:?}");
        best.extend(candidates);
    }
    assert!(!best.is_empty(), "no node can do anything: the test proves nothing");
}

#[tokio::test]
async fn weights_decide() {
    let (_, reader, _database) = fixture().await;
    let task = open_task(&reader).await;
    let only_reputation = json!({ "price": 0, "reputation": 1, "latency": 0, "uptime": 0, "power": 0 });
    let data = ask_with(&reader, MATCH, json!({ "id": task["id"], "weights": only_reputation })).await;
    for candidate in data["match"]["candidates"].as_array().expect("a list") {
        let reputation = candidate["terms"].as_array().expect("terms").iter().find(|term| term["name"] == "reputation");
        assert_eq!(candidate["score"], reputation.expect("the term")["value"]);
    }
    let query = format!("{{ match(taskId: {}, weights: {{ price: -1 }}) {{ eligible }} }}", task["id"]);
    let (message, code) = refusal(&reader, &query).await;
    assert!(message.contains("the weight of price is -1"), "{message}");
    assert_eq!(code, "BAD_INPUT");
}

#[tokio::test]
async fn a_token_that_is_not_allowed_is_told() {
    let (_, reader, _database) = fixture().await;
    let query = "{ quote(request: { resourceType: CPU, minPower: 1, duration: 3600, pricePerHour: \"5\",
        paymentToken: \"0x1111111111111111111111111111111111111111\" }) { tokenAllowed escrow tipDeposit } }";
    let quote = json!({ "tokenAllowed": false, "escrow": "5", "tipDeposit": "0" });
    assert_eq!(ask(&reader, query).await["quote"], quote);
    let huge = "9".repeat(60);
    let query = format!(
        "{{ quote(request: {{ resourceType: CPU, minPower: 1, duration: 3600, pricePerHour: \"{huge}\" }}) {{ escrow }} }}"
    );
    assert!(refusal(&reader, &query).await.0.contains("larger than any escrow"));
}
