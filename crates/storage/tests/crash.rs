//! Several processes store, pin, unpin and collect in one folder, and are killed in the midst of it: nothing that was
//! pinned is ever lost.
#![allow(clippy::unwrap_used)] // helpers of tests: to fail is to panic

mod common;

use std::{
    env,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use aiigo_storage::{BlobCid, DirStore, PinHolder, StoreError, StoreOptions};
use common::content;
use rand::{Rng, SeedableRng, rngs::StdRng};

/// Names the store's folder to a process that this test starts.
const STORE: &str = "AIIGO_TEST_STORE";
/// Blobs in play. They share leaves, so that one's garbage is the other's content.
const BLOBS: usize = 12;
/// As short as it can be: blobs become garbage while the processes run.
const OPTIONS: StoreOptions = StoreOptions { quota: None, grace: Duration::ZERO };
const PROCESSES: u64 = 4;
const RUNNING: Duration = Duration::from_secs(10);

fn blob(number: usize) -> Vec<u8> {
    content(262_144 * (1 + number % 4) + number)
}

fn holder(process: u64) -> PinHolder {
    format!("process-{process}").parse().unwrap()
}

/// What each of the processes does until it is killed. Pins of its own are checked as long as they are there.
async fn churn(path: &Path, process: u64) {
    let store = DirStore::with_options(path, OPTIONS).unwrap();
    let mut random = StdRng::seed_from_u64(process ^ u64::from(std::process::id()));
    let mut pinned: Vec<(usize, BlobCid)> = Vec::new();
    loop {
        match random.random_range(0..10) {
            0..5 => {
                let number = random.random_range(0..BLOBS);
                let cid = store_and_pin(&store, number, process).await;
                pinned.retain(|(_, other)| *other != cid);
                pinned.push((number, cid));
            }
            5..8 if !pinned.is_empty() => {
                let (_, cid) = pinned.swap_remove(random.random_range(0..pinned.len()));
                assert!(store.unpin(&cid, holder(process)).await.unwrap());
            }
            8 => {
                store.collect().await.unwrap();
            }
            _ => {
                for (number, cid) in &pinned {
                    assert!(store.get_bytes(cid, u64::MAX).await.unwrap() == blob(*number), "{cid}");
                }
            }
        }
        // Now and then everything of a blob has had the time to become garbage.
        let pause = if random.random_bool(0.1) { 2500 } else { 20 };
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }
}

async fn store_and_pin(store: &DirStore, number: usize, process: u64) -> BlobCid {
    loop {
        let cid = store.put_bytes(blob(number)).await.unwrap().cid;
        match store.pin(&cid, holder(process), number.to_string()).await {
            Ok(()) => return cid,
            // A busy machine took longer than the grace.
            Err(StoreError::Missing(_)) => {}
            Err(error) => panic!("{error}"),
        }
    }
}

/// Not a test by itself: what the processes run.
#[tokio::test]
async fn a_process_of_the_test() {
    if let (Some(path), Ok(process)) = (env::var_os(STORE), env::var("AIIGO_TEST_PROCESS")) {
        churn(Path::new(&path), process.parse().unwrap()).await;
    }
}

fn start(path: &Path, process: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_process_of_the_test", "--nocapture"])
        .env(STORE, path)
        .env("AIIGO_TEST_PROCESS", process.to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
async fn nothing_pinned_is_lost_when_processes_are_killed() {
    let folder = tempfile::tempdir().unwrap();
    let store = DirStore::with_options(folder.path(), OPTIONS).unwrap();
    let mut random = StdRng::seed_from_u64(7);
    let mut processes: Vec<Child> = (0..PROCESSES).map(|process| start(folder.path(), process)).collect();
    let started = Instant::now();
    let mut kills = 0;
    while started.elapsed() < RUNNING {
        tokio::time::sleep(Duration::from_millis(random.random_range(50..900))).await;
        let process = random.random_range(0..PROCESSES);
        let child = &mut processes[process as usize];
        // One that failed by itself has said why on stderr.
        assert!(child.try_wait().unwrap().is_none(), "a process ended before it was killed");
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        processes[process as usize] = start(folder.path(), process);
    }
    for mut child in processes {
        assert!(child.try_wait().unwrap().is_none(), "a process ended before it was killed");
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let pins = store.pins().await.unwrap();
    assert!(kills > 5 && !pins.is_empty(), "{kills} kills, {} pins", pins.len());
    common::age(&store);
    store.collect().await.unwrap();
    for pin in &pins {
        let expected = blob(pin.note.parse().unwrap());
        assert!(store.get_bytes(&pin.cid, u64::MAX).await.unwrap() == expected, "{}", pin.cid);
    }
}
