//! HTTP: `/graphql`, health and metrics.

mod graphiql;
mod graphql;

use aiigo_telemetry::{Health, ops_router};
use axum::{
    Router,
    http::{HeaderValue, Method, header},
    routing::any,
};
use tower_http::{
    cors::{AllowOrigin, CorsLayer},
    limit::RequestBodyLimitLayer,
};

use crate::graphql::Api;

/// The largest request body, bytes: a long query with its variables.
const MAX_BODY: usize = 256 * 1024;

/// Which web pages of other origins may read the answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cors {
    /// None.
    #[default]
    SameOrigin,
    /// Those of these origins.
    Origins(Vec<HeaderValue>),
    /// All.
    Any,
}

/// The program's whole HTTP interface.
pub fn router(api: Api, health: Health, cors: &Cors) -> Router {
    let graphql = Router::new()
        .route("/graphql", any(graphql::serve))
        .with_state(api)
        .layer(RequestBodyLimitLayer::new(MAX_BODY))
        .layer(cors_layer(cors));
    Router::new().merge(graphql).merge(ops_router(health))
}

fn cors_layer(cors: &Cors) -> CorsLayer {
    let origins = match cors {
        Cors::SameOrigin => AllowOrigin::list([]),
        Cors::Origins(origins) => AllowOrigin::list(origins.iter().cloned()),
        Cors::Any => AllowOrigin::any(),
    };
    CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE, header::ACCEPT])
}
