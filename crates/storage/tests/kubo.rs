//! The client of Kubo's RPC, against a server that answers as the RPC's reference says. It is not Kubo: what a daemon really
//! does with a file is checked with Helia (`tests/helia.rs`), which makes the same trees.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex},
    time::Duration,
};

use aiigo_storage::{BlobCid, ClientOptions, DirStore, FetchError, KuboError, KuboStore, cid_of};
use axum::{
    Router,
    body::Bytes,
    extract::{Query, State},
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
    routing::post,
};
use common::{content, serve, store};
use serde_json::json;

/// A daemon: its blocks, what is pinned, and whether it is configured to make other trees or gives out other blocks.
#[derive(Clone)]
struct Daemon {
    store: DirStore,
    pinned: Arc<Mutex<HashSet<String>>>,
    other_trees: bool,
    tampers: bool,
}

type Arguments = Query<HashMap<String, String>>;

impl Daemon {
    fn new(store: &DirStore) -> Self {
        Self { store: store.clone(), pinned: Arc::default(), other_trees: false, tampers: false }
    }

    async fn start(self) -> KuboStore {
        let commands = Router::new()
            .route("/api/v0/add", post(add))
            .route("/api/v0/block/get", post(block_get))
            .route("/api/v0/pin/add", post(pin_add))
            .route("/api/v0/pin/rm", post(pin_rm))
            .layer(axum::extract::DefaultBodyLimit::disable());
        let address = serve(commands.with_state(self)).await;
        let options =
            ClientOptions { allow_private: true, block_timeout: Duration::from_secs(5), ..ClientOptions::default() };
        KuboStore::new(address.as_url().clone(), options).unwrap()
    }

    fn pinned(&self) -> Vec<String> {
        self.pinned.lock().unwrap().iter().cloned().collect()
    }
}

/// Errors of commands are 500 with a JSON object.
fn refusal(message: &str) -> Response {
    let error = json!({ "Message": message, "Code": 0, "Type": "error" });
    (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response()
}

async fn add(State(daemon): State<Daemon>, Query(arguments): Arguments, headers: HeaderMap, body: Bytes) -> Response {
    let argument = |name: &str| arguments.get(name).map(String::as_str);
    // Without these a daemon makes another CID, and nothing is pinned.
    for (name, value) in [
        ("cid-version", "1"),
        ("raw-leaves", "true"),
        ("chunker", "size-262144"),
        ("hash", "sha2-256"),
        ("pin", "true"),
    ] {
        if argument(name) != Some(value) {
            return refusal(&format!("the test expects {name}={value}"));
        }
    }
    let Some(content) = only_part(&headers, &body) else {
        return (StatusCode::BAD_REQUEST, "file argument 'path' is required").into_response();
    };
    let cid = daemon.store.put_bytes(content).await.unwrap().cid;
    let hash =
        if daemon.other_trees { "QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPBdG".into() } else { cid.to_string() };
    daemon.pinned.lock().unwrap().insert(hash.clone());
    format!("{}\n", json!({ "Name": hash, "Hash": hash, "Size": "1" })).into_response()
}

/// The content of a multipart body's only part, a file.
fn only_part(headers: &HeaderMap, body: &Bytes) -> Option<Bytes> {
    let boundary = headers.get("content-type")?.to_str().ok()?.strip_prefix("multipart/form-data; boundary=")?;
    assert!(boundary.len() <= 70, "RFC 2046");
    let rest = body.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let end = rest.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&rest[..end]).ok()?.to_ascii_lowercase();
    assert!(
        head.contains("content-disposition: form-data; name=\"file\"; filename=\"") && head.contains("octet-stream")
    );
    let content = rest[end + 4..].strip_suffix(format!("\r\n--{boundary}--\r\n").as_bytes())?;
    Some(Bytes::copy_from_slice(content))
}

async fn block_get(State(daemon): State<Daemon>, Query(arguments): Arguments) -> Response {
    let cid: BlobCid = arguments["arg"].parse().unwrap();
    match daemon.store.block(&cid).await.unwrap() {
        Some(block) if daemon.tampers => [&block[..], b"!"].concat().into_response(),
        Some(block) => block.into_response(),
        None => refusal(&format!("block was not found locally (offline): ipld: could not find {cid}")),
    }
}

async fn pin_add(State(daemon): State<Daemon>, Query(arguments): Arguments) -> Response {
    let cid: BlobCid = arguments["arg"].parse().unwrap();
    match daemon.store.size(&cid).await.unwrap() {
        Some(_) => {
            daemon.pinned.lock().unwrap().insert(cid.to_string());
            json!({ "Pins": [cid] }).to_string().into_response()
        }
        None => refusal(&format!("pin: ipld: could not find {cid}")),
    }
}

async fn pin_rm(State(daemon): State<Daemon>, Query(arguments): Arguments) -> Response {
    match daemon.pinned.lock().unwrap().remove(&arguments["arg"]) {
        true => json!({ "Pins": [arguments["arg"]] }).to_string().into_response(),
        false => refusal("not pinned or pinned indirectly"),
    }
}

#[tokio::test]
async fn what_is_put_is_pinned_and_comes_back() {
    let (folder, store) = store();
    let daemon = Daemon::new(&store);
    let kubo = daemon.clone().start().await;
    for size in [0, 1, 262_144, 600_000] {
        let (file, copy) = (folder.path().join("file"), folder.path().join("copy"));
        std::fs::write(&file, content(size)).unwrap();
        let blob = kubo.put_file(&file).await.unwrap();
        assert_eq!(blob.cid, cid_of(&content(size)));
        assert!(daemon.pinned().contains(&blob.cid.to_string()));
        assert_eq!(kubo.fetch(&blob.cid, size as u64, &copy).await.unwrap(), blob);
        assert!(std::fs::read(&copy).unwrap() == content(size));
        kubo.unpin(&blob.cid).await.unwrap();
        assert!(daemon.pinned().is_empty());
        kubo.pin(&blob.cid).await.unwrap();
        kubo.unpin(&blob.cid).await.unwrap();
    }
}

#[tokio::test]
async fn a_daemon_that_makes_other_trees_is_told_to_forget_them() {
    let (folder, store) = store();
    let daemon = Daemon { other_trees: true, ..Daemon::new(&store) };
    let kubo = daemon.clone().start().await;
    let file = folder.path().join("file");
    std::fs::write(&file, "content").unwrap();
    let error = kubo.put_file(&file).await.unwrap_err();
    assert!(matches!(&error, KuboError::Differs { expected, .. } if *expected == cid_of(b"content")), "{error}");
    assert!(daemon.pinned().is_empty());
}

#[tokio::test]
async fn a_daemon_that_gives_other_blocks_is_not_believed() {
    let (folder, store) = store();
    let blob = store.put_bytes(content(600_000)).await.unwrap();
    let kubo = Daemon { tampers: true, ..Daemon::new(&store) }.start().await;
    let copy = folder.path().join("copy");
    let error = kubo.fetch(&blob.cid, u64::MAX, &copy).await.unwrap_err();
    assert!(matches!(&error, KuboError::Tampered { cid, .. } if *cid == blob.cid), "{error}");
    assert!(!copy.exists());
}

#[tokio::test]
async fn refusals_are_told_in_the_daemons_words() {
    let (folder, store) = store();
    let kubo = Daemon::new(&store).start().await;
    let (absent, copy) = (cid_of(b"absent"), folder.path().join("copy"));
    for error in [kubo.fetch(&absent, 10, &copy).await.map(|_| ()).unwrap_err(), kubo.pin(&absent).await.unwrap_err()] {
        let text = error.to_string();
        assert!(text.contains("500") && text.contains("ipld: could not find"), "{text}");
    }
    assert!(kubo.unpin(&absent).await.unwrap_err().to_string().contains("not pinned"));
    let blob = store.put_bytes(content(600_000)).await.unwrap();
    let error = kubo.fetch(&blob.cid, 599_999, &copy).await.unwrap_err();
    assert!(matches!(error, KuboError::Fetch(FetchError::TooLarge { size: 600_000, .. })), "{error}");
    assert!(!copy.exists());
    let error = kubo.put_file(folder.path().join("nowhere")).await.unwrap_err();
    assert!(matches!(error, KuboError::Source { .. }), "{error}");
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_named() {
    let (folder, _store) = store();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let api = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let kubo = KuboStore::new(api.parse().unwrap(), ClientOptions::default()).unwrap();
    let error = kubo.fetch(&cid_of(b"x"), 1, &folder.path().join("copy")).await.unwrap_err().to_string();
    assert!(error.contains(&format!("cannot reach Kubo at {api}")), "{error}");
}
