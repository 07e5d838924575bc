//! A blob that is not what its CID says is refused, by whoever reads it.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use aiigo_devnet::eventually;
use aiigo_protocol::{TaskId, TaskStatus};
use aiigo_tests::{JobFile, LyingGateway, World, modules};

/// Every file below a folder.
fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() { found.extend(files(&entry)) } else { found.push(entry) }
    }
    found
}

/// Changes a byte of every stored file that contains `needle`; returns how many there were.
fn tamper(store: &Path, needle: &[u8]) -> usize {
    let mut changed = 0;
    for path in files(store) {
        let mut bytes = fs::read(&path).expect("a blob");
        if let Some(at) = bytes.windows(needle.len()).position(|window| window == needle) {
            bytes[at] ^= 1;
            let mut permissions = fs::metadata(&path).expect("its state").permissions();
            #[allow(clippy::permissions_set_readonly_false)] // a test's own file
            permissions.set_readonly(false);
            fs::set_permissions(&path, permissions).expect("a writable blob");
            fs::write(&path, bytes).expect("a tampered blob");
            changed += 1;
        }
    }
    changed
}

#[tokio::test]
async fn a_tampered_blob_is_refused_by_its_cid() {
    let mut world = World::empty("tampered-blob").await;
    world.market.start_store().await.expect("a store");
    let store = world.market.store_dir();

    // The buyer's own client.
    let secret = world.dir().join("secret.txt");
    fs::write(&secret, "the number is 42, and nobody may change it").expect("a file");
    let put = world.aiigo_json(&["store", "put", secret.to_str().expect("UTF-8")]).await;
    let cid = put["cid"].as_str().expect("a CID").to_owned();
    let copy = world.dir().join("copy.txt");
    let get = ["store", "get", &cid, "--output", copy.to_str().expect("UTF-8")];
    assert_eq!(world.aiigo(&get).await.code(), 0, "an honest blob is served");
    assert_eq!(tamper(&store, b"the number is 42"), 1);
    let finished = world.aiigo(&get).await;
    assert_eq!(finished.code(), 1, "{}", finished.stderr);
    assert!(finished.stderr.contains(&cid), "{}", finished.stderr);

    // A provider, whose gateway fakes the module.
    let honest = world.market.store().expect("a store").url().clone();
    let liar = LyingGateway::start(honest, "wasi_snapshot_preview1").await;
    let job = JobFile::new(&world.dir().join("jobs"), "tampered", &modules::exit_with(0)).write();
    let ordered =
        world.aiigo_json(&["job", "submit", job.to_str().expect("UTF-8"), "--yes", "--gateway", &liar.url()]).await;
    let task: TaskId = ordered["taskId"].as_str().and_then(|id| id.parse().ok()).expect("a task id");
    let module = fs::read(job.with_file_name("program.wasm")).expect("the module");
    let stored = world.aiigo_json(&["store", "put", job.with_file_name("program.wasm").to_str().expect("UTF-8")]).await;
    let cid = stored["cid"].as_str().expect("a CID").to_owned();
    assert_eq!(stored["size"], module.len());

    let index = world.market.add_agent().expect("a provider");
    world.market.fund_agent(index).await.expect("AIIGO to stake");
    world.market.set_up_agent(index).await.expect("a node");
    world.market.start_agent(index).await.expect("an agent");
    world.market.agent(index).expect("an agent").ready().await.expect("it serves");
    let log = world.market.agents()[index].dir.join("log");
    eventually("word of the faked module", Duration::from_secs(60), async || {
        fs::read_to_string(&log).ok()?.contains(&cid).then_some(())
    })
    .await;
    let (status, _) = world.task(task).await;
    assert_eq!(status, TaskStatus::Open, "nobody promises a task whose files are not what they should be");
}
