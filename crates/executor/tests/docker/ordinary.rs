//! What an honest program may rely on.

use std::{collections::BTreeMap, fs};

use aiigo_executor::{Execution, Executor, ExecutorError, Program};
use aiigo_task::{Limits, Outcome};

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
            "cat a.txt /work/deep/er/b.txt '{long}' > deep/er/out.txt; cp a.txt copy; echo printed; echo wrong >&2; exit 3"
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
