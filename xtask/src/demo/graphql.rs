//! Questions to the indexer.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use crate::project::Error;

/// A client of the indexer's GraphQL endpoint.
pub(crate) struct GraphQl {
    client: reqwest::Client,
    url: Url,
}

impl GraphQl {
    pub(crate) fn new(url: Url) -> Self {
        Self { client: reqwest::Client::new(), url }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// Asks once; an error in the answer is an error here.
    pub(crate) async fn ask(&self, query: &str, variables: Value) -> Result<Value, Error> {
        let answer: Value = self
            .client
            .post(self.url.clone())
            .timeout(Duration::from_secs(10))
            .json(&json!({ "query": query, "variables": variables }))
            .send()
            .await?
            .json()
            .await?;
        match answer.get("errors") {
            Some(errors) => Err(format!("the indexer refused a query: {errors}").into()),
            None => Ok(answer["data"].clone()),
        }
    }

    /// Asks until `found` finds something in the answer, for at most `limit`.
    pub(crate) async fn until<T>(
        &self,
        what: &str,
        limit: Duration,
        query: &str,
        variables: Value,
        mut found: impl FnMut(&Value) -> Option<T>,
    ) -> Result<T, Error> {
        let deadline = tokio::time::Instant::now() + limit;
        loop {
            if let Some(value) = found(&self.ask(query, variables.clone()).await?) {
                return Ok(value);
            }
            if tokio::time::Instant::now() >= deadline {
                return Err(format!("waited {} s in vain for {what}", limit.as_secs()).into());
            }
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
    }
}
