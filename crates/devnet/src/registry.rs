//! A read-only OCI registry on this machine, with images made of the static busybox.

#![allow(clippy::expect_used)] // for tests only: to fail is to panic

use std::{
    collections::HashMap,
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    sync::Arc,
};

use axum::{
    Router,
    extract::{Path as UrlPath, State},
    http::{HeaderValue, Method, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::get,
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::task::JoinHandle;

const MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.docker.container.image.v1+json";
const LAYER: &str = "application/vnd.docker.image.rootfs.diff.tar";
const BUSYBOX: [&str; 2] = ["/bin/busybox", "/usr/bin/busybox"];
const APPLETS: [&str; 31] = [
    "cat", "chmod", "chown", "cp", "dd", "echo", "env", "grep", "gunzip", "id", "ip", "kill", "ln", "ls", "mkdir",
    "mkfifo", "mknod", "mount", "mv", "nc", "pwd", "rm", "rmdir", "sh", "sleep", "touch", "tr", "true", "truncate",
    "wc", "yes",
];

/// What the registry serves, by digest.
type Blobs = Arc<HashMap<String, (&'static str, Vec<u8>)>>;

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    /// Where it listens: the first part of its images' names.
    pub address: String,
    server: JoinHandle<()>,
}

/// The images before they are served.
#[derive(Debug, Default)]
pub struct Images(HashMap<String, (&'static str, Vec<u8>)>);

impl Images {
    /// Adds an image of busybox with a configuration (`{"Cmd": …}`); its digest.
    ///
    /// # Panics
    /// If this machine has no static busybox.
    pub fn add(&mut self, config: Value) -> String {
        let layer = layer();
        let layer_size = layer.len();
        let layer = self.put(LAYER, layer);
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        let config = json!({
            "architecture": architecture, "os": "linux", "config": config,
            "rootfs": { "type": "layers", "diff_ids": [layer] },
        });
        let config = config.to_string().into_bytes();
        let config_size = config.len();
        let config = self.put(CONFIG, config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "size": config_size, "digest": config },
            "layers": [{ "mediaType": LAYER, "size": layer_size, "digest": layer }],
        });
        self.put(MANIFEST, manifest.to_string().into_bytes())
    }

    fn put(&mut self, kind: &'static str, bytes: Vec<u8>) -> String {
        let hex: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
        let digest = format!("sha256:{hex}");
        self.0.insert(digest.clone(), (kind, bytes));
        digest
    }

    /// Serves them at 127.0.0.1, which engines allow to be without TLS.
    ///
    /// # Panics
    /// If no port is free.
    pub async fn serve(self) -> Registry {
        let blobs: Blobs = Arc::new(self.0);
        let app =
            Router::new().route("/v2/", get(async || StatusCode::OK)).route("/v2/{*path}", get(blob)).with_state(blobs);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address").to_string();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.expect("it serves") });
        Registry { address, server }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Manifests and blobs, by digest only; a tag is not found.
async fn blob(State(blobs): State<Blobs>, method: Method, UrlPath(path): UrlPath<String>) -> Response {
    let digest = path.rsplit('/').next().unwrap_or_default();
    let Some((kind, bytes)) = blobs.get(digest) else { return StatusCode::NOT_FOUND.into_response() };
    let body = if method == Method::HEAD { Vec::new() } else { bytes.clone() };
    let mut response = body.into_response();
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    let digest = HeaderValue::from_str(digest).expect("hexadecimal digits");
    response.headers_mut().insert("docker-content-digest", digest);
    response
}

/// A root file system: busybox, its names, and what a hostile image would like to have.
fn layer() -> Vec<u8> {
    let dir = tempfile::tempdir().expect("a folder");
    let root = dir.path();
    let busybox = BUSYBOX.iter().map(Path::new).find(|path| path.is_file());
    let busybox = busybox.expect("a static busybox: on Debian, apt-get install busybox-static");
    for folder in ["bin", "etc", "tmp", "data"] {
        fs::create_dir(root.join(folder)).expect("a folder");
    }
    fs::copy(busybox, root.join("bin/busybox")).expect("busybox");
    for applet in APPLETS {
        symlink("busybox", root.join("bin").join(applet)).expect("a link");
    }
    fs::write(root.join("etc/secret"), "of the image").expect("a file");
    // Root's, for everybody: an image may bring what the program can't make.
    fs::create_dir(root.join("setuid")).expect("a folder");
    fs::copy(busybox, root.join("setuid/id")).expect("busybox");
    fs::set_permissions(root.join("setuid/id"), fs::Permissions::from_mode(0o4755)).expect("setuid");
    fs::hard_link(root.join("setuid/id"), root.join("setuid/chown")).expect("a name");
    fs::set_permissions(root.join("data"), fs::Permissions::from_mode(0o777)).expect("open to all");
    let tar = Command::new("tar")
        .args(["--numeric-owner", "--owner=0", "--group=0", "--sort=name", "--mtime=@0", "-cf", "-", "."])
        .current_dir(root)
        .output()
        .expect("tar");
    assert!(tar.status.success(), "{}", String::from_utf8_lossy(&tar.stderr));
    tar.stdout
}
