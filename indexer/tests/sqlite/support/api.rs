//! The API, asked directly or over HTTP.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use aiigo_devnet::Subscription;
use aiigo_indexer::{
    feed::Feed,
    graphql::Api,
    server::{self, Cors, RateLimit},
    store::Reader,
};
use aiigo_telemetry::Health;
use async_graphql::{Request, Variables};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

/// How long a subscriber may not read.
const READING_TIME: Duration = Duration::from_secs(2);

/// Asks; panics on errors.
pub async fn ask(reader: &Reader, query: &str) -> Value {
    ask_with(reader, query, json!({})).await
}

/// Asks with variables; panics on errors.
pub async fn ask_with(reader: &Reader, query: &str, variables: Value) -> Value {
    let request = Request::new(query).variables(Variables::from_json(variables));
    let response = Api::new(reader.clone()).execute(request).await;
    assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
    response.data.into_json().expect("JSON")
}

/// Asks for something that is refused; the first error's message and code.
pub async fn refusal(reader: &Reader, query: &str) -> (String, Value) {
    let response = Api::new(reader.clone()).execute(Request::new(query)).await;
    let error = response.errors.first().unwrap_or_else(|| panic!("{query} is not refused"));
    let extensions = serde_json::to_value(&error.extensions).expect("JSON");
    (error.message.clone(), extensions["code"].clone())
}

/// How many SQL statements a query costs.
pub async fn statements(reader: &Reader, query: &str) -> u64 {
    let snapshot = Arc::new(reader.snapshot());
    let response = Api::new(reader.clone()).execute_on(Request::new(query), Arc::clone(&snapshot)).await;
    assert!(response.errors.is_empty(), "{query}: {:?}", response.errors);
    snapshot.statements()
}

/// A server on a free port.
pub struct Server {
    pub address: SocketAddr,
    pub health: Health,
    /// What was written has to be said to it.
    pub feed: Feed,
    pub http: reqwest::Client,
    closing: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start(reader: Reader, cors: Cors) -> Self {
        Self::start_limited(reader, cors, RateLimit::default()).await
    }

    pub async fn start_limited(reader: Reader, cors: Cors, limits: RateLimit) -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("an address");
        let health = Health::new();
        let api = Api::new(reader);
        let feed = api.feed().clone();
        let closing = CancellationToken::new();
        let server = server::Server::new(api, cors, limits, closing.clone());
        let server = server.with_reading_time(READING_TIME);
        let service = server.router(health.clone()).into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn({
            let (feed, closing) = (feed.clone(), closing.clone());
            async move { feed.run(closing).await }
        });
        let task = tokio::spawn(async move { axum::serve(socket, service).await.expect("a working server") });
        Self { address, health, feed, http: reqwest::Client::new(), closing, task }
    }

    /// Subscribes by server-sent events.
    pub async fn subscribe(&self, query: &str) -> Subscription {
        let endpoint = self.url("/graphql").parse().expect("a URL");
        Subscription::start(&self.http, endpoint, query).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.closing.cancel();
        self.task.abort();
    }
}
