//! Bonuses: the indexer, its command and the keeper come to the same root, and a difference raises the alarm.

#![allow(clippy::expect_used)] // a test fails by panicking, its helpers too

use std::{fs, time::Duration};

use aiigo_devnet::{Program, eventually, project_root};
use aiigo_protocol::{ContractName, RewardDistributor};
use aiigo_tests::{LyingGateway, World};
use serde_json::Value;

const LIMIT: Duration = Duration::from_secs(90);
/// More blocks than can be replaced.
const FINALITY: u64 = 100;

#[tokio::test]
async fn indexer_and_keeper_come_to_the_same_root_and_a_difference_is_an_alarm() {
    let world = World::start("rewards", 1).await;
    let job = project_root().join("examples/text-stats/job.yaml");
    let results = world.dir().join("results");
    let (job, results) = (job.to_str().expect("UTF-8"), results.to_str().expect("UTF-8"));
    let report = world.aiigo_json(&["job", "run", job, "--approve", "auto", "--yes", "--results", results]).await;
    assert_eq!(report["status"], "Verified");

    // The epoch of its fee ends, the keeper closes it, and it is final.
    let devnet = world.market.devnet();
    let rewards = RewardDistributor::new(world.address(ContractName::RewardDistributor), devnet.provider());
    let recorded = rewards.FeeRecorded_filter().from_block(devnet.deployment().block).query().await.expect("logs");
    let epoch = recorded.first().expect("a fee").0.epoch;
    devnet.increase_time(Duration::from_secs(61)).await.expect("a later time");
    eventually("a closed epoch", LIMIT, async || (rewards.nextEpochToClose().call().await.ok()? > epoch).then_some(()))
        .await;
    devnet.mine(FINALITY).await.expect("blocks");
    let query = format!("{{ epoch(number: \"{epoch}\") {{ closed bonusRoot }} }}");
    let root =
        world.graphql().until("a root", &query, |data| data["epoch"]["bonusRoot"].as_str().map(str::to_owned)).await;

    // An auditor recomputes it from the database.
    let desk = world.market.desk();
    let database = format!("sqlite:{}", world.dir().join("indexer/index.db").display());
    let tree = world.dir().join("tree.json");
    let number = epoch.to_string();
    let args = ["rewards", "--json", "--database", &database, "--epoch", &number, "--tree", &tree.to_string_lossy()]
        .map(str::to_owned);
    let recomputed = desk.run(Program::Indexer, None, &args).await.expect("it runs").success().expect("a root");
    let recomputed: Value = serde_json::from_str(&recomputed.stdout).expect("JSON");
    assert_eq!((recomputed["root"].as_str(), &recomputed["nodes"]), (Some(root.as_str()), &1.into()), "{recomputed}");
    let dump: Value = serde_json::from_slice(&fs::read(&tree).expect("a tree")).expect("JSON");
    assert_eq!((&dump["format"], &dump["tree"][0]), (&"standard-v1".into(), &root.as_str().into()), "{dump}");
    let later = args.map(|arg| if arg == number { "999999".to_owned() } else { arg });
    let refused = desk.run(Program::Indexer, None, &later).await.expect("it runs");
    assert!(!refused.status.success() && refused.stderr.contains("is not closed"), "{}", refused.stderr);

    // So does the keeper, and says so when the indexer tells another.
    let honest = world.market.graphql().expect("a running indexer");
    let visit = async |indexer: &str| {
        let args = ["once", "--json", "--dry-run", "--duties", "expire-tasks", "--indexer", indexer];
        let visit = desk.run(Program::Keeper, None, args).await.expect("it runs");
        let report: Value = serde_json::from_str(&visit.stdout).expect("JSON");
        (visit.status.code(), report)
    };
    let (code, report) = visit(honest.as_str()).await;
    assert_eq!((code, &report["difference"], &report["noOpinion"]), (Some(0), &Value::Null, &Value::Null), "{report}");

    let digits = root.trim_start_matches("0x");
    let at = digits.find(|digit: char| digit.is_ascii_digit()).expect("a digit");
    let liar = LyingGateway::start(honest.clone(), &digits[at..]).await;
    let (code, report) = visit(&format!("{}{}", liar.url(), honest.path())).await;
    assert_eq!((code, report["difference"]["own"].as_str()), (Some(1), Some(root.as_str())), "{report}");
    drop(liar);

    let (code, report) = visit("http://127.0.0.1:9/graphql").await;
    assert!(code == Some(1) && report["noOpinion"].is_string(), "{report}");
}
