//! What a buyer does wrong is said at once, with the file, the field and the way out.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::fs;

use aiigo_devnet::{Finished, Program};
use aiigo_tests::{JobFile, World, modules};
use tokio::sync::OnceCell;

static WORLD: OnceCell<World> = OnceCell::const_new();

/// A chain and a buyer's store; nobody else is needed to be wrong.
async fn world() -> &'static World {
    WORLD
        .get_or_init(async || {
            let mut world = World::empty("wrong-use").await;
            world.market.start_store().await.expect("a store");
            world
        })
        .await
}

fn assert_fails(finished: &Finished, code: i32, hints: &[&str]) {
    assert_eq!(finished.code(), code, "{}\n{}", finished.command, finished.stderr);
    for hint in hints {
        assert!(finished.stderr.contains(hint), "no `{hint}` in: {}", finished.stderr);
    }
}

#[tokio::test]
async fn a_wrong_job_file_is_refused_with_line_and_field() {
    let world = world().await;
    let path = JobFile::new(&world.dir().join("jobs"), "wrong-price", &modules::exit_with(0)).write();
    let text = fs::read_to_string(&path).expect("the job").replace("price: \"0.36\"", "price: \"a lot\"");
    let line = text.lines().position(|line| line.starts_with("price")).expect("the price") + 1;
    fs::write(&path, text).expect("a wrong job");
    let finished = world.aiigo(&["job", "submit", path.to_str().expect("UTF-8")]).await;
    assert_fails(&finished, 1, &[&format!("job.yaml:{line}: price")]);
}

#[tokio::test]
async fn a_module_that_is_not_there_is_named() {
    let world = world().await;
    let path = JobFile::new(&world.dir().join("jobs"), "no-module", &modules::exit_with(0)).write();
    fs::remove_file(path.with_file_name("program.wasm")).expect("no module");
    let finished = world.aiigo(&["job", "submit", path.to_str().expect("UTF-8")]).await;
    assert_fails(&finished, 1, &["program.wasm"]);
}

#[tokio::test]
async fn a_wrong_flag_is_wrong_usage() {
    assert_fails(&world().await.aiigo(&["job", "submit", "--no-such-flag"]).await, 2, &["--no-such-flag"]);
}

#[tokio::test]
async fn a_job_without_a_key_says_how_to_give_one() {
    let world = world().await;
    let path = JobFile::new(&world.dir().join("jobs"), "no-key", &modules::exit_with(0)).write();
    let args = ["job", "submit", "--yes", path.to_str().expect("UTF-8")];
    let finished = world.market.desk().run(Program::Aiigo, None, args).await.expect("it runs");
    assert!(matches!(finished.code(), 1 | 2), "{}", finished.stderr);
    assert!(finished.stderr.contains("--account"), "{}", finished.stderr);
}

#[tokio::test]
async fn a_stranger_cannot_take_back_a_task() {
    let world = world().await;
    let path = JobFile::new(&world.dir().join("jobs"), "not-yours", &modules::exit_with(0)).write();
    let task = world.submit(&path).await.to_string();
    let stranger = world.market.devnet().account(20).expect("an account");
    let finished = world.market.aiigo(&stranger, ["job", "cancel", "--yes", &task]).await.expect("it runs");
    assert_fails(&finished, 1, &[]);
    let finished = world.aiigo(&["job", "cancel", "--yes", &task]).await;
    assert_fails(&finished, 0, &[]);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_named() {
    let world = world().await;
    let path = JobFile::new(&world.dir().join("jobs"), "no-gateway", &modules::exit_with(0)).write();
    let finished = world
        .aiigo(&["job", "submit", path.to_str().expect("UTF-8"), "--yes", "--gateway", "http://127.0.0.1:9"])
        .await;
    assert_fails(&finished, 1, &["http://127.0.0.1:9", "aiigo store serve"]);
}

#[tokio::test]
async fn a_chain_that_does_not_answer_is_named() {
    let world = world().await;
    let finished = world.aiigo(&["wallet", "balance", "--rpc-url", "http://127.0.0.1:9"]).await;
    assert_fails(&finished, 1, &["http://127.0.0.1:9"]);
}

#[tokio::test]
async fn every_program_refuses_wrong_usage_alike() {
    let desk = world().await.market.desk();
    for program in Program::ALL {
        let wrong = desk.run(program, None, ["--no-such-flag"]).await.expect("it runs");
        assert_eq!((wrong.code(), wrong.stdout.as_str()), (2, ""), "{}: {}", program.name(), wrong.stderr);
        let help = desk.run(program, None, ["--help"]).await.expect("it runs");
        assert_eq!(help.code(), 0, "{}", program.name());
    }
}
