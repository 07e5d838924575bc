//! An indexer's opinion of the keeper's own roots: two programs that read the chain apart come to the same, or one is wrong.

use std::time::Duration;

use alloy::primitives::B256;
use reqwest::Url;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use crate::view::OwnEpoch;

/// How long an indexer may take to answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// Pause before it is asked again, when it has not come as far, gave no answer or differs: it may be mended.
const PAUSE: Duration = Duration::from_secs(5);

/// Answers without an opinion after which `once` does not wait any longer.
const TRIES: u32 = 3;

/// A root that the indexer computes otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Difference {
    /// Up to which it counts the bonuses.
    pub epoch: u64,
    /// The keeper's; `None`: nobody has earned a bonus.
    pub own: Option<B256>,
    /// The indexer's.
    pub indexer: Option<B256>,
}

/// Why there is no opinion yet.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoOpinion {
    #[error("it did not answer: {0}")]
    Http(#[from] reqwest::Error),
    #[error("it refused: {0}")]
    Refused(String),
    #[error("it has not indexed the end of epoch {0} yet")]
    Behind(u64),
}

/// Asks an indexer about the newest closed epoch that no reorg can change.
#[derive(Debug)]
pub(crate) struct SecondOpinion {
    client: reqwest::Client,
    url: Url,
    pause: Duration,
    asking: JoinSet<(OwnEpoch, Result<Option<B256>, NoOpinion>)>,
    /// The last epoch on which there is an opinion, and whether it is the same.
    known: Option<(OwnEpoch, bool)>,
    /// Answers without an opinion since, and the reason of the last.
    silence: Option<(u32, String)>,
}

impl SecondOpinion {
    /// Of the indexer at `url`; `/graphql` may be left out.
    pub(crate) fn new(mut url: Url) -> Self {
        if url.path() == "/" {
            url.set_path("/graphql");
        }
        let client = reqwest::Client::new();
        Self { client, url, pause: PAUSE, asking: JoinSet::new(), known: None, silence: None }
    }

    /// Whether the indexer has come to the same root.
    pub(crate) fn confirms(&self, own: OwnEpoch) -> bool {
        self.known == Some((own, true))
    }

    /// Whether it has said what it thinks of an epoch.
    pub(crate) fn knows(&self, own: OwnEpoch) -> bool {
        self.known.is_some_and(|(known, _)| known == own)
    }

    /// Why there is none, once it was asked in vain so often that nobody should wait for it.
    pub(crate) fn gave_none(&self) -> Option<&str> {
        self.silence.as_ref().filter(|(times, _)| *times >= TRIES).map(|(_, reason)| reason.as_str())
    }

    /// Asks, unless it agrees or is asked already.
    pub(crate) fn ask(&mut self, own: OwnEpoch) {
        if self.confirms(own) || !self.asking.is_empty() {
            return;
        }
        let (client, url) = (self.client.clone(), self.url.clone());
        let pause = if self.knows(own) || self.silence.is_some() { self.pause } else { Duration::ZERO };
        self.asking.spawn(async move {
            tokio::time::sleep(pause).await;
            (own, root_of(&client, url, own.epoch).await)
        });
    }

    /// Waits for an answer; for ever if nothing was asked. `Some` if it differs.
    pub(crate) async fn answer(&mut self) -> Option<Difference> {
        let Some(answer) = self.asking.join_next().await else { return std::future::pending().await };
        let (own, answer) = answer.ok()?;
        match answer {
            Ok(root) => {
                self.known = Some((own, root == own.root));
                self.silence = None;
                (root != own.root).then_some(Difference { epoch: own.epoch, own: own.root, indexer: root })
            }
            Err(reason) => {
                tracing::info!(epoch = own.epoch, %reason, "no second opinion from the indexer");
                let times = self.silence.take().map_or(0, |(times, _)| times) + 1;
                self.silence = Some((times, reason.to_string()));
                None
            }
        }
    }
}

/// The indexer's root of a closed epoch.
async fn root_of(client: &reqwest::Client, url: Url, epoch: u64) -> Result<Option<B256>, NoOpinion> {
    #[derive(Deserialize)]
    struct Answer {
        data: Option<Data>,
        #[serde(default)]
        errors: Vec<Error>,
    }
    #[derive(Deserialize)]
    struct Data {
        epoch: Option<Epoch>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Epoch {
        closed: bool,
        bonus_root: Option<B256>,
    }
    #[derive(Deserialize)]
    struct Error {
        message: String,
    }
    let query = "query ($number: BigInt!) { epoch(number: $number) { closed bonusRoot } }";
    let body = serde_json::json!({ "query": query, "variables": { "number": epoch.to_string() } });
    let answer: Answer =
        client.post(url).timeout(PATIENCE).json(&body).send().await?.error_for_status()?.json().await?;
    if let Some(error) = answer.errors.into_iter().next() {
        return Err(NoOpinion::Refused(error.message));
    }
    match answer.data.and_then(|data| data.epoch) {
        Some(epoch) if epoch.closed => Ok(epoch.bonus_root),
        _ => Err(NoOpinion::Behind(epoch)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };

    use axum::{Json, Router, http::StatusCode, routing::post};

    use super::*;

    /// An indexer that gives these answers in turn, the last again and again.
    async fn indexer(answers: Vec<(StatusCode, serde_json::Value)>) -> SecondOpinion {
        let (answers, asked) = (Arc::new(answers), Arc::new(AtomicUsize::new(0)));
        let answer = move || {
            let nth = asked.fetch_add(1, Ordering::Relaxed).min(answers.len() - 1);
            let (status, body) = answers[nth].clone();
            async move { (status, Json(body)) }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address")).parse().expect("a URL");
        tokio::spawn(async move { axum::serve(listener, Router::new().route("/graphql", post(answer))).await });
        SecondOpinion { pause: Duration::from_millis(10), ..SecondOpinion::new(url) }
    }

    fn told(closed: bool, root: Option<B256>) -> (StatusCode, serde_json::Value) {
        let epoch = serde_json::json!({ "closed": closed, "bonusRoot": root });
        (StatusCode::OK, serde_json::json!({ "data": { "epoch": epoch } }))
    }

    #[tokio::test]
    async fn one_that_differs_is_asked_again_until_it_agrees() {
        let own = OwnEpoch { epoch: 7, root: Some(B256::repeat_byte(1)) };
        let other = Some(B256::repeat_byte(2));
        let mut opinion = indexer(vec![told(true, other), told(true, other), told(true, own.root)]).await;
        for _ in 0..2 {
            opinion.ask(own);
            let differs = opinion.answer().await.expect("a difference");
            assert_eq!((differs.epoch, differs.own, differs.indexer), (7, own.root, other));
            assert!(opinion.knows(own) && !opinion.confirms(own));
        }
        opinion.ask(own);
        assert_eq!(opinion.answer().await, None);
        assert!(opinion.confirms(own));
        opinion.ask(own);
        assert!(opinion.asking.is_empty(), "who agrees is left alone");
    }

    #[tokio::test]
    async fn one_that_fails_or_is_behind_has_no_opinion() {
        let own = OwnEpoch { epoch: 7, root: None };
        let refused = (StatusCode::OK, serde_json::json!({ "errors": [{ "message": "no" }] }));
        let broken = (StatusCode::BAD_GATEWAY, serde_json::json!({}));
        let mut opinion = indexer(vec![broken, refused, told(false, None), told(true, None)]).await;
        for reason in [None, None, Some("it has not indexed the end of epoch 7 yet")] {
            opinion.ask(own);
            assert_eq!(opinion.answer().await, None);
            assert!(!opinion.knows(own) && !opinion.confirms(own));
            assert_eq!(opinion.gave_none(), reason);
        }
        opinion.ask(own);
        opinion.answer().await;
        assert!(opinion.confirms(own), "it has come as far, and nobody has earned a bonus");
        assert_eq!(opinion.gave_none(), None);
    }
}
