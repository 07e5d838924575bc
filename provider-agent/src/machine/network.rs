//! How fast files come here.

use std::time::{Duration, Instant};

use url::Url;

use crate::error::{AgentError, Context};

/// A measurement ends after this much, bytes,
const SPEED_TEST_BYTES: u64 = 256 << 20;
/// or this long, whichever comes first.
const SPEED_TEST_TIME: Duration = Duration::from_secs(10);
/// Less than this tells of the line's delay rather than of its speed, bytes.
const ENOUGH: u64 = 1 << 20;
/// How long a server may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Downloads from an address, and tells how fast that was, megabits a second, at least 1.
///
/// # Errors
/// If nothing comes, or too little to tell.
pub(crate) async fn download_speed(from: &Url) -> Result<u64, AgentError> {
    let client = reqwest::Client::builder().connect_timeout(PATIENCE).read_timeout(PATIENCE).build();
    let request = client.context("cannot set up a download")?.get(from.clone());
    let what = || format!("cannot measure the line by {from}");
    let mut answer = request.send().await.and_then(reqwest::Response::error_for_status).context(what())?;
    let (started, mut bytes) = (Instant::now(), 0_u64);
    while bytes < SPEED_TEST_BYTES && started.elapsed() < SPEED_TEST_TIME {
        match answer.chunk().await.context(what())? {
            Some(chunk) => bytes = bytes.saturating_add(chunk.len() as u64),
            None => break,
        }
    }
    if bytes < ENOUGH {
        return Err(AgentError::new(format!("{}: {bytes} bytes are too few: name a larger file", what())));
    }
    let micros = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
    // Bits a microsecond are megabits a second.
    Ok((bytes.saturating_mul(8) / micros).max(1))
}

#[cfg(test)]
mod tests {
    use axum::{Router, http::StatusCode, routing::get};

    use super::*;

    async fn server() -> Url {
        let routes = Router::new()
            .route("/large", get(async || vec![7_u8; 4 << 20]))
            .route("/small", get(async || "small"))
            .route("/none", get(async || StatusCode::NOT_FOUND));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(async move { axum::serve(listener, routes).await });
        url.parse().expect("a URL")
    }

    #[tokio::test]
    async fn a_line_is_measured_by_a_download() {
        let server = server().await;
        let at = |path: &str| server.join(path).expect("a URL");
        assert!(download_speed(&at("/large")).await.expect("a speed") >= 1);
        let few = download_speed(&at("/small")).await.expect_err("too few").full();
        assert!(few.contains("5 bytes are too few"), "{few}");
        let none = download_speed(&at("/none")).await.expect_err("nothing").full();
        assert!(none.contains("404"), "{none}");
    }
}
