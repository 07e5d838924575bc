//! The gateway answers as the specification of trustless gateways says.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::sync::Arc;

use aiigo_storage::{DirStore, GatewayUrl, NoPushes, cid_of, gateway_router};
use common::{content, gateway, store};
use reqwest::{Client, Response, StatusCode};

async fn ask(gateway: &GatewayUrl, path: &str, accept: Option<&str>) -> Response {
    let mut request = Client::new().get(format!("{gateway}{path}"));
    if let Some(accept) = accept {
        request = request.header("accept", accept);
    }
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn one_block_is_served_with_the_headers_of_the_specification() {
    let (_folder, store) = store();
    let blob = store.put_bytes("hello").await.unwrap();
    let gateway = gateway(&store).await;
    for (query, accept) in [("?format=raw", None), ("", Some("application/vnd.ipld.raw"))] {
        let response = ask(&gateway, &format!("/ipfs/{}{query}", blob.cid), accept).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(header(&response, "content-type"), "application/vnd.ipld.raw");
        assert_eq!(header(&response, "content-length"), "5");
        assert_eq!(header(&response, "etag"), format!("\"{}.raw\"", blob.cid));
        assert_eq!(header(&response, "cache-control"), "public, max-age=29030400, immutable");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert_eq!(header(&response, "content-disposition"), format!("attachment; filename=\"{}.bin\"", blob.cid));
        assert_eq!(header(&response, "x-ipfs-path"), format!("/ipfs/{}", blob.cid));
        assert_eq!(response.bytes().await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn a_file_of_many_blocks_is_served_as_a_car() {
    let (_folder, store) = store();
    let content = content(600_000);
    let blob = store.put_bytes(content.clone()).await.unwrap();
    let gateway = gateway(&store).await;
    let response = ask(&gateway, &format!("/ipfs/{}?format=car", blob.cid), None).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(header(&response, "content-type"), "application/vnd.ipld.car; version=1; order=dfs; dups=y");
    assert_eq!(header(&response, "etag"), format!("W/\"{}.car\"", blob.cid));
    let car = response.bytes().await.unwrap();
    // A header of 58 bytes and its length, then each block behind its length and its CID of 36 bytes.
    assert_eq!(&car[..17], b"\x3a\xa2\x65roots\x81\xd8\x2a\x58\x25\x00\x01\x70\x12");
    let node = store.block(&blob.cid).await.unwrap().unwrap();
    let leaves = content.chunks(262_144).map(|leaf| 3 + 36 + leaf.len()).sum::<usize>();
    assert_eq!(car.len(), 59 + (2 + 36 + node.len()) + leaves);

    let root = ask(&gateway, &format!("/ipfs/{}?format=car&dag-scope=block", blob.cid), None).await;
    assert_eq!(root.bytes().await.unwrap().len(), 59 + 2 + 36 + node.len());
}

#[tokio::test]
async fn head_answers_like_get_without_the_body() {
    let (_folder, store) = store();
    let blob = store.put_bytes("hello").await.unwrap();
    let gateway = gateway(&store).await;
    for format in ["raw", "car"] {
        let url = format!("{gateway}/ipfs/{}?format={format}", blob.cid);
        let head = Client::new().head(&url).send().await.unwrap();
        let get = Client::new().get(&url).send().await.unwrap();
        assert_eq!(head.status(), StatusCode::OK);
        for name in ["content-type", "etag", "cache-control", "content-disposition"] {
            assert_eq!(header(&head, name), header(&get, name));
        }
        assert!(head.bytes().await.unwrap().is_empty());
    }
    let missing = Client::new().head(format!("{gateway}/ipfs/{}?format=raw", cid_of(b"no"))).send().await.unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_can_not_be_served_is_refused_with_the_right_status() {
    let (_folder, store) = store();
    let blob = store.put_bytes("hello").await.unwrap();
    let gateway = gateway(&store).await;
    let cid = blob.cid;
    for (path, accept, status) in [
        (format!("/ipfs/{}?format=raw", cid_of(b"no")), None, 404),
        (format!("/ipfs/{}?format=car", cid_of(b"no")), None, 404),
        ("/ipfs/nonsense?format=raw".into(), None, 400),
        ("/ipfs/QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPBdG?format=raw".into(), None, 400),
        ("/ipfs/..%2f..%2fetc%2fpasswd?format=raw".into(), None, 400),
        (format!("/ipfs/{cid}"), None, 400),
        (format!("/ipfs/{cid}"), Some("text/html"), 406),
        (format!("/ipfs/{cid}?format=tar"), None, 406),
        (format!("/ipfs/{cid}/path?format=raw"), None, 404),
    ] {
        let response = ask(&gateway, &path, accept).await;
        assert_eq!(response.status().as_u16(), status, "{path} {accept:?}");
        assert!(!header(&response, "cache-control").contains("immutable"), "{path}");
    }
    let post = Client::new().post(format!("{gateway}/ipfs/{cid}")).send().await.unwrap();
    assert_eq!(post.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn who_has_it_already_is_told_so() {
    let (_folder, store) = store();
    let blob = store.put_bytes("hello").await.unwrap();
    let gateway = gateway(&store).await;
    let url = format!("{gateway}/ipfs/{}?format=raw", blob.cid);
    let etag = header(&Client::new().get(&url).send().await.unwrap(), "etag").to_owned();
    for (tag, status) in [(etag.as_str(), 304), ("\"other\"", 200), (&format!("\"x\", W/{etag}"), 304), ("*", 304)] {
        let response = Client::new().get(&url).header("if-none-match", tag).send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{tag}");
    }
}

#[tokio::test]
async fn the_probe_of_the_specification_is_answered() {
    let (_folder, store) = store();
    let gateway = gateway(&store).await;
    let response = ask(&gateway, "/ipfs/bafkqaaa?format=raw", None).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.bytes().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_block_is_never_served() {
    let (_folder, store) = store();
    let blob = store.put_bytes("hello").await.unwrap();
    let gateway = gateway(&store).await;
    damage(&store, &blob.cid.to_string());
    let response = ask(&gateway, &format!("/ipfs/{}?format=raw", blob.cid), None).await;
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let text = response.text().await.unwrap();
    assert!(!text.contains(store.path().to_str().unwrap()), "the machine's paths are nobody's business: {text}");
}

#[tokio::test]
async fn a_car_that_can_not_be_completed_breaks_off() {
    let (_folder, store) = store();
    let content = content(600_000);
    let blob = store.put_bytes(content.clone()).await.unwrap();
    damage(&store, &cid_of(&content[524_288..]).to_string());
    let gateway = gateway(&store).await;
    let response = ask(&gateway, &format!("/ipfs/{}?format=car", blob.cid), None).await;
    assert!(response.bytes().await.is_err());
}

#[tokio::test]
async fn a_gateway_that_only_serves_takes_no_pushes() {
    let (_folder, store) = store();
    let gateway = common::serve(gateway_router(store, Arc::new(NoPushes))).await;
    let response = Client::new().put(format!("{gateway}/ipfs/{}", cid_of(b"x"))).body("x").send().await.unwrap();
    assert_eq!(response.status(), StatusCode::BAD_REQUEST, "no grant");
}

fn damage(store: &DirStore, name: &str) {
    let shard = &name[name.len() - 3..name.len() - 1];
    let path = store.path().join("blocks").join(shard).join(name);
    let mut block = std::fs::read(&path).unwrap();
    block[0] ^= 1;
    std::fs::write(&path, block).unwrap();
}
