//! A real engine, a registry to pull from, and an executor between them.

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use aiigo_devnet::{Docker, Images, Registry};
use aiigo_executor::{
    Completed, DockerConfig, DockerExecutor, Execution, Executor, ExecutorError, ImageAllowlist, ImageShelf, Program,
    Progress,
};
use aiigo_task::{ImageReference, Limits};
use bollard::{
    API_DEFAULT_VERSION,
    query_parameters::{ListContainersOptionsBuilder, ListVolumesOptionsBuilder},
};
use serde_json::json;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    pub(crate) executor: DockerExecutor,
    pub(crate) client: bollard::Docker,
    pub(crate) instance: String,
    /// Busybox, whose command is its shell.
    pub(crate) busybox: ImageReference,
    /// The same with a volume, a working directory, an entry point and a user root.
    pub(crate) greedy: ImageReference,
    /// In the registry, and on no list.
    pub(crate) unlisted: ImageReference,
    pub(crate) docker: Arc<Docker>,
    _registry: Registry,
    dir: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::with(tokio::task::spawn_blocking(Docker::shared).await.expect("a thread").expect("a Docker engine")).await
    }

    /// The same with an engine of the caller's.
    pub(crate) async fn with(docker: Arc<Docker>) -> Self {
        let mut images = Images::default();
        let busybox = images.add(json!({ "Cmd": ["/bin/sh"], "Env": ["PATH=/bin"] }));
        let greedy = images.add(json!({
            "Entrypoint": ["/bin/sh", "-c"], "Env": ["PATH=/bin", "FROM_IMAGE=yes"], "User": "0:0",
            "Volumes": { "/data": {} }, "WorkingDir": "/data",
            "Healthcheck": { "Test": ["CMD", "/bin/true"], "Interval": 1_000_000_000 },
        }));
        let unlisted = images.add(json!({ "Cmd": ["/bin/true"] }));
        let registry = images.serve().await;
        let image = |name: &str, digest: &str| -> ImageReference {
            format!("{}/{name}@{digest}", registry.address).parse().expect("an image")
        };
        let (busybox, greedy) = (image("tools/busybox", &busybox), image("greedy", &greedy));
        let dir = tempfile::tempdir().expect("a folder");
        let name = dir.path().file_name().expect("a name").to_string_lossy().to_lowercase();
        let instance: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let client = bollard::Docker::connect_with_unix(&docker.host(), 60, API_DEFAULT_VERSION).expect("a client");
        let client = client.negotiate_version().await.expect("an answer");
        Self {
            executor: Self::executor(&docker, &instance, &[&busybox, &greedy]).await,
            unlisted: image("unlisted", &unlisted),
            client,
            instance,
            busybox,
            greedy,
            docker,
            _registry: registry,
            dir,
        }
    }

    pub(crate) async fn executor(docker: &Docker, instance: &str, allowed: &[&ImageReference]) -> DockerExecutor {
        Self::executor_with(docker, instance, allowed, None).await
    }

    pub(crate) async fn executor_with(
        docker: &Docker,
        instance: &str,
        allowed: &[&ImageReference],
        shelf: Option<ImageShelf>,
    ) -> DockerExecutor {
        let patterns = allowed.iter().map(|image| format!("{}@*", image.name()).parse().expect("a pattern"));
        let config = DockerConfig {
            host: docker.host().parse().expect("a host"),
            instance: instance.to_owned(),
            allowed: patterns.collect::<ImageAllowlist>(),
            gpus: false,
            shelf,
        };
        DockerExecutor::start(config).await.expect("an executor")
    }

    /// A shell script in busybox, with small limits.
    pub(crate) fn script(&self, script: &str) -> Execution {
        Execution {
            program: Program::Image(self.busybox.clone()),
            args: vec!["sh".into(), "-c".into(), script.into()],
            env: BTreeMap::new(),
            inputs: Vec::new(),
            outputs: vec!["out".into()],
            limits: Limits { memory_bytes: 64 << 20, fuel: None, cpus: Some(1), seconds: 60, output_bytes: 1 << 20 },
            gpus: false,
            progress: Progress::default(),
        }
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        let path = self.dir.path().join("scratch");
        fs::create_dir_all(&path).expect("a folder");
        path
    }

    pub(crate) fn file(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.dir.path().join(name);
        fs::write(&path, content).expect("a file");
        path
    }

    pub(crate) async fn try_run(&self, execution: Execution) -> Result<Completed, ExecutorError> {
        let ended = self.executor.run(execution, &self.scratch(), CancellationToken::new()).await;
        self.assert_nothing_is_left().await;
        ended
    }

    /// Runs to an outcome; afterwards nothing is left of it.
    pub(crate) async fn run(&self, execution: Execution) -> Completed {
        self.try_run(execution).await.expect("an outcome")
    }

    pub(crate) async fn run_script(&self, script: &str) -> Completed {
        self.run(self.script(script)).await
    }

    /// Names of this executor's containers and volumes.
    pub(crate) async fn left(&self) -> Vec<String> {
        let filters = HashMap::from([("name".to_owned(), vec![format!("aiigo-{}-", self.instance)])]);
        let containers = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let containers = self.client.list_containers(Some(containers)).await.expect("a list");
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let volumes = self.client.list_volumes(Some(volumes)).await.expect("a list").volumes.unwrap_or_default();
        let names = containers.into_iter().flat_map(|container| container.names.unwrap_or_default());
        names.chain(volumes.into_iter().map(|volume| volume.name)).collect()
    }

    pub(crate) async fn assert_nothing_is_left(&self) {
        assert_eq!(self.left().await, Vec::<String>::new(), "left behind at the engine");
        let mounts = fs::read_to_string("/proc/mounts").expect("the mounts");
        assert!(!mounts.contains(&format!("aiigo-{}-", self.instance)), "left mounted:\n{mounts}");
    }

    /// Bytes that the engine keeps on disk.
    pub(crate) fn disk(&self) -> u64 {
        fn bytes(path: &Path) -> u64 {
            let entries = fs::read_dir(path).into_iter().flatten().flatten();
            entries
                .map(|entry| match entry.metadata() {
                    Ok(metadata) if metadata.is_dir() => bytes(&entry.path()),
                    Ok(metadata) => metadata.len(),
                    Err(_) => 0,
                })
                .sum()
        }
        self.docker.data_dir().map_or(0, |dir| bytes(&dir))
    }
}

/// What a program printed, both streams.
pub(crate) fn said(completed: &Completed) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!("{}{}", text(&completed.stdout), text(&completed.stderr))
}
