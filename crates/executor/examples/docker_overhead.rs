//! What the sandbox costs beside `docker run --rm` of the same command: `cargo run --release --example docker_overhead`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a measurement: to fail is to panic

#[path = "../tests/docker/support/mod.rs"]
#[allow(dead_code)]
mod support;

use std::{
    process::{Command, Stdio},
    time::Instant,
};

use aiigo_executor::{Execution, Executor};
use tokio_util::sync::CancellationToken;

/// Of each; the two take turns, so that both see the same machine.
const RUNS: usize = 10;

#[tokio::main]
async fn main() {
    let world = support::World::start().await;
    let execution = Execution { inputs: vec![(world.file("in", b"input"), "in".into())], ..world.script("cp in out") };
    let bare = Execution { inputs: Vec::new(), ..world.script("echo x > out") };
    world.run(execution.clone()).await;
    let (mut docker, mut ours, mut with_input) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..RUNS {
        docker.push(docker_run(&world));
        ours.push(run(&world, &bare).await);
        with_input.push(run(&world, &execution).await);
    }
    let (docker, ours, with_input) = (median(docker), median(ours), median(with_input));
    println!(
        "{}",
        serde_json::json!({
            "docker_run_ms": docker,
            "docker_overhead_ms": ours - docker,
            "docker_overhead_input_ms": with_input - docker,
        })
    );
}

async fn run(world: &support::World, execution: &Execution) -> f64 {
    let started = Instant::now();
    let completed = world.executor.run(execution.clone(), &world.scratch(), CancellationToken::new()).await.unwrap();
    let elapsed = started.elapsed();
    assert_eq!((completed.exit_code, completed.outputs.len()), (0, 1));
    elapsed.as_secs_f64() * 1000.0
}

fn docker_run(world: &support::World) -> f64 {
    let started = Instant::now();
    let status = Command::new("docker")
        .args(["--host", &world.docker.host(), "run", "--rm", "--network", "none", &world.busybox.to_string()])
        .args(["sh", "-c", "echo x > /tmp/out"])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let elapsed = started.elapsed();
    assert!(status.success());
    elapsed.as_secs_f64() * 1000.0
}

fn median(mut millis: Vec<f64>) -> f64 {
    millis.sort_by(f64::total_cmp);
    (millis[millis.len() / 2 - 1] + millis[millis.len() / 2]) / 2.0
}
