//! The indexer's GraphQL, as far as this program asks.

use std::time::Duration;

use alloy::primitives::U256;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, json};
use url::Url;

use crate::{
    error::{CliError, Context},
    output::printable,
};

/// A page of a list.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection<T> {
    #[serde(deserialize_with = "number")]
    total_count: u64,
    edges: Vec<Edge<T>>,
    /// Of a list that is read page by page.
    page_info: Option<PageInfo>,
}

/// Whether a list goes on, and where.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageInfo {
    has_next_page: bool,
    end_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Edge<T> {
    node: T,
}

impl<T> Connection<T> {
    /// The cursor after which the next page begins, if there is one.
    pub(crate) fn next(&self) -> Option<String> {
        let page = self.page_info.as_ref().filter(|page| page.has_next_page)?;
        page.end_cursor.clone()
    }

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

/// A 256-bit number, decimal in JSON.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct U256Text(pub(crate) U256);

impl TryFrom<String> for U256Text {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        U256::from_str_radix(&text, 10).map(Self).map_err(|error| format!("`{text}`: {error}"))
    }
}

impl From<U256Text> for String {
    fn from(number: U256Text) -> Self {
        number.0.to_string()
    }
}

/// A name of the contracts' enums as GraphQL writes it: `InProgress` is `IN_PROGRESS`, `IoT` is `IOT`.
pub(crate) fn graphql_name(name: &str) -> String {
    let mut text = String::new();
    let mut small = false;
    for (index, c) in name.char_indices() {
        // A single capital at the end begins no word: IoT.
        if c.is_uppercase() && small && index + 1 < name.len() {
            text.push('_');
        }
        small = c.is_lowercase();
        text.push(c.to_ascii_uppercase());
    }
    text
}

/// The other way round: the contracts' name of a value that GraphQL gave, or the value itself if there is none.
pub(crate) fn contract_name(names: impl IntoIterator<Item = &'static str>, value: &str) -> String {
    let found = names.into_iter().find(|name| graphql_name(name) == value);
    found.map_or_else(|| printable(value), str::to_owned)
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

#[cfg(test)]
mod tests {
    use aiigo_protocol::{NodeStatus, ResourceType, TaskStatus};

    use super::*;

    #[test]
    fn names_of_the_contracts_and_of_graphql_correspond() {
        assert_eq!(graphql_name("InProgress"), "IN_PROGRESS");
        assert_eq!(graphql_name("IoT"), "IOT");
        assert_eq!(graphql_name("GPU"), "GPU");
        let names = || TaskStatus::ALL.iter().map(|status| status.name());
        assert_eq!(contract_name(names(), "IN_PROGRESS"), "InProgress");
        assert_eq!(contract_name(names(), "SOMETHING_NEW"), "SOMETHING_NEW", "a newer indexer knows more");
        for name in NodeStatus::ALL.iter().map(|s| s.name()).chain(ResourceType::ALL.iter().map(|s| s.name())) {
            assert_eq!(graphql_name(name), name.to_uppercase());
        }
    }
}
