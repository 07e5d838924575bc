//! The API, asked directly or over HTTP.

use std::{net::SocketAddr, sync::Arc};

use aiigo_indexer::{
    graphql::Api,
    server::{self, Cors},
    store::Reader,
};
use aiigo_telemetry::Health;
use async_graphql::{Request, Variables};
use serde_json::{Value, json};

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
    pub http: reqwest::Client,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start(reader: Reader, cors: Cors) -> Self {
        let socket = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = socket.local_addr().expect("an address");
        let health = Health::new();
        let router = server::router(Api::new(reader), health.clone(), &cors);
        let task = tokio::spawn(async move { axum::serve(socket, router).await.expect("a working server") });
        Self { address, health, http: reqwest::Client::new(), task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}
