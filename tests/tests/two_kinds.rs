//! A module and an image side by side, on two providers who want different things, through the whole market.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, path::Path, sync::Arc, time::Duration};

use aiigo_devnet::{Docker, Images, Program, Registry, eventually};
use aiigo_protocol::{NodeId, TaskId, TaskStatus};
use aiigo_tests::{JobFile, World};
use serde_json::{Value, json};

const LIMIT: Duration = Duration::from_secs(120);

/// Reads `in.txt`, writes it to `out.txt`.
const COPY: &str = r#"(module
    (import "wasi_snapshot_preview1" "fd_read" (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (memory (export "memory") 2)
    (data (i32.const 100) "in.txt") (data (i32.const 110) "out.txt")
    (func $check (param i32) (if (local.get 0) (then unreachable)))
    (func (export "_start")
        (call $check (call $path_open (i32.const 3) (i32.const 0) (i32.const 100) (i32.const 6) (i32.const 0)
            (i64.const 2) (i64.const 2) (i32.const 0) (i32.const 0)))
        (i32.store (i32.const 8) (i32.const 1024)) (i32.store (i32.const 12) (i32.const 60000))
        (call $check (call $fd_read (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
        (call $check (call $path_open (i32.const 3) (i32.const 0) (i32.const 110) (i32.const 7) (i32.const 1)
            (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 0)))
        (i32.store (i32.const 12) (i32.load (i32.const 16)))
        (call $check (call $fd_write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))))"#;

/// Where the providers stand in the market.
const IMAGES: usize = 0;
const MODULES: usize = 1;

struct Market {
    world: World,
    registry: Registry,
    image: String,
    unlisted: String,
    _docker: Arc<Docker>,
}

impl Market {
    /// One provider takes images only, for a price; the other modules only.
    async fn start() -> Self {
        let docker = tokio::task::spawn_blocking(Docker::shared).await.expect("a thread").expect("a Docker engine");
        let mut images = Images::default();
        let digest = images.add(json!({ "Cmd": ["/bin/sh"], "Env": ["PATH=/bin"] }));
        let other = images.add(json!({ "Cmd": ["/bin/true"] }));
        let registry = images.serve().await;
        let image = format!("{}/tools/busybox@{digest}", registry.address);
        let unlisted = format!("{}/other@{other}", registry.address);
        let mut world = World::empty("two-kinds").await;
        world.market.start_indexer().await.expect("an indexer");
        world.market.start_keeper().await.expect("a keeper");
        world.market.start_store().await.expect("a store");
        let policies = [
            "price.floor.CPU = '0.3'\ntask.programs = 'images'\n",
            "price.floor.CPU = '0.01'\ntask.programs = 'modules'\n",
        ];
        for (index, policy) in policies.into_iter().enumerate() {
            assert_eq!(world.market.add_agent().expect("an account"), index);
            world.market.fund_agent(index).await.expect("AIIGO");
            world.market.set_up_agent(index).await.expect("a node");
            let agent = world.market.agent(index).expect("an agent");
            fs::write(agent.dir.join("policy.toml"), policy).expect("a policy");
            if index == IMAGES {
                let allowed = format!("{}/tools/busybox@*", registry.address);
                agent.args = ["--docker", &docker.host(), "--allow-image", &allowed].map(str::to_owned).to_vec();
            }
            world.market.start_agent(index).await.expect("an agent");
        }
        for index in [IMAGES, MODULES] {
            world.market.agent(index).expect("an agent").ready().await.expect("it is ready");
        }
        Self { world, registry, image, unlisted, _docker: docker }
    }

    fn node(&self, index: usize) -> NodeId {
        self.world.market.agents()[index].node().expect("a node")
    }

    /// Buys a job, to its end.
    async fn buy(&self, job: &Path) -> Value {
        let results = job.with_file_name("results");
        let (job, results) = (job.to_str().expect("UTF-8"), results.to_str().expect("UTF-8"));
        let args = ["job", "run", job, "--approve", "auto", "--yes", "--json", "--results", results];
        // A program that failed makes the command fail; its report is on stdout all the same.
        let finished = self.world.market.desk().run(Program::Aiigo, Some(&self.world.buyer()), args).await;
        let finished = finished.expect("it runs");
        serde_json::from_str(&finished.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", finished.stdout, finished.stderr))
    }

    /// Why a provider's agent leaves a task alone, once it says so.
    async fn refusal(&self, index: usize, task: TaskId) -> String {
        let agent = &self.world.market.agents()[index];
        eventually("a reason", LIMIT, async || {
            let dir = agent.dir.to_str().expect("UTF-8");
            let node = agent.node().ok()?.to_string();
            let args = ["status", "--json", "--data-dir", dir, "--node", &node];
            let status = self.world.market.desk().run(Program::Agent, None, args).await.ok()?.json().ok()?;
            let declined = status["declined"].as_array()?.iter().find(|it| it["taskId"] == task.to_string())?.clone();
            declined["reason"].as_str().map(str::to_owned)
        })
        .await
    }
}

fn task_of(report: &Value) -> TaskId {
    report["taskId"].as_str().and_then(|id| id.parse().ok()).unwrap_or_else(|| panic!("no task: {report:#}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_and_an_image_go_to_those_who_want_them() {
    let market = Market::start().await;
    let jobs = market.world.dir().join("jobs");
    let module = JobFile::new(&jobs, "module", COPY).input("in.txt", "by a module").write();
    let script = "tr a-z A-Z < in.txt > out.txt; echo printed; dd if=/dev/zero of=/tmp/x bs=1M count=20; sleep 1";
    let image = JobFile::image(&jobs, "image", &market.image, script).input("in.txt", "by an image").write();
    let (first, second) = tokio::join!(market.buy(&module), market.buy(&image));

    for (report, index, text) in [(&first, MODULES, "by a module"), (&second, IMAGES, "BY AN IMAGE")] {
        assert_eq!(
            (&report["status"], &report["outcome"], &report["exitCode"]),
            (&json!("Verified"), &json!("Exited"), &json!(0)),
            "{report:#}"
        );
        let (status, task) = market.world.task(task_of(report)).await;
        assert_eq!((status, NodeId(task.nodeId)), (TaskStatus::Verified, market.node(index)));
        let folder = jobs.join(if index == MODULES { "module" } else { "image" });
        assert_eq!(fs::read_to_string(folder.join("results/out.txt")).expect("the result"), text);
    }
    let printed = fs::read_to_string(jobs.join("image/results/.aiigo/stdout")).expect("what it printed");
    assert_eq!(printed, "printed\n");

    // The index says the same as the chain.
    let graphql = market.world.caught_up().await;
    for (report, index) in [(&first, MODULES), (&second, IMAGES)] {
        let query = format!(
            r#"{{ task(id: "{}") {{ status }} node(id: "{}") {{ tasksVerified }} }}"#,
            task_of(report),
            market.node(index)
        );
        let told = graphql.ask(&query).await;
        assert_eq!(
            (&told["task"]["status"], &told["node"]["tasksVerified"]),
            (&json!("VERIFIED"), &json!(1)),
            "{told}"
        );
    }

    // What nobody wants is left alone, with the reason.
    let cheap = JobFile::image(&jobs, "cheap", &market.image, "true").price("0.29").write();
    let cheap = market.world.submit(&cheap).await;
    assert!(market.refusal(IMAGES, cheap).await.contains("less than the lowest price"));
    assert!(market.refusal(MODULES, cheap).await.contains("an image, not a module"));
    let unlisted = market.world.submit(&JobFile::image(&jobs, "unlisted", &market.unlisted, "true").write()).await;
    assert!(market.refusal(IMAGES, unlisted).await.contains("not on the list of allowed images"));
    let tag =
        JobFile::image(&jobs, "tag", &format!("{}/tools/busybox:latest", market.registry.address), "true").write();
    let refused = market.world.aiigo(&["job", "submit", tag.to_str().expect("UTF-8")]).await;
    assert!(refused.code() != 0 && refused.stderr.contains("sha256"), "{}", refused.stderr);
    for task in [cheap, unlisted] {
        assert_eq!(market.world.task(task).await.0, TaskStatus::Open);
    }
    assert!(market.world.verified().await.is_object() || market.world.verified().await.is_array());
    market.world.market.stop().await.expect("everything leaves when asked");
}
