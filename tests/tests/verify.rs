//! The index is compared with the contracts: they agree after a job, and a changed row is found.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use aiigo_devnet::{Finished, Program, project_root};
use aiigo_tests::World;
use alloy::providers::Provider;
use serde_json::Value;
use sqlx::Connection;

#[tokio::test]
async fn the_index_agrees_with_the_contracts_and_a_changed_row_is_found() {
    let world = World::start("verify", 1).await;
    let job = project_root().join("examples/text-stats/job.yaml");
    let results = world.dir().join("results");
    let (job, results) = (job.to_str().expect("UTF-8"), results.to_str().expect("UTF-8"));
    let report = world.aiigo_json(&["job", "run", job, "--approve", "auto", "--yes", "--results", results]).await;
    assert_eq!(report["status"], "Verified");
    let head = world.market.provider().get_block_number().await.expect("a head");
    let compared = world.verified().await;
    for kind in ["node", "nodeEscrow", "task", "escrow", "balance", "account", "epoch", "reward", "protocol"] {
        assert!(compared[kind].as_u64() > Some(0), "{kind}: {compared}");
    }

    let file = world.dir().join("indexer/index.db");
    let database = format!("sqlite:{}", file.display());
    let desk = world.market.desk();
    let run = async |args: &[&str]| -> Finished {
        desk.run(Program::Indexer, None, [args, &["--database", &database]].concat()).await.expect("it runs")
    };
    let status = run(&["status", "--json"]).await.success().expect("a status").json().expect("JSON");
    assert!(status["state"]["indexedBlock"].as_u64() >= Some(head), "{status}");
    run(&["migrate"]).await.success().expect("nothing to do");

    let mut connection = sqlx::SqliteConnection::connect(&database).await.expect("a connection");
    sqlx::query("UPDATE nodes SET reputation = reputation + 1").execute(&mut connection).await.expect("a row");
    let found = run(&["verify", "--json"]).await;
    assert_eq!(found.code(), 1);
    let found: Value = serde_json::from_str(&found.stdout).expect("JSON");
    let difference = &found["differences"][0];
    assert_eq!((&difference["kind"], &difference["field"]), (&"node".into(), &"reputation".into()), "{found}");
    let text = run(&["verify"]).await;
    assert!(text.stdout.contains("node 1: reputation is"), "{}", text.stdout);
}
