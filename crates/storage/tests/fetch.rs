//! The client gets what the CID says from gateways of every kind, or says which gateway did what.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use aiigo_storage::{BlobCid, ClientOptions, DirStore, FetchError, GatewayClient, GatewayUrl, cid_of};
use axum::{Router, response::Redirect, routing::get};
use common::{altered, client, content, counted, cut_off, gateway, serve, store};

/// Enough for two nodes above the leaves' level: 180 leaves.
const LARGE: usize = 180 * 262_144 - 5;

async fn stored(content: &[u8]) -> (tempfile::TempDir, DirStore, BlobCid) {
    let (folder, store) = store();
    let blob = store.put_bytes(content.to_vec()).await.unwrap();
    (folder, store, blob.cid)
}

async fn nowhere() -> GatewayUrl {
    // A port that was free a moment ago: connections are refused.
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
}

#[tokio::test]
async fn a_blob_is_fetched_into_a_file() {
    let content = content(600_000);
    let (folder, store, cid) = stored(&content).await;
    let client = client([gateway(&store).await]);
    let file = folder.path().join("file");
    let blob = client.fetch(&cid, 600_000, &file).await.unwrap();
    assert_eq!(blob, store.put_bytes(content.clone()).await.unwrap(), "CID, size and SHA-256");
    assert_eq!(std::fs::read(&file).unwrap(), content);
}

#[tokio::test]
async fn blobs_of_every_shape_are_fetched() {
    for size in [0, 1, 262_144, 262_145, LARGE] {
        let content = content(size);
        let (_folder, store, cid) = stored(&content).await;
        let fetched = client([gateway(&store).await]).fetch_bytes(&cid, size as u64).await.unwrap();
        assert!(fetched == content, "{size} bytes");
    }
}

#[tokio::test]
async fn a_blob_of_equal_leaves_is_fetched() {
    let content = vec![0; 5 * 262_144 + 1];
    let (_folder, store, cid) = stored(&content).await;
    assert_eq!(client([gateway(&store).await]).fetch_bytes(&cid, u64::MAX).await.unwrap(), content);
}

#[tokio::test]
async fn the_next_gateway_is_asked_if_one_is_down_or_has_nothing() {
    let content = content(300_000);
    let (_folder, store, cid) = stored(&content).await;
    let (_empty_folder, empty) = common::store();
    let client = client([nowhere().await, gateway(&empty).await, gateway(&store).await]);
    assert_eq!(client.fetch_bytes(&cid, u64::MAX).await.unwrap(), content);
}

#[tokio::test]
async fn a_tampered_block_is_refused_naming_gateway_and_cid() {
    let content = content(600_000);
    let (folder, store, cid) = stored(&content).await;
    let leaf = cid_of(&content[262_144..524_288]);
    let evil = altered(&store, |_, mut body| {
        if body.len() > 400_000 {
            body[400_000] ^= 1; // in the second leaf
        }
        body
    })
    .await;
    let file = folder.path().join("file");
    let error = client([evil.clone()]).fetch(&cid, u64::MAX, &file).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&format!("{evil}: the block of {leaf} was tampered with")), "{text}");
    assert!(matches!(error, FetchError::Failed { attempts, .. } if attempts.len() == 1 && attempts[0].tampered));
    assert!(!file.exists());

    // With an honest gateway behind it, the job is done all the same.
    let fetched = client([evil, gateway(&store).await]).fetch_bytes(&cid, u64::MAX).await.unwrap();
    assert!(fetched == content);
}

#[tokio::test]
async fn a_lying_root_is_refused() {
    let (_folder, store, cid) = stored(b"truth").await;
    let evil = altered(&store, |_, mut body| {
        let last = body.len() - 1;
        body[last] ^= 1;
        body
    })
    .await;
    let error = client([evil.clone()]).fetch_bytes(&cid, u64::MAX).await.unwrap_err().to_string();
    assert!(
        error.contains(evil.as_str()) && error.contains(&format!("the block of {cid} was tampered with")),
        "{error}"
    );
}

#[tokio::test]
async fn a_broken_stream_goes_on_at_another_gateway_where_it_stopped() {
    let content = content(LARGE);
    let (_folder, store, cid) = stored(&content).await;
    let broken = cut_off(&store, 40 << 20).await;
    let requests = Arc::new(AtomicUsize::new(0));
    let good = counted(&store, requests.clone()).await;
    let fetched = client([broken, good]).fetch_bytes(&cid, u64::MAX).await.unwrap();
    assert!(fetched == content);
    // What was missing: some 14 leaves of the first node, and the second node with its six leaves as one stream.
    let requests = requests.load(Ordering::Relaxed);
    assert!((8..=80).contains(&requests), "{requests} requests");
}

#[tokio::test]
async fn a_gateway_that_always_breaks_off_still_helps_block_by_block() {
    let content = content(10 * 262_144);
    let (_folder, store, cid) = stored(&content).await;
    let broken = cut_off(&store, 600_000).await;
    assert!(client([broken]).fetch_bytes(&cid, u64::MAX).await.unwrap() == content);
}

#[tokio::test]
async fn gateways_without_ordered_cars_are_asked_for_blocks() {
    let content = content(600_000);
    let (_folder, store, cid) = stored(&content).await;
    let root = store.block(&cid).await.unwrap().unwrap().len();
    // No CAR at all, one without the root, and one that leaves out the first leaf.
    let no_car = altered(&store, |query, body| if query.contains("car") { b"<html>".to_vec() } else { body }).await;
    let without = async |from: usize, to: usize| {
        altered(&store, move |query, mut body| {
            if query.contains("car") {
                body.drain(from..to);
            }
            body
        })
        .await
    };
    let (header, root_end) = (59, 59 + 2 + 36 + root);
    let (no_root, no_leaf) = (without(header, root_end).await, without(root_end, root_end + 3 + 36 + 262_144).await);
    for gateway in [no_car, no_root, no_leaf] {
        assert!(client([gateway]).fetch_bytes(&cid, u64::MAX).await.unwrap() == content);
    }
}

#[tokio::test]
async fn a_blob_larger_than_allowed_is_refused_at_its_root() {
    let content = content(LARGE);
    let (_folder, store, cid) = stored(&content).await;
    let requests = Arc::new(AtomicUsize::new(0));
    let gateways = [counted(&store, requests.clone()).await, gateway(&store).await];
    let error = client(gateways).fetch_bytes(&cid, LARGE as u64 - 1).await.unwrap_err();
    assert!(matches!(error, FetchError::TooLarge { size, .. } if size == LARGE as u64), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 1, "it is so at every gateway: one was enough");
}

#[tokio::test]
async fn an_answer_without_end_is_not_read() {
    let endless = serve(Router::new().fallback(get(|| async {
        let zeros = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(bytes::Bytes::from_static(&[0xff; 4096])));
        ([("content-type", "application/vnd.ipld.car; version=1")], axum::body::Body::from_stream(zeros))
    })))
    .await;
    let started = Instant::now();
    let error = client([endless]).fetch_bytes(&cid_of(b"x"), 10).await.unwrap_err().to_string();
    assert!(error.contains("has no end"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
}

#[tokio::test]
async fn a_gateway_that_keeps_silent_is_left_for_the_next() {
    let content = content(300_000);
    let (_folder, store, cid) = stored(&content).await;
    let silent = serve(Router::new().fallback(|| async { std::future::pending::<()>().await })).await;
    let options =
        ClientOptions { allow_private: true, block_timeout: Duration::from_millis(300), ..ClientOptions::default() };
    let client = GatewayClient::with_options([silent.clone(), gateway(&store).await], options).unwrap();
    assert!(client.fetch_bytes(&cid, u64::MAX).await.unwrap() == content);

    let total = Duration::from_millis(700);
    let options = ClientOptions { total_timeout: total, block_timeout: Duration::from_secs(9), ..options };
    let started = Instant::now();
    let error = GatewayClient::with_options([silent], options).unwrap().fetch_bytes(&cid, u64::MAX).await.unwrap_err();
    assert!(matches!(error, FetchError::TooSlow { .. }), "{error}");
    assert!(started.elapsed() >= total && started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let (_folder, store, cid) = stored(b"secret").await;
    let target = gateway(&store).await;
    let to = format!("{target}/ipfs/{cid}?format=raw");
    let redirecting = serve(Router::new().fallback(move || async move { Redirect::temporary(&to) })).await;
    let error = client([redirecting]).fetch_bytes(&cid, u64::MAX).await.unwrap_err().to_string();
    assert!(error.contains("redirects"), "{error}");
}

#[tokio::test]
async fn private_addresses_are_refused_unless_allowed() {
    let (_folder, store, cid) = stored(b"inside").await;
    let requests = Arc::new(AtomicUsize::new(0));
    let gateway = counted(&store, requests.clone()).await;
    let port = gateway.as_url().port().unwrap();
    let named: GatewayUrl = format!("http://localhost:{port}").parse().unwrap();
    let client = GatewayClient::new([gateway, named]).unwrap();
    let error = client.fetch_bytes(&cid, 100).await.unwrap_err();
    let FetchError::Failed { attempts, .. } = &error else { panic!("{error}") };
    assert_eq!(attempts.len(), 2);
    assert!(attempts.iter().all(|attempt| attempt.reason.contains("private or special address")), "{error}");
    assert_eq!(requests.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn without_a_gateway_the_error_says_so() {
    let error = client([]).fetch_bytes(&cid_of(b"x"), 1).await.unwrap_err().to_string();
    assert!(error.ends_with("no gateway is known; name one"), "{error}");
}
