//! A push is taken from the right signer, for the right blob, within its limits, and from nobody else.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use aiigo_storage::{
    BlobCid, DirStore, GatewayUrl, PushAuthorizer, PushDenied, PushError, PushGrant, SignedGrant, StoreOptions, cid_of,
};
use alloy::{
    primitives::{Address, B256, hex},
    signers::local::PrivateKeySigner,
};
use async_trait::async_trait;
use common::{client, content, gateway_for, store};
use reqwest::{Body, Client, RequestBuilder, StatusCode};

const CHAIN: u64 = 31337;
const TASK: B256 = B256::repeat_byte(0x7a);

/// Knows one task and its operator.
struct OneTask {
    operator: Address,
    quota: u64,
}

#[async_trait]
impl PushAuthorizer for OneTask {
    async fn authorize(&self, grant: &PushGrant, signer: Address) -> Result<u64, PushDenied> {
        if grant.chain_id != CHAIN || grant.task_id != TASK {
            return Err(PushDenied::Refused(format!("there is no task {}", grant.task_id)));
        }
        if signer != self.operator {
            return Err(PushDenied::Refused(format!("{signer} is not the operator of the assigned node")));
        }
        Ok(self.quota)
    }
}

struct Scene {
    folder: tempfile::TempDir,
    store: DirStore,
    gateway: GatewayUrl,
    operator: PrivateKeySigner,
}

impl Scene {
    async fn new(quota: u64) -> Self {
        let (folder, store) = store();
        let operator = PrivateKeySigner::random();
        let gateway = gateway_for(&store, OneTask { operator: operator.address(), quota }).await;
        Self { folder, store, gateway, operator }
    }

    fn file(&self, content: &[u8]) -> PathBuf {
        let path = self.folder.path().join(cid_of(content).to_string());
        std::fs::write(&path, content).unwrap();
        path
    }

    fn signed(&self, content: &[u8]) -> SignedGrant {
        grant(content).sign(&self.operator).unwrap()
    }

    fn put(&self, signed: &SignedGrant, body: impl Into<Body>) -> RequestBuilder {
        let grant = &signed.grant;
        Client::new()
            .put(format!("{}/ipfs/{}", self.gateway, grant.cid))
            .header("aiigo-chain-id", grant.chain_id)
            .header("aiigo-task-id", grant.task_id.to_string())
            .header("aiigo-size", grant.size)
            .header("aiigo-expires", grant.expires)
            .header("aiigo-signature", hex::encode_prefixed(signed.signature.as_bytes()))
            .body(body)
    }

    async fn status(&self, signed: &SignedGrant, body: impl Into<Body>) -> (u16, String) {
        let response = self.put(signed, body).send().await.unwrap();
        (response.status().as_u16(), response.text().await.unwrap())
    }

    async fn has(&self, cid: &BlobCid) -> bool {
        self.store.size(cid).await.unwrap().is_some()
    }

    fn leftovers(&self) -> usize {
        std::fs::read_dir(self.store.path().join("tmp")).unwrap().count()
    }
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn grant(content: &[u8]) -> PushGrant {
    PushGrant { chain_id: CHAIN, task_id: TASK, cid: cid_of(content), size: content.len() as u64, expires: now() + 600 }
}

#[tokio::test]
async fn an_output_is_delivered_and_fetched() {
    let scene = Scene::new(10 << 20).await;
    for size in [0, 5, 262_145, 3 << 20] {
        let content = content(size);
        let client = client([scene.gateway.clone()]);
        let signed = scene.signed(&content);
        assert_eq!(client.push(&scene.file(&content), &signed).await.unwrap(), scene.gateway);
        assert!(client.fetch_bytes(&signed.grant.cid, size as u64).await.unwrap() == content);
    }
    assert_eq!(scene.leftovers(), 0);
}

#[tokio::test]
async fn what_was_pushed_is_pinned_for_its_task() {
    let scene = Scene::new(100).await;
    for _ in 0..2 {
        scene.status(&scene.signed(b"x"), "x").await;
    }
    let pins = scene.store.pins().await.unwrap();
    assert_eq!((pins.len(), pins[0].cid, pins[0].holder.as_task()), (1, cid_of(b"x"), Some((CHAIN, TASK))));
    // Also if somebody else had put it there.
    let there = scene.store.put_bytes("there").await.unwrap();
    assert_eq!(scene.status(&scene.signed(b"there"), "there").await.0, 200);
    common::age(&scene.store);
    scene.store.collect().await.unwrap();
    assert!(scene.has(&there.cid).await && scene.has(&cid_of(b"x")).await);
}

#[tokio::test]
async fn a_push_for_which_there_is_no_room_is_refused_and_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { quota: Some(200_000), ..StoreOptions::default() };
    let store = DirStore::with_options(folder.path().join("store"), options).unwrap();
    let operator = PrivateKeySigner::random();
    let gateway = gateway_for(&store, OneTask { operator: operator.address(), quota: 1 << 30 }).await;
    let scene = Scene { folder, store, gateway, operator };
    let content = content(300_000);
    let (status, message) = scene.status(&scene.signed(&content), content.clone()).await;
    assert_eq!((status, message.contains("store is full")), (507, true), "{message}");
    assert_eq!((scene.leftovers(), scene.store.usage().await.unwrap().blocks), (0, 0));
    assert!(scene.store.pins().await.unwrap().is_empty());
    assert_eq!(scene.status(&scene.signed(&content[..100_000]), content[..100_000].to_vec()).await.0, 201);
}

#[tokio::test]
async fn pushing_twice_is_as_good_as_once() {
    let content = content(300_000);
    let scene = Scene::new(300_000).await;
    let signed = scene.signed(&content);
    assert_eq!(scene.status(&signed, content.clone()).await.0, 201);
    assert_eq!(scene.status(&signed, content.clone()).await.0, 200);
    client([scene.gateway.clone()]).push(&scene.file(&content), &signed).await.unwrap();
}

#[tokio::test]
async fn a_body_that_is_not_the_granted_blob_is_refused() {
    let scene = Scene::new(10 << 20).await;
    let content = content(300_000);
    let signed = scene.signed(&content);
    let mut other = content.clone();
    other[299_999] ^= 1;
    let (status, message) = scene.status(&signed, other.clone()).await;
    assert_eq!((status, message.contains(&cid_of(&other).to_string())), (422, true), "{message}");
    assert_eq!(scene.status(&signed, content[..100].to_vec()).await.0, 400, "too short");
    assert_eq!(scene.status(&signed, [&content[..], b"x"].concat()).await.0, 400, "too long, as its length says");
    // Without a length the excess shows while it streams.
    for (body, expected) in [([&content[..], b"x"].concat(), 413), (content[..100].to_vec(), 400)] {
        let stream = futures::stream::iter(
            body.chunks(10_000).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect::<Vec<_>>(),
        );
        assert_eq!(scene.status(&signed, Body::wrap_stream(stream)).await.0, expected);
    }
    assert!(!scene.has(&signed.grant.cid).await && !scene.has(&cid_of(&other)).await);
    assert_eq!(scene.leftovers(), 0);
    assert_eq!(scene.status(&signed, content).await.0, 201, "the right one is still welcome");
}

#[tokio::test]
async fn only_the_operator_of_the_assigned_node_may_push() {
    let scene = Scene::new(100).await;
    let signed = grant(b"fake").sign(&PrivateKeySigner::random()).unwrap();
    let (status, message) = scene.status(&signed, "fake").await;
    assert_eq!((status, message.contains("is not the operator")), (403, true), "{message}");
    let other_task = PushGrant { task_id: B256::ZERO, ..grant(b"x") }.sign(&scene.operator).unwrap();
    assert_eq!(scene.status(&other_task, "x").await.0, 403);
    let other_chain = PushGrant { chain_id: 1, ..grant(b"x") }.sign(&scene.operator).unwrap();
    assert_eq!(scene.status(&other_chain, "x").await.0, 403);
}

#[tokio::test]
async fn a_signature_covers_every_field() {
    let scene = Scene::new(100).await;
    let signed = scene.signed(b"x");
    for forged in [
        PushGrant { cid: cid_of(b"y"), ..signed.grant },
        PushGrant { expires: signed.grant.expires + 1, ..signed.grant },
    ] {
        let (status, _) = scene.status(&SignedGrant { grant: forged, ..signed }, "y").await;
        assert!(matches!(status, 401 | 403), "{status}");
    }
}

#[tokio::test]
async fn a_grant_has_its_time() {
    let scene = Scene::new(100).await;
    for expires in [now() - 1, now() + 3 * 24 * 3600] {
        let signed = PushGrant { expires, ..grant(b"x") }.sign(&scene.operator).unwrap();
        let (status, message) = scene.status(&signed, "x").await;
        assert_eq!((status, message.contains("expire")), (403, true), "{message}");
    }
}

#[tokio::test]
async fn headers_that_are_missing_or_malformed_are_named() {
    let scene = Scene::new(100).await;
    let signed = scene.signed(b"x");
    for name in ["aiigo-chain-id", "aiigo-task-id", "aiigo-size", "aiigo-expires", "aiigo-signature"] {
        let mut request = scene.put(&signed, "x").build().unwrap();
        request.headers_mut().remove(name);
        let response = Client::new().execute(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        assert!(response.text().await.unwrap().contains(name));
        let mut request = scene.put(&signed, "x").build().unwrap();
        request.headers_mut().insert(name, "0xnonsense".parse().unwrap());
        let response = Client::new().execute(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{name}");
    }
}

#[tokio::test]
async fn a_task_has_a_quota_over_all_its_blobs() {
    let scene = Scene::new(100).await;
    let (a, b, c) = ([1; 60], [2; 41], [3; 40]);
    assert_eq!(scene.status(&scene.signed(&a), a.to_vec()).await.0, 201);
    let (status, message) = scene.status(&scene.signed(&b), b.to_vec()).await;
    assert_eq!(
        (status, message.contains("the task may push 100 bytes in all; 60 are taken")),
        (413, true),
        "{message}"
    );
    assert_eq!(scene.status(&scene.signed(&c), c.to_vec()).await.0, 201);
    assert_eq!(scene.status(&scene.signed(&a), a.to_vec()).await.0, 200, "a blob counts once");
}

#[tokio::test]
async fn the_quota_holds_when_many_push_at_once() {
    let scene = Scene::new(1_000_000).await;
    let blobs: Vec<Vec<u8>> = (0..12_u8).map(|n| vec![n; 300_000]).collect();
    let grants: Vec<SignedGrant> = blobs.iter().map(|blob| scene.signed(blob)).collect();
    let pushes = grants.iter().zip(&blobs).map(|(signed, blob)| scene.status(signed, blob.clone()));
    let taken = futures::future::join_all(pushes).await.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(taken, 3);
}

#[tokio::test]
async fn a_push_that_breaks_off_gives_its_room_back() {
    let content = content(300_000);
    let scene = Scene::new(300_000).await;
    let signed = scene.signed(&content);
    let half = futures::stream::iter([Ok(content[..150_000].to_vec()), Err(std::io::Error::other("gone"))]);
    assert!(scene.put(&signed, Body::wrap_stream(half)).send().await.is_err());
    // The gateway sees the break a moment later; the client comes back until then.
    client([scene.gateway.clone()]).push(&scene.file(&content), &signed).await.unwrap();
    assert_eq!(scene.leftovers(), 0);
}

#[tokio::test]
async fn a_refusal_reaches_the_client_with_its_reason() {
    let scene = Scene::new(100).await;
    let content = content(8 << 20);
    let error = client([scene.gateway.clone()]).push(&scene.file(&content), &scene.signed(&content)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("413") && text.contains("the task may push 100 bytes"), "{text}");
    assert!(text.contains(scene.gateway.as_str()), "{text}");
}

#[tokio::test]
async fn a_file_that_is_not_the_granted_one_is_not_sent() {
    let scene = Scene::new(100).await;
    let error = client([scene.gateway.clone()]).push(&scene.file(b"xy"), &scene.signed(b"x")).await.unwrap_err();
    assert!(matches!(error, PushError::WrongSize { size: 2, granted: 1, .. }), "{error}");
    let error = client([scene.gateway.clone()]).push(&scene.folder.path().join("no"), &scene.signed(b"x")).await;
    assert!(matches!(error, Err(PushError::Source { .. })));
}

/// Can't answer at first.
struct Waking(Mutex<u32>);

#[async_trait]
impl PushAuthorizer for Waking {
    async fn authorize(&self, _: &PushGrant, _: Address) -> Result<u64, PushDenied> {
        let mut asked = self.0.lock().unwrap();
        *asked += 1;
        match *asked {
            1 => Err(PushDenied::Unavailable("the chain can't be reached".into())),
            _ => Ok(100),
        }
    }
}

#[tokio::test]
async fn the_client_comes_back_to_a_gateway_that_could_not_judge() {
    let (folder, store) = store();
    let gateway = gateway_for(&store, Waking(Mutex::new(0))).await;
    let file = folder.path().join("x");
    std::fs::write(&file, "x").unwrap();
    let signed = grant(b"x").sign(&PrivateKeySigner::random()).unwrap();
    client([gateway]).push(&file, &signed).await.unwrap();
}

#[tokio::test]
async fn the_second_gateway_takes_what_the_first_refuses() {
    let (a, b) = (Scene::new(0).await, Scene::new(100).await);
    let operator = Arc::new(b.operator.clone());
    let signed = grant(b"x").sign(&*operator).unwrap();
    let taken = client([a.gateway.clone(), b.gateway.clone()]).push(&b.file(b"x"), &signed).await.unwrap();
    assert_eq!(taken, b.gateway);
}
