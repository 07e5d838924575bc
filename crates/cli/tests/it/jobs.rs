//! Jobs from end to end on a real chain, with the real program as the buyer.

use std::{
    fs,
    process::{Command, Stdio},
    time::Duration,
};

use aiigo_devnet::eventually;
use alloy::primitives::{B256, U256};
use serde_json::Value;

use crate::support::{Market, Node, json, stderr};

const FIRST_NODE: u32 = 4;
const PATIENCE: Duration = Duration::from_secs(60);

fn wei(document: &Value, field: &str) -> U256 {
    let text = document[field].as_str().unwrap_or_else(|| panic!("{field} is no amount: {document}"));
    U256::from_str_radix(text, 10).expect("a decimal number")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_is_delivered_checked_paid_for_and_the_money_withdrawn() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    let task = market.submit().await;
    node.accept(&task).await;
    let (manifest, place) = node.deliver(&market.gateway(), &market.store(), &task, b"{\"rows\":1}", 0).await;
    node.promise(&task, manifest.result_hash(), &place).await;

    let report = market.json(&["job", "follow", &task, "--approve", "auto", "--results", "out"]).await;
    assert_eq!(report["status"], "Verified");
    assert_eq!(report["taskId"], task);
    assert_eq!(report["nodeId"], node.id);
    assert_eq!(report["exitCode"], 0);
    assert_eq!(report["outcome"], "Exited");
    assert_eq!(report["resultHash"], manifest.result_hash().to_string());
    let (paid, provider, fee) = (wei(&report, "paidWei"), wei(&report, "providerPaidWei"), wei(&report, "feeWei"));
    assert_eq!(paid, provider + fee);
    assert_eq!(provider * U256::from(8), fee * U256::from(92), "92 : 8 exactly");
    assert_eq!(wei(&report, "refundedWei") + paid, wei(&report, "escrowWei"));
    let kinds: Vec<&str> =
        report["timeline"].as_array().expect("rows").iter().filter_map(|row| row["kind"].as_str()).collect();
    assert_eq!(kinds, ["Created", "Accepted", "ResultSubmitted", "Verified"]);
    assert_eq!(fs::read_to_string(market.path().join("out/report.json")).expect("an output"), "{\"rows\":1}");

    // The unused escrow and the tips are the buyer's again, and can be taken out.
    let returned = wei(&report, "refundedWei") + wei(&report, "tipsReturnedWei");
    let balance = market.json(&["wallet", "balance"]).await;
    assert_eq!(wei(&balance, "escrowEthWei"), returned);
    let withdrawal = market.json(&["wallet", "withdraw", "--yes"]).await;
    assert_eq!(wei(&withdrawal, "amountWei"), returned);
    assert_eq!(wei(&market.json(&["wallet", "balance"]).await, "escrowEthWei"), U256::ZERO);

    // Whoever comes back later sees the same, and is told that there is nothing left to do.
    let status = market.json(&["job", "status", &task]).await;
    assert_eq!(status["status"], "Verified");
    let again = market.aiigo(&["job", "approve", &task]).await;
    assert_eq!(again.status.code(), Some(1));
    assert!(stderr(&again).contains("already"), "{}", stderr(&again));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_failed_is_shown_plainly_and_paid_like_any_other() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    let task = market.submit().await;
    node.accept(&task).await;
    let (manifest, place) = node.deliver(&market.gateway(), &market.store(), &task, b"{}", 3).await;
    node.promise(&task, manifest.result_hash(), &place).await;
    let output = market.aiigo(&["job", "follow", &task, "--approve", "auto", "--json"]).await;
    assert_eq!(output.status.code(), Some(1));
    let report = json(&output);
    assert_eq!((&report["status"], &report["exitCode"]), (&"Verified".into(), &3.into()));
    assert!(stderr(&output).contains("failed with exit code 3"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_result_that_is_not_what_the_chain_says_is_not_paid_for() {
    let market = Market::with_store().await;
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    let task = market.submit().await;
    node.accept(&task).await;
    let (_, place) = node.deliver(&market.gateway(), &market.store(), &task, b"{}", 0).await;
    node.promise(&task, B256::repeat_byte(9), &place).await;

    let output = market.aiigo(&["job", "follow", &task, "--approve", "auto", "--json"]).await;
    assert_eq!(output.status.code(), Some(1));
    let told = json(&output);
    assert!(told["error"].as_str().is_some_and(|text| text.contains("nothing of it was kept")), "{told}");
    assert!(told["causedBy"].to_string().contains(&B256::repeat_byte(9).to_string()), "{told}");
    assert!(!market.path().join("results").join(&task).exists(), "what failed the check is not put in place");
    assert_eq!(market.aiigo(&["job", "approve", &task]).await.status.code(), Some(1));
    assert_eq!(market.json(&["job", "status", &task]).await["status"], "Completed");
    // A buyer may still want it.
    assert_eq!(market.json(&["job", "approve", "--yes", &task, "--unchecked"]).await["status"], "Verified");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_was_killed_goes_on_with_the_same_task() {
    let market = Market::with_store().await;
    let args = ["job", "run", "job.yaml", "--approve", "auto", "--yes", "--results", "out", "--json"];
    let mut command = market.command(&market.buyer(), &args);
    let mut first = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    let runs = market.path().join("data/runs");
    let task = eventually("task", PATIENCE, async || {
        let record = fs::read_dir(&runs).ok()?.flatten().next()?;
        let record: Value = serde_json::from_slice(&fs::read(record.path()).ok()?).ok()?;
        Some(record["taskId"].as_str()?.to_owned())
    })
    .await;
    first.kill().expect("killed");
    first.wait().expect("gone");

    let mut second = market.command(&market.buyer(), &args);
    let second = tokio::task::spawn_blocking(move || second.output().expect("the program starts"));
    let node = Node::online(&market.devnet, FIRST_NODE).await;
    node.accept(&task).await;
    let (manifest, place) = node.deliver(&market.gateway(), &market.store(), &task, b"{}", 0).await;
    node.promise(&task, manifest.result_hash(), &place).await;
    let output = second.await.expect("no panic");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(json(&output)["taskId"], task);
    assert_eq!(fs::read_dir(&runs).expect("a folder").count(), 0, "nothing is under way any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_says_how_to_come_back() {
    let market = Market::with_store().await;
    let mut command =
        market.command(&market.buyer(), &["job", "run", "job.yaml", "--follow", "--yes", "--approve", "never"]);
    let log = market.path().join("log");
    let told = fs::File::create(&log).expect("a log");
    let mut run = command.stdout(Stdio::piped()).stderr(told).spawn().expect("the program starts");
    let waits = async || fs::read_to_string(&log).ok()?.contains("in escrow, open until").then_some(());
    eventually("task", PATIENCE, waits).await;
    let interrupt = Command::new("kill").args(["-INT", &run.id().to_string()]).status().expect("kill is there");
    assert!(interrupt.success());
    assert_eq!(run.wait().expect("it ends").code(), Some(1));
    let told = fs::read_to_string(&log).expect("a log");
    let task = fs::read_dir(market.path().join("data/runs")).expect("runs").count();
    assert!(told.contains("aiigo job follow 0x"), "{told}");
    assert_eq!(task, 1, "it is still under way");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_task_can_be_taken_back_whole() {
    let market = Market::with_store().await;
    let task = market.submit().await;
    let report = market.json(&["job", "cancel", "--yes", &task]).await;
    assert_eq!(report["status"], "Cancelled");
    assert_eq!(wei(&report, "refundedWei"), wei(&report, "escrowWei"));
    assert_eq!(
        wei(&market.json(&["wallet", "balance"]).await, "escrowEthWei"),
        wei(&report, "escrowWei") + wei(&report, "tipsReturnedWei")
    );
    let followed = market.aiigo(&["job", "follow", &task, "--approve", "never"]).await;
    assert_eq!(followed.status.code(), Some(1), "there is no result to be had");
    assert!(stderr(&followed).contains("cancelled"), "{}", stderr(&followed));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_paid_into_a_task_whose_files_nobody_could_fetch() {
    let market = Market::new().await;
    let args = ["job", "submit", "job.yaml", "--yes", "--gateway", "http://127.0.0.1:1"];
    let output = market.aiigo(&args).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("aiigo store serve"), "{}", stderr(&output));
    assert!(!market.path().join("data/runs").exists(), "nothing was begun");
    assert!(
        !market
            .path()
            .join("data")
            .read_dir()
            .expect("a folder")
            .flatten()
            .any(|entry| { entry.file_name().to_string_lossy().starts_with("outbox") })
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_buyer_can_follow_a_task_to_its_payment() {
    let market = Market::with_store().await;
    let task = market.submit().await;
    let stranger = market.devnet.account(9).expect("an account");
    let output = market.command(&stranger, &["job", "follow", &task, "--approve", "auto"]).output().expect("it starts");
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr(&output).contains("only they can approve"), "{}", stderr(&output));
}
