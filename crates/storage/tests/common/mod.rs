//! Gateways for the tests: real ones, and ones that misbehave. All on real sockets.
#![allow(dead_code, clippy::unwrap_used)] // each test binary uses its part; to fail is to panic

use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime},
};

use aiigo_storage::{ClientOptions, DirStore, GatewayClient, GatewayUrl, NoPushes, PushAuthorizer, gateway_router};
use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Request,
    middleware::{Next, from_fn},
    response::Response,
};
use bytes::Bytes;
use futures::StreamExt;
use tempfile::TempDir;

/// A store in a folder of its own.
pub(crate) fn store() -> (TempDir, DirStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = DirStore::open(folder.path().join("store")).unwrap();
    (folder, store)
}

/// All files below a folder, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
    }
    found.sort();
    found
}

/// Makes all that is stored look as if it had been there for a day.
pub(crate) fn age(store: &DirStore) {
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 3600);
    for file in files(&store.path().join("blocks")) {
        std::fs::File::open(file).unwrap().set_modified(yesterday).unwrap();
    }
}

/// Bytes of which no two leaves are equal.
pub(crate) fn content(size: usize) -> Vec<u8> {
    (0..size).map(|i| ((i * 167) ^ (i >> 11) ^ ((i >> 18) * 13)) as u8).collect()
}

/// Serves a router on a free port of this machine.
pub(crate) async fn serve(router: Router) -> GatewayUrl {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    format!("http://{address}").parse().unwrap()
}

/// A good gateway.
pub(crate) async fn gateway(store: &DirStore) -> GatewayUrl {
    serve(gateway_router(store.clone(), Arc::new(NoPushes))).await
}

/// A gateway that takes pushes.
pub(crate) async fn gateway_for(store: &DirStore, authorizer: impl PushAuthorizer + 'static) -> GatewayUrl {
    serve(gateway_router(store.clone(), Arc::new(authorizer))).await
}

/// A gateway whose answers pass through a function of the request's query and the body.
pub(crate) async fn altered(
    store: &DirStore,
    alter: impl Fn(&str, Vec<u8>) -> Vec<u8> + Clone + Send + Sync + 'static,
) -> GatewayUrl {
    let router = gateway_router(store.clone(), Arc::new(NoPushes));
    serve(router.layer(from_fn(move |request: Request, next: Next| {
        let alter = alter.clone();
        async move {
            let query = request.uri().query().unwrap_or_default().to_owned();
            let (parts, body) = next.run(request).await.into_parts();
            let body = to_bytes(body, usize::MAX).await.unwrap();
            let mut response = Response::from_parts(parts, Body::from(alter(&query, body.to_vec())));
            response.headers_mut().remove("content-length");
            response
        }
    })))
    .await
}

/// A gateway that breaks the connection after so many bytes of every answer.
pub(crate) async fn cut_off(store: &DirStore, after: usize) -> GatewayUrl {
    let router = gateway_router(store.clone(), Arc::new(NoPushes));
    serve(router.layer(from_fn(move |request: Request, next: Next| async move {
        let (parts, body) = next.run(request).await.into_parts();
        let left = Arc::new(AtomicUsize::new(after));
        let stream = body.into_data_stream().map(move |piece| {
            let piece: Bytes = piece.map_err(std::io::Error::other)?;
            match left.load(Ordering::Relaxed).checked_sub(piece.len()) {
                Some(rest) => {
                    left.store(rest, Ordering::Relaxed);
                    Ok(piece)
                }
                None => Err(std::io::Error::other("cut off")),
            }
        });
        Response::from_parts(parts, Body::from_stream(stream))
    })))
    .await
}

/// Counts requests to a gateway by their query.
pub(crate) async fn counted(store: &DirStore, count: Arc<AtomicUsize>) -> GatewayUrl {
    let router = gateway_router(store.clone(), Arc::new(NoPushes));
    serve(router.layer(from_fn(move |request: Request, next: Next| {
        count.fetch_add(1, Ordering::Relaxed);
        next.run(request)
    })))
    .await
}

/// A client for gateways on this machine, with little patience.
pub(crate) fn client(gateways: impl IntoIterator<Item = GatewayUrl>) -> GatewayClient {
    let options = ClientOptions {
        allow_private: true,
        connect_timeout: Duration::from_secs(5),
        block_timeout: Duration::from_secs(5),
        total_timeout: Duration::from_secs(60),
    };
    GatewayClient::with_options(gateways, options).unwrap()
}
