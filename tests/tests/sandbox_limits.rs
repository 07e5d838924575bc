//! Programs that misbehave end inside their limits, and the result says how.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::fs;

use aiigo_devnet::Program;
use aiigo_tests::{JobFile, World, modules};
use serde_json::Value;

/// Runs a job to its result and returns the buyer's report.
async fn run(world: &World, job: JobFile) -> Value {
    let path = job.write();
    let results = path.with_file_name("results");
    let args = [
        "job",
        "run",
        path.to_str().expect("UTF-8"),
        "--approve",
        "auto",
        "--json",
        "--results",
        results.to_str().expect("UTF-8"),
    ];
    // A program that failed makes the command fail; its report is on stdout all the same.
    let finished = world.market.desk().run(Program::Aiigo, Some(&world.buyer()), args).await.expect("it runs");
    serde_json::from_str(&finished.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}\n{}", finished.stdout, finished.stderr))
}

#[tokio::test]
async fn a_program_that_misbehaves_ends_inside_its_limits() {
    let world = World::start("sandbox-limits", 2).await;
    let jobs = world.dir().join("jobs");
    let job = |name: &str, wat: &str| JobFile::new(&jobs, name, wat);
    let (fuel, time, memory, output, exit, trap) = tokio::join!(
        run(&world, job("loops-for-ever", &modules::loop_for_ever()).fuel("1e9")),
        // So short a task must pay well, or its gas is not worth it.
        run(&world, job("takes-too-long", &modules::loop_for_ever()).fuel("9e15").time("5s").price("3.6")),
        run(&world, job("eats-memory", &modules::eat_memory()).memory("16MiB")),
        run(&world, job("writes-too-much", &modules::write_too_much())),
        run(&world, job("exits-with-3", &modules::exit_with(3))),
        run(&world, job("crashes", &modules::trap())),
    );
    for (report, outcome) in [
        (&fuel, "OutOfFuel"),
        (&time, "OutOfTime"),
        (&memory, "OutOfMemory"),
        (&output, "OutputTooLarge"),
        (&exit, "Exited"),
        (&trap, "Trapped"),
    ] {
        assert_eq!(report["outcome"], outcome, "{report:#}");
        // A job that hits its own limits is a result, and paid as any other.
        assert_eq!(report["status"], "Verified", "{report:#}");
    }
    assert_eq!(exit["exitCode"], 3);
    let written = fs::read_to_string(jobs.join("exits-with-3/results/out.txt")).expect("its file");
    assert_eq!(written, "done\n");

    // Nobody was punished for it.
    for agent in world.market.agents() {
        let info = world.node(agent.node().expect("a node")).await;
        assert_eq!((info.tasksFailed, info.running, info.reviewing), (0, 0, 0));
    }
    world.market.stop().await.expect("everything leaves when asked");
}
