//! Folders come back as they were, and nothing that they say makes anything appear elsewhere.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::{collections::BTreeMap, fs, path::Path};

use aiigo_storage::{
    BlobCid, Collected, DirStore, FetchError, FolderFault, FolderLimits, GatewayUrl, MAX_FOLDER_ENTRIES, PinHolder,
    StoreError,
};
use axum::{Router, extract::Request, http::StatusCode, response::IntoResponse};
use common::{age, altered, client, content, cut_off, gateway, serve, store};
use proptest::prelude::*;
use sha2::{Digest, Sha256};

const LIMITS: FolderLimits = FolderLimits { bytes: 1 << 30, entries: MAX_FOLDER_ENTRIES };

/// Paths and contents below a folder; folders end in `/`.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        if entry.path().is_dir() {
            found.insert(format!("{name}/"), Vec::new());
            found.extend(tree(&entry.path()).into_iter().map(|(path, content)| (format!("{name}/{path}"), content)));
        } else {
            found.insert(name, fs::read(entry.path()).unwrap());
        }
    }
    found
}

fn sample(folder: &Path) {
    fs::create_dir_all(folder.join("sub/deep/empty")).unwrap();
    fs::create_dir_all(folder.join("Sub")).unwrap();
    for (path, size) in [("a", 0), ("B", 1), ("ü.txt", 300_000), ("sub/large", 45_613_057), ("sub/deep/a", 262_144)] {
        fs::write(folder.join(path), content(size)).unwrap();
    }
}

async fn sampled() -> (tempfile::TempDir, DirStore, BlobCid) {
    let (folder, store) = store();
    let source = folder.path().join("source");
    sample(&source);
    let stored = store.put_folder(&source, false).await.unwrap();
    assert_eq!((stored.files, stored.folders, stored.size), (5, 4, 45_613_057 + 262_144 + 300_001));
    (folder, store, stored.cid)
}

#[tokio::test]
async fn a_folder_comes_back_as_it_was() {
    let (folder, store, cid) = sampled().await;
    let copy = folder.path().join("copy");
    let got = store.get_folder(&cid, &copy, LIMITS).await.unwrap();
    assert_eq!(got, store.put_folder(&copy, false).await.unwrap());
    assert!(tree(&copy) == tree(&folder.path().join("source")));
    let fetched = folder.path().join("fetched");
    assert_eq!(client([gateway(&store).await]).fetch_folder(&cid, LIMITS, &fetched).await.unwrap(), got);
    assert!(tree(&fetched) == tree(&copy));
    assert_eq!(store.is_folder(&cid).await.unwrap(), Some(true));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "nothing else is left behind");
}

#[tokio::test]
async fn a_broken_stream_goes_on_at_another_gateway() {
    let (folder, store, cid) = sampled().await;
    let gateways = [cut_off(&store, 20 << 20).await, gateway(&store).await];
    let fetched = folder.path().join("fetched");
    client(gateways).fetch_folder(&cid, LIMITS, &fetched).await.unwrap();
    assert!(tree(&fetched) == tree(&folder.path().join("source")));
}

#[tokio::test]
async fn a_tampered_folder_leaves_nothing_behind() {
    let (folder, store, cid) = sampled().await;
    let evil = altered(&store, |_, mut body| {
        let last = body.len() - 1;
        body[last] ^= 1;
        body
    })
    .await;
    let fetched = folder.path().join("fetched");
    let error = client([evil]).fetch_folder(&cid, LIMITS, &fetched).await.unwrap_err().to_string();
    assert!(error.contains("tampered"), "{error}");
    assert!(!fetched.exists());
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "source and store");
}

#[tokio::test]
async fn the_well_known_cids_are_ours() {
    let (folder, store) = store();
    let empty = folder.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let stored = store.put_folder(&empty, false).await.unwrap();
    assert_eq!(stored.cid.to_string(), "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354");
}

#[tokio::test]
async fn hidden_files_are_stored_when_that_is_wanted() {
    let (folder, store) = store();
    let source = folder.path().join("source");
    fs::create_dir_all(source.join(".git")).unwrap();
    fs::write(source.join(".git/config"), "x").unwrap();
    fs::write(source.join("seen"), "y").unwrap();
    let without = store.put_folder(&source, false).await.unwrap();
    assert_eq!((without.files, without.folders), (1, 0));
    let with = store.put_folder(&source, true).await.unwrap();
    assert_eq!((with.files, with.folders), (2, 1));
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_not_followed() {
    use std::os::unix::fs::symlink;

    let (folder, store) = store();
    let source = folder.path().join("source");
    fs::create_dir(&source).unwrap();
    symlink("/etc/passwd", source.join("link")).unwrap();
    let error = store.put_folder(&source, false).await.unwrap_err().to_string();
    assert!(error.contains("source/link") && error.contains("neither a file nor a folder"), "{error}");
    // Nor is one that stands where a folder should appear.
    fs::remove_file(source.join("link")).unwrap();
    let stored = store.put_folder(&source, false).await.unwrap();
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::create_dir(&target).unwrap();
    symlink(&target, &link).unwrap();
    assert!(matches!(store.get_folder(&stored.cid, &link, LIMITS).await, Err(StoreError::Destination { .. })));
}

#[tokio::test]
async fn what_is_there_is_not_replaced() {
    let (folder, store) = store();
    let stored = store.put_folder(folder.path().join("store/blocks"), false).await.unwrap();
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    store.get_folder(&stored.cid, &taken, LIMITS).await.unwrap();
    fs::write(taken.join("mine"), "years of work").unwrap();
    for place in [&taken, &taken.join("mine")] {
        let error = store.get_folder(&stored.cid, place, LIMITS).await.unwrap_err().to_string();
        assert!(error.contains("something is there already"), "{error}");
    }
    assert_eq!(fs::read_to_string(taken.join("mine")).unwrap(), "years of work");
}

#[tokio::test]
async fn limits_on_count_and_bytes_hold() {
    let (folder, store, cid) = sampled().await;
    let place = folder.path().join("place");
    let few = FolderLimits { entries: 8, ..LIMITS };
    let error = store.get_folder(&cid, &place, few).await.unwrap_err();
    assert!(matches!(error, StoreError::Folder { fault: FolderFault::TooMany { max: 8 }, .. }), "{error}");
    let small = FolderLimits { bytes: 45_613_057, ..LIMITS };
    assert!(matches!(store.get_folder(&cid, &place, small).await, Err(StoreError::TooLarge { .. })));
    let client = client([gateway(&store).await]);
    assert!(matches!(client.fetch_folder(&cid, few, &place).await, Err(FetchError::Folder { .. })));
    assert!(matches!(client.fetch_folder(&cid, small, &place).await, Err(FetchError::TooLarge { .. })));
    assert!(!place.exists());
}

#[tokio::test]
async fn a_file_is_no_folder_and_a_folder_no_file() {
    let (folder, store, cid) = sampled().await;
    let file = store.put_bytes("file").await.unwrap().cid;
    let place = folder.path().join("place");
    assert!(matches!(store.get_folder(&file, &place, LIMITS).await, Err(StoreError::NoFolder(_))));
    assert!(matches!(store.get_file(&cid, &place, u64::MAX).await, Err(StoreError::Layout(_))));
    let client = client([gateway(&store).await]);
    assert!(matches!(client.fetch_folder(&file, LIMITS, &place).await, Err(FetchError::NoFolder(_))));
    assert!(matches!(client.fetch(&cid, u64::MAX, &place).await, Err(FetchError::Layout(_))));
    assert!(!place.exists());
}

#[tokio::test]
async fn a_pinned_folder_keeps_all_below_it() {
    let (folder, store, cid) = sampled().await;
    store.pin(&cid, PinHolder::user(), "sample").await.unwrap();
    let garbage = store.put_bytes("garbage").await.unwrap();
    age(&store);
    assert_eq!(store.collect().await.unwrap(), Collected { blobs: 1, blocks: 1, bytes: 7 });
    assert_eq!(store.size(&garbage.cid).await.unwrap(), None);
    store.get_folder(&cid, folder.path().join("copy"), LIMITS).await.unwrap();
    store.unpin(&cid, PinHolder::user()).await.unwrap();
    age(&store);
    let collected = store.collect().await.unwrap();
    assert_eq!((collected.blobs, store.usage().await.unwrap().blocks), (1, 0));
}

#[tokio::test]
async fn a_folder_that_ipfs_would_shard_is_refused() {
    let (folder, store) = store();
    let source = folder.path().join("wide");
    fs::create_dir(&source).unwrap();
    // 36 bytes of a CID and 92 of a name.
    for index in 0..2048 {
        fs::write(source.join(format!("{index:092}")), "").unwrap();
    }
    store.put_folder(&source, false).await.unwrap();
    fs::write(source.join("one more"), "").unwrap();
    let error = store.put_folder(&source, false).await.unwrap_err();
    assert!(matches!(error, StoreError::SourceFolder { fault: FolderFault::TooWide, .. }), "{error}");
}

#[tokio::test]
async fn a_gateway_serves_a_folders_blocks_by_scope() {
    let (_folder, store, cid) = sampled().await;
    let gateway = gateway(&store).await;
    let size = async |scope: &str| {
        let url = format!("{gateway}/ipfs/{cid}?format=car&dag-scope={scope}");
        reqwest::get(url).await.unwrap().bytes().await.unwrap().len()
    };
    let root = store.block(&cid).await.unwrap().unwrap().len();
    assert_eq!(size("block").await, 59 + 2 + 36 + root);
    assert_eq!(size("entity").await, size("block").await);
    assert!(size("all").await > 45_613_057 + 262_144 + 300_001);
}

/// A folder's block with one entry, however it is named, and its CID.
fn forged(name: &[u8], cid: &BlobCid, tree_size: u8) -> (BlobCid, Vec<u8>) {
    let mut link = vec![0x0a, 36];
    link.extend(cid.to_bytes());
    link.extend([0x12, name.len() as u8]);
    link.extend(name);
    link.extend([0x18, tree_size]);
    let mut block = vec![0x12, link.len() as u8];
    block.extend(link);
    block.extend([0x0a, 2, 8, 1]);
    (BlobCid::dag_pb(Sha256::digest(&block).into()), block)
}

/// A gateway that looks into nothing and gives out one block, whatever it is asked for.
async fn hostile(block: Vec<u8>) -> GatewayUrl {
    let answer = move |request: Request| async move {
        match request.uri().query() {
            Some(query) if query.contains("format=raw") => block.into_response(),
            _ => StatusCode::NOT_IMPLEMENTED.into_response(),
        }
    };
    serve(Router::new().fallback(answer)).await
}

/// Puts a block where the store finds it.
fn plant(store: &DirStore, (cid, block): &(BlobCid, Vec<u8>)) {
    let name = cid.to_string();
    let shard = store.path().join("blocks").join(&name[name.len() - 3..name.len() - 1]);
    fs::create_dir_all(&shard).unwrap();
    fs::write(shard.join(name), block).unwrap();
}

#[tokio::test]
async fn names_that_lead_elsewhere_are_refused_by_store_and_client() {
    let (folder, store) = store();
    let leaf = store.put_bytes("evil").await.unwrap().cid;
    for name in [&b".."[..], b".", b"", b"a/b", b"../evil", b"/tmp/evil", b"a\0b", b"\xff"] {
        let root = forged(name, &leaf, 4);
        plant(&store, &root);
        let place = folder.path().join("place");
        let error = store.get_folder(&root.0, &place, LIMITS).await.unwrap_err();
        assert!(matches!(error, StoreError::Folder { fault: FolderFault::Name, .. }), "{name:?}: {error}");
        let error = client([hostile(root.1.clone()).await]).fetch_folder(&root.0, LIMITS, &place).await.unwrap_err();
        assert!(matches!(&error, FetchError::Folder { fault: FolderFault::Name, .. }), "{name:?}: {error}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{name:?}");
    }
    let honest = forged(b"evil", &leaf, 4);
    plant(&store, &honest);
    store.get_folder(&honest.0, folder.path().join("place"), LIMITS).await.unwrap();
}

#[tokio::test]
async fn folders_that_lie_about_sizes_or_go_too_deep_are_refused() {
    let (folder, store) = store();
    let place = folder.path().join("place");
    let leaf = store.put_bytes("leaf").await.unwrap().cid;
    for tree_size in [3, 5] {
        let root = forged(b"a", &leaf, tree_size);
        plant(&store, &root);
        assert!(matches!(store.get_folder(&root.0, &place, LIMITS).await, Err(StoreError::Layout(_))), "{tree_size}");
    }
    // A folder's own size is a promise too.
    let inner = forged(b"a", &leaf, 4);
    let root = forged(b"b", &inner.0, 9);
    plant(&store, &inner);
    plant(&store, &root);
    assert!(matches!(store.get_folder(&root.0, &place, LIMITS).await, Err(StoreError::Layout(_))));
    assert!(!place.exists());

    let deep = folder.path().join("deep");
    let mut path = deep.clone();
    for _ in 0..64 {
        path.push("d");
    }
    fs::create_dir_all(&path).unwrap();
    store.put_folder(&deep, false).await.unwrap();
    fs::write(path.join("f"), "x").unwrap();
    let error = store.put_folder(&deep, false).await.unwrap_err();
    assert!(matches!(error, StoreError::SourceFolder { fault: FolderFault::TooDeep, .. }), "{error}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_names_a_folder_has_nothing_appears_outside(
        name in proptest::collection::vec(prop_oneof![Just(b'.'), Just(b'/'), Just(0), any::<u8>()], 0..12),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let (folder, store) = store();
            let leaf = store.put_bytes("evil").await.unwrap().cid;
            let root = forged(&name, &leaf, 4);
            plant(&store, &root);
            let place = folder.path().join("inner");
            fs::create_dir(&place).unwrap();
            let got = store.get_folder(&root.0, place.join("place"), LIMITS).await;
            let found = tree(&place);
            match got {
                Ok(_) => assert_eq!(found.len(), 2, "the folder and its file: {found:?}"),
                Err(_) => assert_eq!(found.len(), 0, "{found:?}"),
            }
            assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "the store and the folder");
        });
    }
}
