//! Who may push into a buyer's store, asked of a real chain.

use std::{fs, time::Duration};

use aiigo_protocol::{ContractName, TaskMarketplace};
use aiigo_storage::PushError;

use crate::support::{Market, Node};

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
    let receipt =
        contract.createTask(request).value(value).send().await.expect("sent").get_receipt().await.expect("mined");
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
