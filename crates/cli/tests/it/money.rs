//! Transfers and stakes on a real chain.

use alloy::primitives::U256;
use serde_json::Value;

use crate::support::{Market, stderr};

fn wei(document: &Value, field: &str) -> U256 {
    let text = document[field].as_str().unwrap_or_else(|| panic!("{field} is no amount: {document}"));
    U256::from_str_radix(text, 10).expect("a decimal number")
}

#[tokio::test(flavor = "multi_thread")]
async fn money_goes_where_it_is_sent() {
    let market = Market::new().await;
    let to = "0x00000000000000000000000000000000000000aa";
    let unasked = market.aiigo(&["wallet", "transfer", "0.25", "eth", to]).await;
    assert_eq!(unasked.status.code(), Some(2), "nobody is there to be asked");
    assert!(stderr(&unasked).contains("--yes") && stderr(&unasked).contains("send 0.25 ETH"), "{}", stderr(&unasked));
    market.json(&["wallet", "transfer", "--yes", "0.25", "eth", to]).await;
    // The same again is another transfer, not the first one told twice.
    market.json(&["wallet", "transfer", "--yes", "0.25", "ETH", to]).await;
    market.devnet.send_aiigo(market.buyer().address(), U256::from(7)).await.expect("AIIGO");
    market.json(&["wallet", "transfer", "--yes", "0.000000000000000007", "aiigo", to]).await;
    let balance = market.json(&["wallet", "balance", to]).await;
    assert_eq!(wei(&balance, "ethWei"), U256::from(500_000_000_000_000_000_u64));
    assert_eq!(wei(&balance, "aiigoWei"), U256::from(7));
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_cannot_be_sent() {
    let market = Market::new().await;
    let output = market
        .aiigo(&["wallet", "transfer", "--yes", "1", "aiigo", "0x00000000000000000000000000000000000000aa"])
        .await;
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("ERC20InsufficientBalance"), "{}", stderr(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stake_is_listed_until_it_is_closed() {
    let market = Market::new().await;
    let buyer = market.buyer().address();
    let amount = aiigo_protocol::units::parse_amount("10").expect("an amount");
    market.devnet.send_aiigo(buyer, amount).await.expect("AIIGO");
    let added = market.json(&["stake", "add", "--yes", "10", "--lock", "30"]).await;
    let position = added["positionId"].as_str().expect("an id").to_owned();
    let listed = market.json(&["stake", "list"]).await;
    assert_eq!(listed[0]["positionId"], position.as_str());
    assert_eq!(wei(&listed[0], "amountWei"), amount);

    let asked = market.aiigo(&["stake", "remove", &position]).await;
    assert!(stderr(&asked).contains("burn 0.5 AIIGO"), "{}", stderr(&asked));
    let early = market.aiigo(&["stake", "remove", "--yes", &position]).await;
    assert_eq!(early.status.code(), Some(1));
    assert!(stderr(&early).contains("--early"), "{}", stderr(&early));
    let closed = market.json(&["stake", "remove", "--yes", &position, "--early"]).await;
    assert_eq!(wei(&closed, "returnedWei"), amount * U256::from(95) / U256::from(100));
    assert_eq!(market.json(&["stake", "list"]).await, serde_json::json!([]));
}
