//! The indexer's GraphQL, as far as this program asks.

use std::time::Duration;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, json};
use url::Url;

use crate::error::{CliError, Context};

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection<T> {
    #[serde(deserialize_with = "number")]
    total_count: u64,
    edges: Vec<Edge<T>>,
}

#[derive(Debug, Deserialize)]
struct Edge<T> {
    node: T,
}

impl<T> Connection<T> {
    /// How many there are in all, and those of this page.
    pub(crate) fn into_parts(self) -> (u64, Vec<T>) {
        (self.total_count, self.edges.into_iter().map(|edge| edge.node).collect())
    }
}

/// A 64-bit number: in GraphQL a decimal string, small ones also a number.
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    match Value::deserialize(deserializer)? {
        Value::String(text) => text.parse().map_err(D::Error::custom),
        other => other.as_u64().ok_or_else(|| D::Error::custom(format!("`{other}` is no whole number"))),
    }
}

const TIMEOUT: Duration = Duration::from_secs(15);

/// A client of one indexer.
#[derive(Clone, Debug)]
pub(crate) struct Indexer {
    http: reqwest::Client,
    url: Url,
}

#[derive(Deserialize)]
struct Response {
    data: Option<Value>,
    #[serde(default)]
    errors: Vec<ResponseError>,
}

#[derive(Deserialize)]
struct ResponseError {
    message: String,
}

impl Indexer {
    /// A client for the indexer at `url`; `/graphql` may be left out.
    pub(crate) fn new(mut url: Url) -> Result<Self, CliError> {
        if url.path() == "/" {
            url.set_path("/graphql");
        }
        let http = reqwest::Client::builder().timeout(TIMEOUT).build().context(|| "starting an HTTP client".into())?;
        Ok(Self { http, url })
    }

    /// Asks, and reads the answer's `field`.
    pub(crate) async fn ask<T: DeserializeOwned>(
        &self,
        query: &str,
        variables: Value,
        field: &str,
    ) -> Result<T, CliError> {
        let what = || format!("asking the indexer at {}: is `aiigo-indexer run` up there?", self.url);
        let body = json!({ "query": query, "variables": variables });
        let response = self.http.post(self.url.clone()).json(&body).send().await.context(what)?;
        let response = response.error_for_status().context(what)?;
        let mut response: Response = response.json().await.context(what)?;
        if let Some(error) = response.errors.first() {
            return Err(CliError::Failed(format!("the indexer at {} refused: {}", self.url, error.message)));
        }
        let value = response.data.as_mut().map_or(Value::Null, |data| data[field].take());
        serde_json::from_value(value)
            .context(|| format!("reading `{field}` in the answer of the indexer at {}", self.url))
    }
}
