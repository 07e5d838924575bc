//! A store with a quota takes what fits, as a whole, and nothing else.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::{fs, sync::Arc, time::Duration};

use aiigo_storage::{DirStore, PinHolder, StoreError, StoreOptions};
use common::{age, content, files};
use tempfile::TempDir;

fn limited(quota: u64) -> (TempDir, DirStore) {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions { quota: Some(quota), ..StoreOptions::default() };
    let store = DirStore::with_options(folder.path().join("store"), options).unwrap();
    (folder, store)
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_nothing_of_it_stays() {
    let (folder, store) = limited(1_000_000);
    store.put_bytes(content(600_000)).await.unwrap();
    let before = store.usage().await.unwrap();
    let file = folder.path().join("file");
    fs::write(&file, vec![7; 500_000]).unwrap();
    for refused in [store.put_bytes(vec![7; 500_000]).await, store.put_file(&file).await] {
        let error = refused.unwrap_err();
        assert!(matches!(error, StoreError::Full { quota: 1_000_000, used, .. } if used == before.bytes), "{error}");
        assert!(error.to_string().contains("the store has no room"), "{error}");
    }
    let many = folder.path().join("many");
    fs::create_dir(&many).unwrap();
    for n in 0..5 {
        fs::write(many.join(n.to_string()), vec![n; 100_000]).unwrap();
    }
    assert!(matches!(store.put_folder(&many, false).await, Err(StoreError::Full { .. })));
    assert_eq!(store.usage().await.unwrap(), before);
    assert!(files(&store.path().join("tmp")).is_empty() && files(&store.path().join("rooms")).is_empty());
    store.put_bytes(vec![7; 300_000]).await.unwrap();
}

#[tokio::test]
async fn garbage_makes_room() {
    let (_folder, store) = limited(1_000_000);
    let old = store.put_bytes(content(600_000)).await.unwrap();
    let kept = store.put_bytes(vec![1; 100_000]).await.unwrap();
    store.pin(&kept.cid, PinHolder::user(), "").await.unwrap();
    age(&store);
    let new = store.put_bytes(vec![7; 800_000]).await.unwrap();
    assert_eq!(store.size(&old.cid).await.unwrap(), None);
    assert!(store.size(&kept.cid).await.unwrap().is_some() && store.size(&new.cid).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_there_already_needs_no_room() {
    let (folder, store) = limited(610_000);
    let file = folder.path().join("file");
    fs::write(&file, content(600_000)).unwrap();
    let blob = store.put_file(&file).await.unwrap();
    assert_eq!(store.put_file(&file).await.unwrap(), blob);
    assert_eq!(store.put_bytes(content(600_000)).await.unwrap(), blob);
}

#[tokio::test]
async fn the_quota_holds_when_many_store_at_once() {
    let (_folder, store) = limited(1_000_000);
    let other = {
        let options = StoreOptions { quota: Some(1_000_000), ..StoreOptions::default() };
        DirStore::with_options(store.path(), options).unwrap()
    };
    let stores = Arc::new([store.clone(), other]);
    let puts = (0..12_u8).map(|n| {
        let stores = stores.clone();
        async move { stores[usize::from(n % 2)].put_bytes(vec![n; 262_000]).await.is_ok() }
    });
    let taken = futures::future::join_all(puts).await.into_iter().filter(|taken| *taken).count();
    let used = store.usage().await.unwrap().bytes;
    assert!((1..=3).contains(&taken) && used == taken as u64 * 262_000, "{taken} of {used} bytes");
}

#[tokio::test]
async fn the_room_of_a_process_that_was_killed_is_free_again() {
    let (_folder, store) = limited(1_000_000);
    store.put_bytes("first").await.unwrap();
    // Nobody holds its lock.
    fs::write(store.path().join("rooms/.left"), "900000").unwrap();
    store.put_bytes(vec![7; 800_000]).await.unwrap();
    assert!(files(&store.path().join("rooms")).is_empty());
}

#[tokio::test]
async fn what_others_store_and_remove_counts_at_once() {
    let (_folder, store) = limited(1_000_000);
    let other = DirStore::open(store.path()).unwrap();
    for round in 0..3_u8 {
        other.put_bytes(vec![round; 200_000]).await.unwrap();
        let used = store.usage().await.unwrap();
        assert_eq!((used.blocks, used.bytes), (u64::from(round) + 1, 200_000 * (u64::from(round) + 1)));
    }
    age(&other);
    // Long enough for the counts to be remembered.
    let settled = std::time::SystemTime::now() - Duration::from_secs(60);
    for shard in fs::read_dir(store.path().join("blocks")).unwrap().flatten() {
        fs::File::open(shard.path()).unwrap().set_modified(settled).unwrap();
    }
    assert_eq!(store.usage().await.unwrap().blocks, 3);
    other.collect().await.unwrap();
    assert_eq!(store.usage().await.unwrap().blocks, 0);
}
