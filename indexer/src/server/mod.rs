//! HTTP: `/graphql`, health and metrics.

mod cors;
mod graphiql;
mod graphql;
mod limits;
mod request;
mod sse;
mod subscribers;
mod websocket;

use std::{sync::Arc, time::Duration};

use aiigo_telemetry::{Health, ops_router};
use async_graphql::Response as Answer;
use axum::{Router, routing::any};
use tokio_util::sync::CancellationToken;
use tower_http::limit::RequestBodyLimitLayer;

use self::subscribers::Subscriber;
pub use self::{cors::Cors, limits::RateLimit};
use crate::graphql::Api;

/// The largest request body or message, bytes: a long query with its variables.
const MAX_BODY: usize = 256 * 1024;

/// How long a message may wait for a subscriber to read.
const READING_TIME: Duration = Duration::from_secs(20);

/// What is served, and to whom.
#[derive(Clone)]
pub struct Server {
    api: Api,
    cors: Arc<Cors>,
    limits: RateLimit,
    /// Ends subscriptions, which don't end by themselves.
    closing: CancellationToken,
    reading_time: Duration,
}

impl Server {
    /// Serves an API to whoever `cors` lets read, as much as `limits` allow, until `closing` is cancelled.
    pub fn new(api: Api, cors: Cors, limits: RateLimit, closing: CancellationToken) -> Self {
        Self { api, cors: Arc::new(cors), limits, closing, reading_time: READING_TIME }
    }

    /// How long a message may wait for a subscriber to read, before it is dropped: 20 s if nothing is said.
    #[must_use]
    pub const fn with_reading_time(mut self, time: Duration) -> Self {
        self.reading_time = time;
        self
    }

    fn subscriber(&self, transport: &'static str) -> Subscriber {
        Subscriber::new(transport, self.reading_time)
    }

    /// The program's whole HTTP interface.
    pub fn router(self, health: Health) -> Router {
        let cors = self.cors.layer();
        let graphql = Router::new()
            .route("/graphql", any(graphql::serve))
            .with_state(self)
            .layer(RequestBodyLimitLayer::new(MAX_BODY))
            .layer(cors);
        Router::new().merge(graphql).merge(ops_router(health))
    }
}

/// Whether a request was refused before anything was executed: errors of execution name the field that failed.
fn before_execution(answer: &Answer) -> bool {
    let refused = !answer.errors.is_empty() && answer.data == async_graphql::Value::Null;
    refused && answer.errors.iter().all(|error| error.path.is_empty())
}
