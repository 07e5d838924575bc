//! What an honest program may rely on.

use std::{collections::BTreeMap, fs, sync::Arc, time::Duration};

use aiigo_devnet::{Docker, eventually};
use aiigo_executor::{DockerExecutor, Execution, Executor, ExecutorError, ImageShelf, Program};
use aiigo_task::{ImageReference, Limits, Outcome};
use tokio_util::sync::CancellationToken;

use crate::support::{World, said};

#[tokio::test]
async fn inputs_go_in_and_outputs_come_out() {
    let world = World::start().await;
    let long = format!("{}/ein sehr langer Name für eine Datei.csv", "verzeichnis".repeat(12));
    let execution = Execution {
        inputs: vec![
            (world.file("a", b"hello "), "a.txt".into()),
            (world.file("b", b"world"), "deep/er/b.txt".into()),
            (world.file("c", b"!"), long.clone()),
        ],
        outputs: vec!["deep/er/out.txt".into(), "never".into(), "copy".into()],
        ..world.script(&format!(
            "cat a.txt /job/deep/er/b.txt '{long}' > deep/er/out.txt; cp a.txt copy; echo printed; echo wrong >&2; exit 3"
        ))
    };
    let completed = world.run(execution).await;
    assert_eq!((completed.outcome, completed.exit_code), (Outcome::Exited, 3), "{}", said(&completed));
    assert_eq!((completed.stdout.as_slice(), completed.stderr.as_slice()), (&b"printed\n"[..], &b"wrong\n"[..]));
    let paths: Vec<_> = completed.outputs.iter().map(|(path, _)| path.as_str()).collect();
    assert_eq!(paths, ["deep/er/out.txt", "copy"]);
    assert_eq!(fs::read(&completed.outputs[0].1).unwrap(), b"hello world!");
    assert!(completed.usage.wall_millis > 0);
}

#[tokio::test]
async fn inputs_can_not_be_changed() {
    let world = World::start().await;
    let file = world.file("a", b"original");
    let execution = Execution {
        inputs: vec![(file.clone(), "a".into())],
        ..world.script("echo x > a; echo y > /inputs/a; rm -f /inputs/a; chmod 777 /inputs/a; cat /inputs/a > out")
    };
    let completed = world.run(execution).await;
    assert_eq!(fs::read(&completed.outputs[0].1).unwrap(), b"original", "{}", said(&completed));
    assert_eq!(fs::read(file).unwrap(), b"original");
    assert!(said(&completed).contains("Read-only file system"), "{}", said(&completed));
}

#[tokio::test]
async fn the_environment_is_the_tasks_above_the_images() {
    let world = World::start().await;
    let env = BTreeMap::from([("A".to_owned(), "1 2".to_owned()), ("PATH".to_owned(), "/bin:/mine".to_owned())]);
    let completed = world.run(Execution { env, ..world.script("env") }).await;
    let mut names: Vec<_> =
        said(&completed).lines().filter_map(|line| line.split('=').next().map(str::to_owned)).collect();
    names.sort();
    assert_eq!(names, ["A", "HOME", "HOSTNAME", "PATH", "PWD", "SHLVL"], "{}", said(&completed));
    assert!(said(&completed).contains("A=1 2\n") && said(&completed).contains("PATH=/bin:/mine\n"));
}

#[tokio::test]
async fn arguments_come_after_the_images_entry_point() {
    let world = World::start().await;
    // Its volume would be a directory of the host's disk, and its user root.
    let script = "id -u; pwd; echo $FROM_IMAGE; echo x > /data/file && dd if=/dev/zero of=/data/big bs=1M count=100";
    let execution =
        Execution { program: Program::Image(world.greedy.clone()), args: vec![script.into()], ..world.script("") };
    let before = world.disk();
    let completed = world.run(execution).await;
    assert_eq!(completed.stdout, b"64350\n/data\nyes\n", "{}", said(&completed));
    assert!(said(&completed).contains("No space left"), "{}", said(&completed));
    assert!(world.disk() < before + (64 << 20), "the volume went to the disk");
}

#[tokio::test]
async fn a_command_that_is_not_there_has_trapped() {
    let world = World::start().await;
    for command in ["/bin/nothing", "/etc/secret"] {
        let completed = world.run(Execution { args: vec![command.into()], ..world.script("") }).await;
        assert_eq!((completed.outcome, completed.exit_code), (Outcome::Trapped, 134), "{}", said(&completed));
        assert!(said(&completed).contains(command), "{}", said(&completed));
    }
}

#[tokio::test]
async fn an_image_is_run_only_if_it_is_allowed_and_can_be_had() {
    let world = World::start().await;
    let unlisted = Execution { program: Program::Image(world.unlisted.clone()), ..world.script("true") };
    assert!(matches!(world.executor.prepare(&unlisted).await, Err(ExecutorError::ImageRefused { .. })));
    assert!(matches!(world.try_run(unlisted).await, Err(ExecutorError::ImageRefused { .. })));
    // Allowed by its repository, but the registry has no such manifest.
    let gone = format!("{}@sha256:{}", world.busybox.name(), "0".repeat(64)).parse().unwrap();
    let gone = Execution { program: Program::Image(gone), ..world.script("true") };
    assert!(matches!(world.executor.prepare(&gone).await, Err(ExecutorError::ImageUnavailable { .. })));
    let none = World::executor(&world.docker, &world.instance, &[]).await;
    let refused = none.prepare(&world.script("true")).await.unwrap_err().to_string();
    assert!(refused.contains("not on the list of allowed images"), "{refused}");
    let gpus = world.executor.prepare(&Execution { gpus: true, ..world.script("true") }).await.unwrap_err().to_string();
    assert!(gpus.contains("GPUs"), "{gpus}");
    let module = Execution { program: Program::Module("a.wasm".into()), ..world.script("") };
    assert!(matches!(world.try_run(module).await, Err(ExecutorError::Unsupported(_))));
}

#[tokio::test]
async fn more_than_the_machine_has_is_refused() {
    let world = World::start().await;
    for limits in [
        Limits { memory_bytes: 1 << 40, ..world.script("").limits },
        Limits { cpus: Some(1024), ..world.script("").limits },
    ] {
        let refused = world.executor.prepare(&Execution { limits, ..world.script("true") }).await;
        assert!(matches!(refused, Err(ExecutorError::TooSmall(_))), "{refused:?}");
    }
}

#[tokio::test]
async fn an_input_that_is_no_file_is_this_machines_fault() {
    let world = World::start().await;
    for input in [world.scratch(), world.scratch().join("nothing")] {
        let execution = Execution { inputs: vec![(input, "a".into())], ..world.script("true") };
        assert!(matches!(world.try_run(execution).await, Err(ExecutorError::File { path, .. }) if path == "a"));
    }
}

#[tokio::test]
async fn the_most_memory_is_measured() {
    let world = World::start().await;
    let limits = Limits { memory_bytes: 256 << 20, ..world.script("").limits };
    // What is in /tmp is memory.
    let script = "dd if=/dev/zero of=/tmp/big bs=1M count=100 2>/dev/null; sleep 1";
    let completed = world.run(Execution { limits, ..world.script(script) }).await;
    let peak = completed.usage.peak_memory_bytes;
    assert!((100 << 20..257 << 20).contains(&peak), "{peak} bytes");
    let small = world.run(Execution { limits, ..world.script("sleep 1") }).await.usage.peak_memory_bytes;
    assert!((1..50 << 20).contains(&small), "{small} bytes");
}

#[tokio::test]
async fn what_a_program_prints_is_seen_while_it_runs() {
    let world = World::start().await;
    let execution = world.script("echo begun; echo wrong >&2; while ! [ -e /tmp/never ]; do sleep 1; done");
    let progress = execution.progress.clone();
    let (cancel, scratch) = (CancellationToken::new(), world.scratch());
    let run = world.executor.run(execution, &scratch, cancel.clone());
    let (ended, ()) = tokio::join!(run, async {
        eventually("words", Duration::from_secs(60), async || {
            let (out, err) = (progress.stdout().bytes(), progress.stderr().bytes());
            (out == b"begun\n" && err == b"wrong\n" && progress.peak_memory_bytes() > 0).then_some(())
        })
        .await;
        cancel.cancel();
    });
    assert!(matches!(ended, Err(ExecutorError::Cancelled)));
}

#[tokio::test]
async fn pulled_images_go_when_they_take_too_much_room_and_no_others() {
    // An engine of its own: what others pull would count.
    let docker = tokio::task::spawn_blocking(Docker::start).await.expect("a thread").expect("an engine");
    let world = World::with(Arc::new(docker)).await;
    let folder = world.scratch().join("shelf");
    let all = [&world.busybox, &world.greedy, &world.unlisted];
    let executor = async |bytes: u64| {
        let shelf = Some(ImageShelf { folder: folder.clone(), bytes });
        World::executor_with(&world.docker, &world.instance, &all, shelf).await
    };
    let prepare = async |executor: &DockerExecutor, image: &ImageReference| {
        let program = Program::Image(image.clone());
        executor.prepare(&Execution { program, ..world.script("true") }).await.expect("prepared");
    };
    let has = async |image: &ImageReference| world.client.inspect_image(&image.to_string()).await.is_ok();
    // Somebody else's: it was there before.
    world.executor.prepare(&world.script("true")).await.expect("pulled without a shelf");
    let size = world.client.inspect_image(&world.busybox.to_string()).await.unwrap().size.unwrap();

    // Room for one.
    let small = executor(size.unsigned_abs() * 3 / 2).await;
    prepare(&small, &world.busybox).await;
    prepare(&small, &world.greedy).await;
    assert!(has(&world.busybox).await && has(&world.greedy).await);
    // A new process knows what an earlier one pulled.
    let small = executor(size.unsigned_abs() * 3 / 2).await;
    prepare(&small, &world.unlisted).await;
    assert!(has(&world.unlisted).await, "what was pulled last stays");
    assert!(!has(&world.greedy).await, "what was not used for longest goes");
    assert!(has(&world.busybox).await, "what others pulled is theirs");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);

    // Gone from the engine, it is pulled again.
    prepare(&small, &world.greedy).await;
    assert!(has(&world.greedy).await && !has(&world.unlisted).await);
}
