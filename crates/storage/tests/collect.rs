//! What is pinned stays, whatever happens; the rest goes when it is asked for.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::fs;

use aiigo_storage::{BlobRef, Collected, DirStore, PinHolder, StoreError, Usage, cid_of};
use common::{age, content, files, store};

/// Three leaves and a node, and some small blob.
async fn two_blobs(store: &DirStore) -> (BlobRef, BlobRef) {
    (store.put_bytes(content(600_000)).await.unwrap(), store.put_bytes("small").await.unwrap())
}

fn holder(name: &str) -> PinHolder {
    name.parse().unwrap()
}

#[tokio::test]
async fn garbage_goes_and_what_is_pinned_stays() {
    let (_folder, store) = store();
    let (large, small) = two_blobs(&store).await;
    store.pin(&large.cid, PinHolder::user(), "large").await.unwrap();
    let all = store.usage().await.unwrap();
    age(&store);
    let expected = Collected { blobs: 1, blocks: 1, bytes: 5 };
    assert_eq!(store.collectable().await.unwrap(), expected);
    assert_eq!(store.usage().await.unwrap(), all, "asking removes nothing");
    assert_eq!(store.collect().await.unwrap(), expected);
    assert_eq!(store.get_bytes(&large.cid, u64::MAX).await.unwrap(), content(600_000));
    assert_eq!(store.block(&small.cid).await.unwrap(), None);
    assert_eq!(store.usage().await.unwrap(), Usage { blocks: all.blocks - 1, bytes: all.bytes - 5 });
    assert_eq!(store.collect().await.unwrap(), Collected::default());
}

#[tokio::test]
async fn a_removed_blob_counts_once_however_many_blocks_it_has() {
    let (_folder, store) = store();
    two_blobs(&store).await;
    let all = store.usage().await.unwrap();
    age(&store);
    let collected = store.collect().await.unwrap();
    assert_eq!(collected, Collected { blobs: 2, blocks: 5, bytes: all.bytes });
    assert_eq!(store.usage().await.unwrap(), Usage::default());
}

#[tokio::test]
async fn what_is_fresh_is_not_yet_garbage() {
    let (_folder, store) = store();
    let (large, small) = two_blobs(&store).await;
    assert_eq!(store.collect().await.unwrap(), Collected::default());
    // Stored long ago, and stored again just now.
    age(&store);
    store.put_bytes(content(600_000)).await.unwrap();
    assert_eq!(store.collect().await.unwrap().blocks, 1);
    assert!(store.size(&large.cid).await.unwrap().is_some() && store.size(&small.cid).await.unwrap().is_none());
}

#[tokio::test]
async fn blocks_that_a_pinned_blob_shares_stay() {
    let (_folder, store) = store();
    let long = store.put_bytes(content(600_000)).await.unwrap();
    let short = store.put_bytes(content(524_288)).await.unwrap();
    store.pin(&short.cid, PinHolder::user(), "").await.unwrap();
    age(&store);
    assert_eq!(store.collect().await.unwrap().blocks, 2, "the longer one's last leaf and its node");
    assert_eq!(store.get_bytes(&short.cid, u64::MAX).await.unwrap(), content(524_288));
    assert_eq!(store.size(&long.cid).await.unwrap(), None);
}

#[tokio::test]
async fn a_blob_stays_until_its_last_holder_unpins_it() {
    let (_folder, store) = store();
    let blob = store.put_bytes("needed").await.unwrap();
    for name in ["one", "two"] {
        store.pin(&blob.cid, holder(name), name).await.unwrap();
    }
    age(&store);
    assert!(store.unpin(&blob.cid, holder("one")).await.unwrap());
    assert!(!store.unpin(&blob.cid, holder("one")).await.unwrap(), "not there any more");
    assert_eq!(store.collect().await.unwrap(), Collected::default());
    let pins = store.pins().await.unwrap();
    assert_eq!((pins.len(), pins[0].cid, pins[0].note.as_str()), (1, blob.cid, "two"));
    assert!(store.unpin(&blob.cid, holder("two")).await.unwrap());
    age(&store);
    assert_eq!(store.collect().await.unwrap().blobs, 1);
}

#[tokio::test]
async fn what_is_not_there_as_a_whole_can_not_be_pinned() {
    let (_folder, store) = store();
    let absent = cid_of(b"absent");
    let error = store.pin(&absent, PinHolder::user(), "").await.unwrap_err();
    assert!(matches!(error, StoreError::Missing(cid) if cid == absent), "{error}");
    let blob = store.put_bytes(content(600_000)).await.unwrap();
    let leaf = cid_of(&content(600_000)[..262_144]);
    fs::remove_file(files(store.path()).into_iter().find(|file| file.ends_with(leaf.to_string())).unwrap()).unwrap();
    assert!(matches!(store.pin(&blob.cid, PinHolder::user(), "").await, Err(StoreError::Missing(cid)) if cid == leaf));
    assert!(store.pins().await.unwrap().is_empty());
}

#[tokio::test]
async fn nothing_is_removed_while_a_pinned_blob_is_not_whole() {
    let (_folder, store) = store();
    let (large, small) = two_blobs(&store).await;
    store.pin(&large.cid, PinHolder::user(), "large").await.unwrap();
    age(&store);
    fs::remove_file(files(store.path()).into_iter().find(|file| file.ends_with(large.cid.to_string())).unwrap())
        .unwrap();
    let error = store.collect().await.unwrap_err().to_string();
    assert!(error.contains(&large.cid.to_string()) && error.contains("store it again, or unpin it"), "{error}");
    assert!(store.size(&small.cid).await.unwrap().is_some());
    store.put_bytes(content(600_000)).await.unwrap();
    assert_eq!(store.collect().await.unwrap().blobs, 1);
    assert!(store.size(&large.cid).await.unwrap().is_some());
}

#[tokio::test]
async fn a_pin_whose_note_was_damaged_still_holds() {
    let (_folder, store) = store();
    let blob = store.put_bytes("needed").await.unwrap();
    store.pin(&blob.cid, PinHolder::user(), "note").await.unwrap();
    fs::write(&files(&store.path().join("pins"))[0], b"").unwrap();
    age(&store);
    assert_eq!(store.collect().await.unwrap(), Collected::default());
    assert_eq!(store.pins().await.unwrap()[0].holder, PinHolder::user());
}

#[tokio::test]
async fn files_of_others_are_left_alone() {
    let (_folder, store) = store();
    store.put_bytes("garbage").await.unwrap();
    let strange = store.path().join("blocks/readme.txt");
    fs::write(&strange, "mine").unwrap();
    let beside = files(&store.path().join("blocks"))[0].with_file_name("note");
    fs::write(&beside, "mine").unwrap();
    age(&store);
    assert_eq!(store.collect().await.unwrap().blocks, 1);
    assert!(strange.exists() && beside.exists());
}
