//! Who may push into a buyer's store, asked of a real chain; and what stays in it for how long.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, SystemTime},
};

use aiigo_devnet::mined;
use aiigo_protocol::{ContractName, TaskMarketplace};
use aiigo_storage::PushError;
use serde_json::{Value, json};

use crate::support::{Market, Node, aiigo, json, stderr};

const FIRST_NODE: u32 = 4;

fn refusal(pushed: Result<aiigo_storage::BlobRef, PushError>) -> String {
    pushed.expect_err("it must be refused").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_operator_at_work_may_push_and_only_what_the_spec_allows() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    let task = market.submit().await;
    let (gateway, operator) = (market.gateway(), node.operator.signer().clone());

    let early = refusal(node.push(&gateway, &task, b"x", &operator).await);
    assert!(early.contains("is Open"), "{early}");
    node.accept(&task).await;
    node.push(&gateway, &task, b"x", &operator).await.expect("the operator at work");

    let owner = refusal(node.push(&gateway, &task, b"y", node.owner.signer()).await);
    assert!(owner.contains("is not the operator"), "{owner}");
    // 1 KiB of outputs, and room for a manifest and what the program printed.
    let large = refusal(node.push(&gateway, &task, &vec![7; 4 << 20], &operator).await);
    assert!(large.contains("may push"), "{large}");

    let unknown = format!("0x{}", "12".repeat(32));
    let unknown = refusal(node.push(&gateway, &unknown, b"z", &operator).await);
    assert!(unknown.contains("there is no task"), "{unknown}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_who_copies_a_spec_gets_no_room() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    market.submit().await;
    // The same spec, which this store holds, in a task of somebody else.
    let stranger = market.devnet.account(20).expect("an account");
    let address = market.devnet.deployment().address(ContractName::TaskMarketplace);
    let contract = TaskMarketplace::new(address, market.devnet.provider_as(&stranger));
    let request = first_request(&market).await;
    let quote = contract.quote(request.clone()).call().await.expect("a quote");
    let value = alloy::primitives::U256::from(quote.escrow) + quote.tipDeposit;
    let receipt = mined(contract.createTask(request).value(value)).await;
    let created = receipt.decoded_log::<TaskMarketplace::TaskCreated>().expect("a task");
    let task = created.taskId.to_string();
    node.accept(&task).await;
    let refused = refusal(node.push(&market.gateway(), &task, b"x", node.operator.signer()).await);
    assert!(refused.contains("not ordered from this store"), "{refused}");
}

/// What the buyer asked the marketplace for.
async fn first_request(market: &Market) -> TaskMarketplace::TaskRequest {
    let address = market.devnet.deployment().address(ContractName::TaskMarketplace);
    let contract = TaskMarketplace::new(address, market.devnet.provider());
    let filter = contract.TaskCreated_filter().from_block(market.devnet.deployment().block);
    filter.query().await.expect("events").first().expect("a task").0.request.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_the_deadline_and_grace_nothing_is_taken_any_more() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    let task = market.submit().await;
    node.accept(&task).await;
    market.devnet.increase_time(Duration::from_secs(3600)).await.expect("later");
    let late = refusal(node.push(&market.gateway(), &task, b"x", node.operator.signer()).await);
    assert!(late.contains("was due by"), "{late}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_gateway_answers_health_checks() {
    let market = Market::with_store().await;
    let url = format!("{}/readyz", market.gateway());
    let answer = reqwest::get(&url).await.expect("an answer");
    assert_eq!(answer.status(), 200);
    assert!(fs::metadata(market.store()).expect("a folder").is_dir());
}

/// Makes all that is stored look as if it had been there for a day.
fn age(store: &Path) {
    let yesterday = SystemTime::now() - Duration::from_secs(24 * 3600);
    for shard in fs::read_dir(store.join("blocks")).expect("a store").flatten() {
        for block in fs::read_dir(shard.path()).expect("a folder").flatten() {
            fs::File::open(block.path()).expect("a block").set_modified(yesterday).expect("its time");
        }
    }
}

/// Runs `aiigo store … --json` in a folder, with no chain to ask.
fn store(dir: &Path, args: &[&str]) -> Value {
    let output = aiigo(dir).arg("store").args(args).arg("--json").output().expect("the program starts");
    assert!(output.status.success(), "{args:?}: {}", stderr(&output));
    json(&output)
}

#[test]
fn what_a_user_puts_stays_until_it_is_unpinned() {
    let dir = tempfile::tempdir().expect("a folder");
    fs::create_dir_all(dir.path().join("album/2026")).expect("folders");
    fs::write(dir.path().join("album/2026/sea.jpg"), "blue").expect("a file");
    fs::write(dir.path().join("album/index"), "sea").expect("a file");
    fs::write(dir.path().join("letter"), "dear").expect("a file");
    let album = store(dir.path(), &["add", "album"]);
    assert_eq!((&album["files"], &album["folders"], &album["size"]), (&2.into(), &1.into(), &7.into()));
    let letter = store(dir.path(), &["put", "letter"]);
    let pins = store(dir.path(), &["pins"]);
    let mut pinned: Vec<(&Value, &Value)> =
        pins.as_array().expect("pins").iter().map(|pin| (&pin["note"], &pin["holder"])).collect();
    pinned.sort_by_key(|(note, _)| note.to_string());
    assert_eq!(pinned, [(&"album".into(), &"user".into()), (&"letter".into(), &"user".into())]);

    let data = dir.path().join("data/store");
    age(&data);
    assert_eq!(store(dir.path(), &["gc"])["blocks"], 0);
    let cid = letter["cid"].as_str().expect("a CID");
    assert_eq!(store(dir.path(), &["unpin", cid])["stillPinnedFor"], json!([]));
    let again = aiigo(dir.path()).args(["store", "unpin", cid]).output().expect("the program starts");
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("is not pinned for user"), "{}", stderr(&again));
    let dry = store(dir.path(), &["gc", "--dry-run"]);
    assert_eq!((&dry["dryRun"], &dry["blobs"], &dry["bytes"]), (&true.into(), &1.into(), &4.into()));
    assert_eq!(store(dir.path(), &["ls"]).as_array().expect("entries").len(), 2);
    assert_eq!(store(dir.path(), &["gc"])["bytes"], 4);
    let left = store(dir.path(), &["ls"]);
    assert_eq!((left.as_array().expect("entries").len(), &left[0]["name"]), (1, &"album".into()));

    store(dir.path(), &["get", album["cid"].as_str().expect("a CID"), "--output", "copy"]);
    assert_eq!(fs::read_to_string(dir.path().join("copy/2026/sea.jpg")).expect("a file"), "blue");
}

/// Who holds pins in the buyer's store, and how many.
async fn holders(market: &Market) -> BTreeMap<String, usize> {
    let mut holders = BTreeMap::new();
    for pin in market.json(&["store", "pins"]).await.as_array().expect("pins") {
        *holders.entry(pin["holder"].as_str().expect("a holder").to_owned()).or_default() += 1;
    }
    holders
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_job_needs_and_brings_stays_until_it_is_over() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    let task = market.submit().await;
    let holder = format!("task-{}-{task}", market.devnet.deployment().chain_id);
    assert_eq!(holders(&market).await, BTreeMap::from([(holder.clone(), 3)]), "module, input, spec");
    node.accept(&task).await;
    let (manifest, place) = node.deliver(&market.gateway(), &market.store(), &task, b"{\"rows\":1}", 0).await;
    node.promise(&task, manifest.result_hash(), &place).await;
    let delivered = holders(&market).await;
    assert!(delivered.len() == 1 && delivered[&holder] > 3, "{delivered:?}");
    age(&market.store());
    let swept = market.json(&["store", "gc"]).await;
    assert_eq!((&swept["releasedPins"], &swept["blocks"]), (&0.into(), &0.into()));

    market.json(&["job", "follow", &task, "--approve", "auto", "--results", "out"]).await;
    assert_eq!(holders(&market).await, BTreeMap::new());
    age(&market.store());
    assert!(market.json(&["store", "gc"]).await["blobs"].as_u64() > Some(3));
    assert!(market.json(&["store", "ls"]).await.as_array().expect("entries").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_nobody_took_stay_for_a_while() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    let task = market.submit().await;
    node.accept(&task).await;
    let (manifest, place) = node.deliver(&market.gateway(), &market.store(), &task, b"{\"rows\":1}", 0).await;
    node.promise(&task, manifest.result_hash(), &place).await;
    market.json(&["job", "approve", "--yes", &task]).await;
    age(&market.store());
    assert_eq!(market.json(&["store", "gc"]).await["releasedPins"], 0);
    market.json(&["job", "download", &task]).await;
    assert!(market.json(&["store", "gc", "--keep", "0s"]).await["releasedPins"].as_u64() > Some(3));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_task_needs_nothing_any_more() {
    let market = Market::with_store().await;
    let task = market.submit().await;
    market.json(&["job", "cancel", "--yes", &task]).await;
    age(&market.store());
    let swept = market.json(&["store", "gc"]).await;
    assert_eq!((&swept["releasedPins"], &swept["blobs"]), (&3.into(), &3.into()));
}
