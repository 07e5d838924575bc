//! What the machine does to a program, and what the owner sees of it.

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use aiigo_devnet::{Docker, Images, eventually};
use aiigo_protocol::{TaskId, TaskStatus};
use aiigo_task::ImageReference;
use serde_json::{Value, json};

use crate::support::{LIMIT, Stage, copy_program};

async fn told(stage: &Stage, task: TaskId, wanted: impl Fn(&Value) -> bool) -> Value {
    eventually("a task in the status", LIMIT, async || {
        let report = stage.report().await;
        let tasks = report["tasks"].as_array()?.clone();
        tasks.into_iter().find(|told| told["taskId"] == task.to_string() && wanted(told))
    })
    .await
}

/// An agent's log goes on.
async fn until_said(stage: &Stage, words: &str) {
    eventually(words, LIMIT, async || stage.logs().iter().any(|log| log.contains(words)).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_task_whose_engine_does_not_come_back_is_given_back_with_the_reason() {
    let docker = tokio::task::spawn_blocking(Docker::start).await.expect("a thread").expect("an engine");
    let mut images = Images::default();
    let digest = images.add(json!({ "Cmd": ["/bin/sh"], "Env": ["PATH=/bin"] }));
    let registry = images.serve().await;
    let image: ImageReference = format!("{}/busybox@{digest}", registry.address).parse().expect("an image");
    let stage = Stage::start().await;
    stage.setup().await;
    let (host, allowed) = (docker.host(), format!("{}/busybox@*", registry.address));
    let mut agent = stage.run(&["--docker", &host, "--allow-image", &allowed]).await;
    agent.ready().await;

    // One goes well, and tells what memory it took.
    let script = |text: &str| vec!["sh".to_owned(), "-c".to_owned(), text.to_owned()];
    let spec = stage.spec_of(image.clone().into(), script("cp in out; sleep 1; echo printed"), b"by an image").await;
    let task = stage.create_for(&spec, "0.36", 600).await;
    stage.until(task, TaskStatus::Completed).await;
    let manifest = stage.manifest(task, &spec).await;
    assert_eq!(stage.bytes(manifest.outputs[0].cid).await, b"by an image");
    assert!(manifest.usage.peak_memory_bytes > 0, "{:?}", manifest.usage);

    // The engine goes away under the next.
    let spec = stage.spec_of(image.into(), script("echo begun; sleep 50"), b"lost").await;
    let task = stage.create_for(&spec, "0.36", 1200).await;
    let running = told(&stage, task, |told| told["progress"]["stdoutBytes"] == 6).await;
    assert_eq!(running["progress"]["limit"], 60, "{running}");
    tokio::task::spawn_blocking(move || drop(docker)).await.expect("gone");
    let troubled = told(&stage, task, |told| told["note"].is_string()).await;
    let note = troubled["note"].as_str().expect("a note");
    assert!(note.starts_with("trying again") && note.contains("Docker"), "{troubled}");
    stage.devnet.increase_time(Duration::from_secs(50)).await.expect("a later time");
    let given_back = told(&stage, task, |told| told["stage"] == "Abandoned").await;
    assert!(given_back["note"].as_str().expect("a reason").contains("Docker"), "{given_back}");
    assert_eq!(stage.status(task).await, TaskStatus::Open, "for others");

    // What needs no engine is still done.
    let next = stage.create(&stage.spec(copy_program(1000), b"next").await, "0.36").await;
    stage.until(next, TaskStatus::Completed).await;
}

/// A small disk at a place, as long as it lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, bytes: u64) -> Self {
        std::fs::create_dir_all(at).expect("a folder");
        let options = format!("size={bytes},mode=0700");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "aiigo-test"]).arg(at).output();
        let mounted = mounted.expect("mount");
        assert!(mounted.status.success(), "only root can mount: {}", String::from_utf8_lossy(&mounted.stderr));
        Self(at.to_owned())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// Writes 6 MB into `out`, 60,000 bytes at a time; a write that fails traps.
fn flood() -> Vec<u8> {
    wat::parse_str(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (import "wasi_snapshot_preview1" "path_open"
                (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 110) "out")
            (func $check (param i32) (if (local.get 0) (then unreachable)))
            (func (export "_start") (local $n i32)
                (call $check (call $path_open (i32.const 3) (i32.const 0) (i32.const 110) (i32.const 3) (i32.const 1)
                    (i64.const 66) (i64.const 66) (i32.const 0) (i32.const 0)))
                (i32.store (i32.const 8) (i32.const 1024)) (i32.store (i32.const 12) (i32.const 60000))
                (local.set $n (i32.const 100))
                (loop $more
                    (call $check (call $fd_write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
                    (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                    (br_if $more (local.get $n)))))"#,
    )
    .expect("a program")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_ends_the_task_and_nothing_else() {
    let stage = Stage::start().await;
    stage.setup().await;
    let work = stage.data_dir().join("work");
    let disk = SmallDisk::mount(&work, 4 << 20);
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let task = stage.create_for(&stage.spec(flood(), b"x").await, "0.36", 600).await;
    let told = told(&stage, task, |told| told["stage"] == "Abandoned").await;
    assert!(told["note"].as_str().expect("a reason").contains("the disk is full"), "{told}");
    assert_eq!(stage.status(task).await, TaskStatus::Open, "for others");
    eventually("room", LIMIT, async || (!work.join(task.to_string()).exists()).then_some(())).await;

    // The next one finds room again.
    let spec = stage.spec(copy_program(1000), b"small").await;
    let next = stage.create(&spec, "0.36").await;
    stage.until(next, TaskStatus::Completed).await;
    assert_eq!(stage.bytes(stage.manifest(next, &spec).await.outputs[0].cid).await, b"small");
    agent.process.kill();
    drop(disk);
}

/// Says so, works for a while, and says so again.
fn talker(fuel: u64) -> Vec<u8> {
    let rounds = fuel / 6;
    wat::parse_str(format!(
        r#"(module
            (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
            (memory (export "memory") 2)
            (data (i32.const 100) "\1b[2Jbegun\nended\n")
            (func $say (param i32 i32 i32)
                (i32.store (i32.const 8) (local.get 1)) (i32.store (i32.const 12) (local.get 2))
                (drop (call $fd_write (local.get 0) (i32.const 8) (i32.const 1) (i32.const 16))))
            (func (export "_start") (local $n i64)
                (call $say (i32.const 1) (i32.const 100) (i32.const 10))
                (call $say (i32.const 2) (i32.const 104) (i32.const 6))
                (local.set $n (i64.const {rounds}))
                (loop $work
                    (local.set $n (i64.sub (local.get $n) (i64.const 1)))
                    (br_if $work (i64.ne (local.get $n) (i64.const 0))))
                (call $say (i32.const 1) (i32.const 110) (i32.const 6))))"#
    ))
    .expect("a program")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_owner_sees_how_far_a_program_is_and_what_it_prints() {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let task = stage.create_for(&stage.spec(talker(16_000_000_000), b"x").await, "0.36", 600).await;
    let id = task.to_string();
    let unknown = stage.agent(&stage.operator, &["logs", &format!("0x{}", "ab".repeat(32))]).await;
    assert!(!unknown.success && unknown.stderr.contains("nothing is kept"), "{}", unknown.stderr);

    let running = told(&stage, task, |told| told["progress"]["fuel"].as_u64().is_some_and(|fuel| fuel > 0)).await;
    let progress = &running["progress"];
    assert_eq!((&progress["limit"], &progress["fuelLimit"]), (&json!(60), &json!(1_u64 << 40)), "{running}");
    assert_eq!((&progress["stdoutBytes"], &progress["stderrBytes"]), (&json!(10), &json!(6)));
    assert_eq!(progress["peakMemoryBytes"], 2 << 16);
    let text = stage.agent(&stage.operator, &["status"]).await.stdout;
    assert!(text.contains(" of 60 s, ") && text.contains("% of its fuel") && text.contains("16 B printed"), "{text}");

    let seen = stage.agent(&stage.operator, &["logs", &id]).await;
    assert!(seen.success);
    // It can't clear the owner's screen.
    assert_eq!(seen.stdout, "\u{fffd}[2Jbegun\n");
    assert!(seen.stderr.ends_with("begun\n"), "{}", seen.stderr);
    let document = stage.agent(&stage.operator, &["logs", &id, "--json"]).await.json();
    assert_eq!((document["stderr"].as_str(), document["progress"]["ended"].as_bool()), (Some("begun\n"), Some(false)));
    let followed = stage.agent(&stage.operator, &["logs", &id, "--follow"]).await;
    assert_eq!(followed.stdout, "\u{fffd}[2Jbegun\nended\n", "to the end of the program");

    stage.until(task, TaskStatus::Completed).await;
    until_said(&stage, "the program ended").await;
    // Fetched once, a module is kept for others who need it.
    let kept = std::fs::read_dir(stage.data_dir().join("cache")).expect("a cache").count();
    assert_eq!(kept, 2, "a module and an input");
}

/// Tries: numbers that no machine has or that wrap around, bytes that are no text, names that leave the folder, a program by a
/// tag, one document inside another a thousand times. Must: be left alone, with the reason; the agent goes on.
#[tokio::test(flavor = "multi_thread")]
async fn absurd_specs_are_left_alone() {
    let stage = Stage::start().await;
    stage.setup().await;
    let mut agent = stage.run(&[]).await;
    agent.ready().await;
    let nonce = stage.nonce_of(&stage.operator).await;
    let good = stage.spec(copy_program(1000), b"x").await;
    let with = |change: &dyn Fn(&mut Value)| {
        let mut spec: Value = serde_json::from_slice(&good.canonical()).expect("JSON");
        change(&mut spec);
        spec.to_string().into_bytes()
    };
    let mut bad_text = good.canonical();
    let name = bad_text.windows(4).position(|word| word == b"copy").expect("its name");
    bad_text[name..name + 4].copy_from_slice(b"\xff\xfe\xc0\x80");
    let absurd = [
        bad_text,
        with(&|spec| spec["limits"]["memoryBytes"] = json!(u64::MAX)),
        with(&|spec| spec["limits"]["seconds"] = json!(-1)),
        with(&|spec| spec["limits"]["outputBytes"] = json!(1e300)),
        with(&|spec| spec["limits"]["fuel"] = json!("many")),
        with(&|spec| spec["module"]["size"] = json!(u64::MAX)),
        with(&|spec| spec["outputs"] = json!(["../../../etc/cron.d/x"])),
        with(&|spec| spec["outputs"] = json!(["/etc/passwd", "a\u{0}b"])),
        with(&|spec| spec["inputs"][0]["path"] = json!("..")),
        with(&|spec| spec["args"] = json!(vec!["x"; 100_000])),
        with(&|spec| {
            spec.as_object_mut().expect("an object").remove("module");
            spec["image"] = json!("busybox:latest");
        }),
        format!("{}{}", "[".repeat(100_000), "]".repeat(100_000)).into_bytes(),
        Vec::new(),
    ];
    let mut tasks = Vec::new();
    for spec in absurd {
        tasks.push(stage.create_raw(spec, "0.36", 60).await);
    }
    let suits = stage.create(&good, "0.36").await;
    stage.until(suits, TaskStatus::Completed).await;
    for task in tasks {
        eventually("a reason", LIMIT, async || {
            let status = stage.agent(&stage.operator, &["status", "--json", "--tasks", "50"]).await.json();
            let declined = status["declined"].as_array()?.iter().find(|it| it["taskId"] == task.to_string())?.clone();
            declined["reason"]
                .as_str()
                .is_some_and(|reason| reason.contains("spec") || reason.contains("above"))
                .then_some(())
        })
        .await;
        assert_eq!(stage.status(task).await, TaskStatus::Open);
    }
    assert!(agent.process.exit_status().expect("a state").is_none(), "{}", agent.process.last_lines());
    assert_eq!(stage.nonce_of(&stage.operator).await, nonce + 3, "a commitment, an acceptance, a result");
}
