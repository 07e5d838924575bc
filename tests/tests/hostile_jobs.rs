//! Every program of `hostile/` is run by a real agent, as a job of a real buyer. Each says in its first lines what it tries
//! and what must become of it.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::fs;

use aiigo_devnet::Program;
use aiigo_tests::{HostileJob, JobFile, World};
use serde_json::Value;

/// Jobs at one time: as many as both providers have stake for.
const AT_ONCE: usize = 4;

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
        "--yes",
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
async fn hostile_programs_are_held_and_harm_nobody() {
    let hostile = HostileJob::all();
    assert!(hostile.len() >= 20, "{} programs", hostile.len());
    let world = World::start("hostile-jobs", 2).await;
    let jobs = world.dir().join("jobs");
    for some in hostile.chunks(AT_ONCE) {
        let running = some.iter().map(|hostile| run(&world, hostile.job(&jobs)));
        for (hostile, report) in some.iter().zip(futures::future::join_all(running).await) {
            let name = &hostile.name;
            assert_eq!(report["outcome"], hostile.outcome, "{name}: {report:#}");
            // A job that hits its own limits is a result, and paid as any other.
            assert_eq!(report["status"], "Verified", "{name}: {report:#}");
            if hostile.outcome == "Exited" {
                assert_eq!(report["exitCode"], hostile.exit_code, "{name}: {report:#}");
            }
            let printed = jobs.join(name).join("results/.aiigo");
            for (file, words) in [("stdout", &hostile.prints), ("stderr", &hostile.says)] {
                let Some(words) = words else { continue };
                let text = fs::read_to_string(printed.join(file)).unwrap_or_default();
                assert!(text.contains(words), "{name}: `{words}` is not on its {file}: {text}");
            }
        }
    }

    // Nobody was punished for it, nothing is left of it, and the agents work on.
    for agent in world.market.agents() {
        let info = world.node(agent.node().expect("a node")).await;
        assert_eq!((info.tasksFailed, info.running, info.reviewing), (0, 0, 0));
        let left: Vec<_> =
            fs::read_dir(agent.dir.join("work")).map(|left| left.flatten().collect()).unwrap_or_default();
        assert!(left.is_empty(), "{left:?}");
    }
    world.market.stop().await.expect("everything leaves when asked");
}
