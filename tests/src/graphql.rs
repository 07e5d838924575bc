//! The indexer, asked as a client would.

use std::time::Duration;

use aiigo_devnet::{Subscription, eventually};
use reqwest::Client;
use serde_json::{Value, json};
use url::Url;

/// Time for the indexer to show what is on the chain.
const LIMIT: Duration = Duration::from_secs(20);

/// A GraphQL endpoint.
#[derive(Clone, Debug)]
pub struct GraphQl {
    url: Url,
    client: Client,
}

impl GraphQl {
    /// A client of the endpoint.
    ///
    /// # Panics
    /// If there is no HTTP client to be had.
    pub fn new(url: Url) -> Self {
        let client = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().expect("an HTTP client");
        Self { url, client }
    }

    /// Asks, and returns `data`.
    ///
    /// # Panics
    /// If there is no answer or it has errors.
    pub async fn ask(&self, query: &str) -> Value {
        let answer = self.try_ask(query).await.unwrap_or_else(|| panic!("{} does not answer", self.url));
        assert!(answer["errors"].is_null(), "{query}\n{:#}", answer["errors"]);
        answer["data"].clone()
    }

    /// Asks until the answer satisfies `look`.
    ///
    /// # Panics
    /// If it never does.
    pub async fn until<T>(&self, what: &str, query: &str, look: impl Fn(&Value) -> Option<T>) -> T {
        eventually(what, LIMIT, async || look(&self.try_ask(query).await?["data"])).await
    }

    /// Subscribes.
    ///
    /// # Panics
    /// If the endpoint does not answer with events.
    pub async fn subscribe(&self, query: &str) -> Subscription {
        // The usual client gives answers up that take long.
        let client = Client::builder().no_proxy().build().expect("an HTTP client");
        Subscription::start(&client, self.url.clone(), query).await
    }

    async fn try_ask(&self, query: &str) -> Option<Value> {
        let request = self.client.post(self.url.clone()).json(&json!({ "query": query }));
        request.send().await.ok()?.json().await.ok()
    }
}
