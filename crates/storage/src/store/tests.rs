//! What is stored comes back, or an error says why not.

use std::time::{Duration, SystemTime};

use futures::TryStreamExt;
use tempfile::TempDir;

use super::*;
use crate::cid_of;

fn store() -> (TempDir, DirStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = DirStore::open(folder.path().join("store")).unwrap();
    (folder, store)
}

/// Three leaves and a node.
fn content() -> Vec<u8> {
    (0..600_000_u32).map(|i| (i ^ (i >> 8) ^ (i >> 16)) as u8).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { found.extend(files(&entry.path())) } else { found.push(entry.path()) }
    }
    found.sort();
    found
}

fn block_file(store: &DirStore, cid: &BlobCid) -> PathBuf {
    files(store.path()).into_iter().find(|path| path.ends_with(cid.to_string())).unwrap()
}

#[tokio::test]
async fn a_blob_comes_back_in_every_way() {
    let (folder, store) = store();
    let content = content();
    let source = folder.path().join("source");
    fs::write(&source, &content).unwrap();
    let blob = store.put_file(&source).await.unwrap();
    assert_eq!(blob, store.put_bytes(content.clone()).await.unwrap());
    assert_eq!((blob.cid, blob.size), (cid_of(&content), 600_000));
    assert_eq!(
        blob.sha256.0[..],
        sha2::Digest::finalize(sha2::Digest::chain_update(<sha2::Sha256 as sha2::Digest>::new(), &content))[..]
    );

    assert_eq!(store.get_bytes(&blob.cid, 600_000).await.unwrap(), content);
    let copy = folder.path().join("copy");
    assert_eq!(store.get_file(&blob.cid, &copy, 600_000).await.unwrap(), blob);
    assert_eq!(fs::read(&copy).unwrap(), content);
    let pieces: Vec<Bytes> = store.read(&blob.cid, 600_000).try_collect().await.unwrap();
    assert_eq!(pieces.iter().map(Bytes::len).collect::<Vec<_>>(), [262_144, 262_144, 75_712]);
    assert_eq!(pieces.concat(), content);
    assert_eq!(store.size(&blob.cid).await.unwrap(), Some(600_000));
}

#[tokio::test]
async fn nothing_is_a_blob_too() {
    let (folder, store) = store();
    let blob = store.put_bytes(Bytes::new()).await.unwrap();
    assert_eq!(blob.cid, cid_of(b""));
    assert_eq!(store.get_bytes(&blob.cid, 0).await.unwrap(), b"");
    store.get_file(&blob.cid, folder.path().join("empty"), 0).await.unwrap();
    assert_eq!(store.size(&blob.cid).await.unwrap(), Some(0));
}

#[tokio::test]
async fn what_is_not_there_is_missing() {
    let (_folder, store) = store();
    let cid = cid_of(b"elsewhere");
    assert!(matches!(store.get_bytes(&cid, 100).await, Err(StoreError::Missing(missing)) if missing == cid));
    assert_eq!(store.block(&cid).await.unwrap(), None);
    assert_eq!(store.size(&cid).await.unwrap(), None);
}

#[tokio::test]
async fn a_blob_without_one_of_its_blocks_is_not_there() {
    let (folder, store) = store();
    let blob = store.put_bytes(content()).await.unwrap();
    let leaf = cid_of(&content()[262_144..524_288]);
    fs::remove_file(block_file(&store, &leaf)).unwrap();
    assert_eq!(store.size(&blob.cid).await.unwrap(), None);
    let copy = folder.path().join("copy");
    assert!(matches!(store.get_file(&blob.cid, &copy, u64::MAX).await, Err(StoreError::Missing(cid)) if cid == leaf));
    assert_eq!(
        files(folder.path()).iter().filter(|path| path.parent() == Some(folder.path())).count(),
        0,
        "no half a file"
    );
}

#[tokio::test]
async fn a_damaged_block_is_reported_and_heals_when_the_blob_is_stored_again() {
    let (_folder, store) = store();
    let blob = store.put_bytes(content()).await.unwrap();
    let leaf = cid_of(&content()[..262_144]);
    let path = block_file(&store, &leaf);
    let mut block = fs::read(&path).unwrap();
    block[1000] ^= 1;
    fs::write(&path, &block).unwrap();
    let error = store.get_bytes(&blob.cid, u64::MAX).await.unwrap_err();
    assert!(matches!(&error, StoreError::Damaged { cid, .. } if *cid == leaf), "{error}");
    assert!(matches!(store.get_bytes(&blob.cid, u64::MAX).await, Err(StoreError::Missing(_))));
    store.put_bytes(content()).await.unwrap();
    assert_eq!(store.get_bytes(&blob.cid, u64::MAX).await.unwrap(), content());
}

#[tokio::test]
async fn a_torn_block_is_written_again() {
    let (_folder, store) = store();
    let blob = store.put_bytes(content()).await.unwrap();
    let path = block_file(&store, &blob.cid);
    fs::write(&path, b"").unwrap();
    assert!(matches!(store.block(&blob.cid).await, Err(StoreError::Damaged { .. })));
    fs::write(&path, b"torn").unwrap();
    store.put_bytes(content()).await.unwrap();
    assert_eq!(store.get_bytes(&blob.cid, u64::MAX).await.unwrap(), content());
}

#[tokio::test]
async fn a_limit_on_the_size_holds() {
    let (folder, store) = store();
    let (large, small) = (store.put_bytes(content()).await.unwrap(), store.put_bytes("four").await.unwrap());
    for (blob, max) in [(large, 599_999), (small, 3)] {
        let error = store.get_bytes(&blob.cid, max).await.unwrap_err();
        assert!(matches!(error, StoreError::TooLarge { size, .. } if size == blob.size), "{error}");
        assert!(store.get_file(&blob.cid, folder.path().join("x"), max).await.is_err());
        assert!(store.read(&blob.cid, max).try_collect::<Vec<_>>().await.is_err());
    }
}

#[tokio::test]
async fn a_file_that_can_not_be_read_is_named() {
    let (folder, store) = store();
    for path in [folder.path().join("nowhere"), folder.path().to_owned()] {
        let error = store.put_file(&path).await.unwrap_err().to_string();
        assert!(error.starts_with(&format!("cannot read {}", path.display())), "{error}");
    }
}

#[tokio::test]
async fn equal_blocks_are_stored_once() {
    let (_folder, store) = store();
    let blob = store.put_bytes(vec![0; 10 * 262_144]).await.unwrap();
    assert_eq!(files(&store.path().join("blocks")).len(), 2, "a leaf and a node");
    assert_eq!(store.get_bytes(&blob.cid, u64::MAX).await.unwrap().len(), 10 * 262_144);
}

#[tokio::test]
async fn stores_of_two_processes_share_a_folder() {
    let (_folder, store) = store();
    let other = DirStore::open(store.path()).unwrap();
    let writes = (0..8).map(|n| {
        let store = if n % 2 == 0 { store.clone() } else { other.clone() };
        async move { store.put_bytes(content()).await.unwrap() }
    });
    let blobs = futures::future::join_all(writes).await;
    assert!(blobs.windows(2).all(|pair| pair[0] == pair[1]));
    assert_eq!(other.get_bytes(&blobs[0].cid, u64::MAX).await.unwrap(), content());
    assert!(files(&store.path().join("tmp")).is_empty());
}

#[test]
fn what_a_crash_left_behind_is_cleared_after_a_day() {
    let (_folder, store) = store();
    let (old, new) = (store.path().join("tmp/old"), store.path().join("tmp/new"));
    for path in [&old, &new] {
        fs::write(path, b"x").unwrap();
    }
    let yesterday = SystemTime::now() - Duration::from_secs(25 * 3600);
    fs::File::options().write(true).open(&old).unwrap().set_modified(yesterday).unwrap();
    DirStore::open(store.path()).unwrap();
    assert_eq!(files(&store.path().join("tmp")), [new]);
}
