//! The protocols' own audits and clients, from npm, against the real server.

use std::{path::Path, process::Stdio};

use crate::support::{api::Server, chain::Chain, database::Database};
use aiigo_indexer::server::Cors;
use tokio::process::Command;

/// Runs a script of `tests/conformance` with the URL of a server that has some blocks to tell of.
async fn conforms(script: &str, scheme: &str) {
    let mut chain = Chain::new();
    let mut database = Database::of(&chain).await;
    for _ in 0..3 {
        chain.mine(&[0, 10]);
        let number = chain.height();
        database.apply(&chain.applied(number, number, 1)).await.expect("a block");
    }
    let server = Server::start(database.reader().await, Cors::SameOrigin).await;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(script);
    let url = format!("{scheme}://{}/graphql", server.address);
    let run = Command::new("node").arg(&script).arg(url).stdin(Stdio::null()).kill_on_drop(true).output();
    let done = run.await.expect("Node.js, and the packages that cargo xtask installs");
    let (told, errors) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{}:\n{told}\n{errors}", script.display());
}

#[tokio::test]
async fn graphql_over_http() {
    conforms("http.mjs", "http").await;
}

#[tokio::test]
async fn graphql_transport_ws() {
    conforms("websocket.mjs", "ws").await;
}

#[tokio::test]
async fn graphql_sse() {
    conforms("sse.mjs", "http").await;
}
