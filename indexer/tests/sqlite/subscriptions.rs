//! Subscriptions over a real connection.

use std::{num::NonZeroU32, time::Duration};

use crate::support::{
    api::{Server, ask},
    chain::Chain,
    database::Database,
    story,
};
use aiigo_devnet::eventually;
use aiigo_indexer::{
    server::{Cors, RateLimit},
    store::{
        Column as _, Condition, Operator, Row as _,
        rows::{self, LogPosition},
    },
};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A choice that creates a task, and one that cancels one.
const CREATE: u64 = 10;
const CANCEL: u64 = 23;

/// An indexer that writes and serves.
struct Indexer {
    chain: Chain,
    database: Database,
    server: Server,
}

impl Indexer {
    async fn start() -> Self {
        let chain = Chain::new();
        let database = Database::of(&chain).await;
        let server = Server::start(database.reader().await, Cors::SameOrigin).await;
        Self { chain, database, server }
    }

    async fn mine(&mut self, choices: &[u64]) {
        self.chain.mine(choices);
        let number = self.chain.height();
        self.database.apply(&self.chain.applied(number, number, 1)).await.expect("a block");
        self.server.feed.grown();
    }

    async fn reorg(&mut self, to: u64) {
        let retracted = self.chain.retracted(to);
        self.chain.fork_at(to);
        self.database.apply(&retracted).await.expect("a reorg");
        self.server.feed.grown();
    }

    async fn cursor(&self) -> String {
        let answer = ask(&self.database.reader().await, "{ _meta { cursor } }").await;
        answer["_meta"]["cursor"].as_str().expect("a cursor").to_owned()
    }
}

#[tokio::test]
async fn a_subscriber_is_told_what_happens_and_what_is_taken_back() {
    let mut indexer = Indexer::start().await;
    let mut open = indexer
        .server
        .subscribe(&format!(
            r#"subscription {{
                tasks(where: {{ status: {{ _eq: OPEN }} }}, after: "{}") {{
                    block retracted matches
                    before {{ status }}
                    task {{ id status escrowDetails {{ deposited }} timeline {{ kind }} }}
                }}
            }}"#,
            indexer.cursor().await
        ))
        .await;
    indexer.mine(&[CREATE]).await;
    let created = open.next().await["tasks"].take();
    assert_eq!(
        (&created["block"], &created["retracted"], &created["matches"]),
        (&json!("2"), &json!(false), &json!(true))
    );
    assert_eq!((&created["before"], &created["task"]["status"]), (&Value::Null, &json!("OPEN")));
    assert!(
        created["task"]["escrowDetails"]["deposited"].is_string(),
        "what belongs to it can be asked for: {created}"
    );
    assert_eq!(created["task"]["timeline"][0]["kind"], "CREATED");

    // It leaves what was asked for, and that is told too.
    indexer.mine(&[CANCEL]).await;
    let cancelled = open.next().await["tasks"].take();
    assert_eq!((&cancelled["matches"], &cancelled["before"]["status"]), (&json!(false), &json!("OPEN")));
    assert_eq!((&cancelled["task"]["id"], &cancelled["task"]["status"]), (&created["task"]["id"], &json!("CANCELLED")));

    // The cancellation never happened.
    indexer.reorg(2).await;
    let again = open.next().await["tasks"].take();
    assert_eq!((&again["block"], &again["retracted"], &again["matches"]), (&json!("2"), &json!(true), &json!(true)));
    assert_eq!((&again["before"]["status"], &again["task"]["status"]), (&json!("CANCELLED"), &json!("OPEN")));

    // Nor did the task.
    indexer.reorg(1).await;
    let gone = open.next().await["tasks"].take();
    assert_eq!(
        (&gone["retracted"], &gone["task"], &gone["before"]["status"]),
        (&json!(true), &Value::Null, &json!("OPEN"))
    );
}

#[tokio::test]
async fn every_kind_of_subscription_tells_of_a_block_and_of_its_retraction() {
    let mut indexer = Indexer::start().await;
    let cursor = indexer.cursor().await;
    let subscribe = async |what: &str| indexer.server.subscribe(&format!("subscription {{ {what} }}")).await;
    let after = format!(r#"after: "{cursor}""#);
    let mut blocks = subscribe(&format!("blocks({after}) {{ number hash parentHash timestamp retracted }}")).await;
    let mut events = subscribe(&format!(
        "events({after}, where: {{ kind: {{ _eq: \"TaskCreated\" }} }}) {{ retracted event {{ block args }} }}"
    ))
    .await;
    let mut nodes = subscribe(&format!("nodes({after}) {{ retracted node {{ id owner }} before {{ id }} }}")).await;
    // A node is registered, a task created.
    indexer.mine(&[0, CREATE]).await;
    let header = indexer.chain.header(2);
    indexer.reorg(1).await;

    for retracted in [false, true] {
        let block = blocks.next().await["blocks"].take();
        assert_eq!(block["number"], "2");
        assert_eq!((&block["hash"], &block["parentHash"]), (&json!(header.hash), &json!(header.parent_hash)));
        assert_eq!(
            (&block["timestamp"], &block["retracted"]),
            (&json!(header.timestamp.to_string()), &json!(retracted))
        );
        let event = events.next().await["events"].take();
        assert_eq!((&event["event"]["block"], &event["retracted"]), (&json!("2"), &json!(retracted)));
        assert!(event["event"]["args"]["taskId"].is_string(), "{event}");
        let node = nodes.next().await["nodes"].take();
        let (is, was) = (&node["node"]["id"], &node["before"]["id"]);
        let one = json!("1");
        assert_eq!(
            (&node["retracted"], is, was),
            match retracted {
                false => (&json!(false), &one, &Value::Null),
                true => (&json!(true), &Value::Null, &one),
            }
        );
    }
}

#[tokio::test]
async fn without_a_cursor_only_what_happens_from_now_on_is_told() {
    let mut indexer = Indexer::start().await;
    indexer.mine(&[CREATE]).await;
    // What is passed on to those who are there is past.
    let mut known = indexer.server.subscribe(r#"subscription { blocks(after: "0") { number } }"#).await;
    assert_eq!(known.next().await["blocks"]["number"], "1");
    assert_eq!(known.next().await["blocks"]["number"], "2");
    let mut blocks = indexer.server.subscribe("subscription { blocks { number } }").await;
    eventually("both", Duration::from_secs(20), async || (indexer.server.feed.followers() == 2).then_some(())).await;
    indexer.mine(&[CREATE]).await;
    assert_eq!(blocks.next().await["blocks"]["number"], "3");
}

#[tokio::test]
async fn what_is_wrong_is_said_and_ends_the_stream() {
    let indexer = Indexer::start().await;
    for (query, message, code) in [
        ("subscription { nothing }", "nothing", Value::Null),
        (r#"subscription { blocks(after: "yesterday") { number } }"#, "not a cursor", json!("BAD_INPUT")),
        (r#"subscription { blocks(after: "12345") { number } }"#, "no longer kept", json!("GONE")),
        ("subscription { blocks { number } nodes { block } }", "exactly one field", json!("BAD_INPUT")),
        ("subscription { ...all } fragment all on Subscription { blocks { number } }", "fragment", json!("BAD_INPUT")),
    ] {
        let mut stream = indexer.server.subscribe(query).await;
        let (name, data) = stream.event().await.expect("an event");
        let answer: Value = serde_json::from_str(&data).expect("JSON");
        let error = &answer["errors"][0];
        assert!(name == "next" && error["message"].as_str().expect("a text").contains(message), "{query}: {answer}");
        assert_eq!(error["extensions"]["code"], code, "{query}: {answer}");
        assert_eq!(stream.event().await, Some(("complete".to_owned(), String::new())), "{query}");
        assert_eq!(stream.event().await, None, "{query}");
    }
    let body = json!({ "query": "subscription { blocks { number } }" });
    let answer = indexer.server.http.post(indexer.server.url("/graphql")).json(&body).send().await.expect("an answer");
    let answer: Value = answer.json().await.expect("JSON");
    assert!(answer["errors"][0]["message"].is_string(), "plain HTTP can't: {answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscriber_that_does_not_read_is_dropped_and_one_that_is_slow_misses_nothing() {
    let mut indexer = Indexer::start().await;
    let cursor = indexer.cursor().await;
    for block in story::choices(30, 100) {
        indexer.mine(&block).await;
    }
    let told = indexer.database.count("events").await;
    // Far more than sockets hold.
    let fields: String = (0..20).map(|copy| format!("topics{copy}: topics data{copy}: data ")).collect();
    let query = format!("subscription {{ events(after: \"{cursor}\") {{ event {{ block logIndex {fields} }} }} }}");
    let mut slow = indexer.server.subscribe(&query).await;
    let stuck = indexer.server.subscribe(&query).await;
    let followers = async |count| (indexer.server.feed.followers() == count).then_some(());
    eventually("both", Duration::from_secs(20), async || followers(2).await).await;
    let mut last = (0, 0);
    let number = |value: &Value| value.as_str().and_then(|text| text.parse::<u64>().ok()).expect("a number");
    let begun = indexer.database.reader().await;
    let first = Condition::Compare("position", Operator::Lt, LogPosition::start_of(2).value());
    let before = begun.snapshot().count(rows::Event::TABLE, &first).await.expect("a count");
    for _ in before..told.try_into().expect("a count") {
        let event = slow.next().await["events"]["event"].take();
        let place = (number(&event["block"]), number(&event["logIndex"]));
        assert!(place > last, "{place:?} after {last:?}");
        last = place;
    }
    eventually("an end of the one that does not read", Duration::from_secs(20), async || followers(1).await).await;
    drop((stuck, slow));
    eventually("nobody left", Duration::from_secs(20), async || followers(0).await).await;
}

#[tokio::test]
async fn a_client_that_asks_too_much_is_told_when_to_come_back() {
    let database = Database::of(&Chain::new()).await;
    let limits = RateLimit::new(NonZeroU32::new(1).expect("not zero"), true);
    let server = Server::start_limited(database.reader().await, Cors::SameOrigin, limits).await;
    let body = json!({ "query": "{ _meta { chainId } }" });
    let post = async |client: &str| {
        let request = server.http.post(server.url("/graphql")).header("x-forwarded-for", client).json(&body);
        request.send().await.expect("an answer")
    };
    let mut served = 0;
    let refused = loop {
        let answer = post("192.0.2.1").await;
        match answer.status() {
            StatusCode::OK => served += 1,
            _ => break answer,
        }
    };
    assert!(served >= 5, "five at once: {served}");
    assert_eq!(
        (refused.status(), &refused.headers()["retry-after"]),
        (StatusCode::TOO_MANY_REQUESTS, &"1".parse().expect("a header"))
    );
    let told: Value = refused.json().await.expect("JSON");
    assert!(told["errors"][0]["message"].as_str().expect("a text").contains("too many requests"), "{told}");
    assert_eq!(post("192.0.2.2").await.status(), StatusCode::OK, "others are not held up");
    let health = server.http.get(server.url("/healthz")).send().await.expect("an answer");
    assert_eq!(health.status(), StatusCode::OK, "nor is what watches the server");
}
