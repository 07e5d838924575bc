//! A GraphQL subscription by server-sent events, as a client sees it.

#![allow(clippy::expect_used)] // a test that is told nothing fails

use std::time::Duration;

use reqwest::{Client, Response, Url, header};
use serde_json::{Value, json};

/// How long an event may take to come.
const LIMIT: Duration = Duration::from_secs(30);

/// Events as they come.
#[derive(Debug)]
pub struct Subscription {
    response: Response,
    unread: Vec<u8>,
}

impl Subscription {
    /// Subscribes at an endpoint.
    ///
    /// # Panics
    /// If the endpoint does not answer with events.
    pub async fn start(client: &Client, endpoint: Url, query: &str) -> Self {
        let request = client.post(endpoint).header(header::ACCEPT, "text/event-stream");
        let response = request.json(&json!({ "query": query })).send().await.expect("an answer");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        Self { response, unread: Vec::new() }
    }

    /// The next event's name and data; none at the end.
    ///
    /// # Panics
    /// If none comes in time.
    pub async fn event(&mut self) -> Option<(String, String)> {
        // Comments that keep the connection alive don't count.
        let event = tokio::time::timeout(LIMIT, self.read_event()).await;
        event.unwrap_or_else(|_| panic!("no event within {} s", LIMIT.as_secs()))
    }

    async fn read_event(&mut self) -> Option<(String, String)> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let event: Vec<u8> = self.unread.drain(..end + 2).collect();
                let event = String::from_utf8(event).expect("text");
                let field = |name: &str| {
                    let value = event.lines().find_map(|line| line.strip_prefix(name));
                    value.map(|value| value.trim_start().to_owned())
                };
                match field("event:") {
                    Some(name) => return Some((name, field("data:").unwrap_or_default())),
                    None => continue,
                }
            }
            self.unread.extend_from_slice(&self.response.chunk().await.ok()??);
        }
    }

    /// The next answer's data.
    ///
    /// # Panics
    /// If there is none, or it has errors.
    pub async fn next(&mut self) -> Value {
        let (name, data) = self.event().await.expect("an event");
        let mut answer: Value = serde_json::from_str(&data).expect("JSON");
        assert!(name == "next" && answer["errors"].is_null(), "{name}: {answer}");
        answer["data"].take()
    }
}
