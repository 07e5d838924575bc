//! Helia, an implementation of IPFS by others, gives the same CIDs, reads what we serve, and serves what we read.
#![allow(clippy::unwrap_used, clippy::expect_used)] // helpers of tests: to fail is to panic

mod common;

use std::{
    fs,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use aiigo_storage::{BlobCid, FolderLimits, GatewayUrl, MAX_FOLDER_ENTRIES};
use common::{client, content, files, gateway, store};
use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// None, one and several leaves, and more than a node links to.
const SIZES: [usize; 7] = [0, 1, 262_143, 262_144, 262_145, 45 << 20, 174 * 262_144 + 1];
/// Helia takes its time with the large ones.
const PATIENCE: Duration = Duration::from_secs(240);

fn sample_folder(folder: &Path) {
    fs::create_dir_all(folder.join("sub/deeper/empty")).unwrap();
    for (path, size) in [("a", 0), ("Z", 1), ("ü.txt", 300_000), ("sub/b", 262_144), ("sub/deeper/a", 3 << 20)] {
        fs::write(folder.join(path), content(size)).unwrap();
    }
}

/// Starts the script and returns where it serves, once all that it checks is right.
async fn conforms(gateway: &GatewayUrl, samples: &Path) -> (Child, String) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/helia/conformance.mjs");
    let mut helia = Command::new("node")
        .arg(script)
        .arg(gateway.as_str())
        .arg(samples)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("Node.js, and the packages that cargo xtask installs");
    let mut lines = BufReader::new(helia.stdout.take().unwrap()).lines();
    let line = timeout(PATIENCE, lines.next_line()).await.expect("an address in time").unwrap();
    match line {
        Some(address) => (helia, address),
        None => {
            let ended = helia.wait_with_output().await.unwrap();
            panic!("{}", String::from_utf8_lossy(&ended.stderr));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn helia_and_we_read_each_other() {
    let (folder, store) = store();
    let mut samples: Vec<(PathBuf, BlobCid)> = Vec::new();
    for size in SIZES {
        let path = folder.path().join(format!("{size} bytes"));
        fs::write(&path, content(size)).unwrap();
        let blob = store.put_file(&path).await.unwrap();
        samples.push((path, blob.cid));
    }
    let source = folder.path().join("source");
    sample_folder(&source);
    let root = store.put_folder(&source, false).await.unwrap().cid;
    let list: Vec<_> = samples.iter().map(|(path, cid)| json!({ "path": path, "cid": cid })).collect();
    let document = folder.path().join("samples.json");
    fs::write(&document, json!({ "files": list, "folder": { "path": source, "cid": root } }).to_string()).unwrap();

    let (_helia, address) = conforms(&gateway(&store).await, &document).await;
    let limits = FolderLimits { bytes: 1 << 30, entries: MAX_FOLDER_ENTRIES };
    for kind in ["raw", "car"] {
        let client = client([format!("{address}/{kind}").parse().unwrap()]);
        for (path, cid) in &samples {
            let copy = folder.path().join("copy");
            client.fetch(cid, u64::MAX, &copy).await.unwrap();
            assert!(fs::read(&copy).unwrap() == fs::read(path).unwrap(), "{} by {kind}", path.display());
        }
        let copy = folder.path().join(kind);
        client.fetch_folder(&root, limits, &copy).await.unwrap();
        let (found, expected) = (files(&copy), files(&source));
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found.strip_prefix(&copy).unwrap(), expected.strip_prefix(&source).unwrap());
            assert!(fs::read(found).unwrap() == fs::read(expected).unwrap(), "{} by {kind}", found.display());
        }
        assert!(copy.join("sub/deeper/empty").is_dir());
    }
}
