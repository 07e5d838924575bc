//! `/healthz`, `/readyz` and `/metrics`.

use std::time::Duration;

use axum::{
    Json, Router,
    extract::State,
    http::{StatusCode, header},
    response::IntoResponse,
    routing::get,
};
use tokio_util::sync::CancellationToken;

use crate::{Health, Listener, TelemetryError, metrics};

/// How long open connections may go on when it is time to leave.
const DRAIN: Duration = Duration::from_secs(3);

/// The endpoints, to merge into a program's own router: `/healthz` answers 200 while the process lives, `/readyz` 200 or
/// 503 with what the program says of itself, `/metrics` in Prometheus' text format.
pub fn ops_router<S: Clone + Send + Sync + 'static>(health: Health) -> Router<S> {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(|| async { ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], metrics::render()) }))
        .with_state(health)
}

async fn ready(State(health): State<Health>) -> impl IntoResponse {
    let status = if health.is_ready() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health.document()))
}

/// Serves the endpoints alone until the token is cancelled.
///
/// # Errors
/// If the server breaks.
pub async fn serve_ops(listener: Listener, health: Health, token: CancellationToken) -> Result<(), TelemetryError> {
    serve(listener, ops_router(health), token).await
}

/// Serves a program's router until the token is cancelled; connections that are still open then have 3 s.
///
/// # Errors
/// If the server breaks.
pub async fn serve(listener: Listener, router: Router, token: CancellationToken) -> Result<(), TelemetryError> {
    let Listener { socket, address } = listener;
    let server = axum::serve(socket, router).with_graceful_shutdown(token.clone().cancelled_owned());
    let cut_off = async {
        token.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server.into_future() => ended.map_err(|source| TelemetryError::Serve { address, source }),
        () = cut_off => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::ListenArgs;

    #[tokio::test]
    async fn readiness_is_what_the_program_says() {
        let listen = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
        let listener = ListenArgs { listen, address_file: None }.bind(0).await.expect("a free port");
        let url = format!("http://{}", listener.address);
        let (health, token) = (Health::new(), CancellationToken::new());
        let server = tokio::spawn(serve_ops(listener, health.clone(), token.clone()));

        let ready = |url: String| async move { reqwest::get(url).await.expect("an answer") };
        assert_eq!(ready(format!("{url}/readyz")).await.status(), 503);
        health.set_ready(true);
        health.set_status("indexedBlock", 7.into());
        let answer = ready(format!("{url}/readyz")).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.text().await.expect("a body"), r#"{"indexedBlock":7,"ready":true}"#);
        assert_eq!(ready(format!("{url}/healthz")).await.status(), 200);

        token.cancel();
        server.await.expect("no panic").expect("a clean end");
    }
}
