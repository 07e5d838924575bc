//! A node from its registration to the last of its stake, by its owner's hands alone.

use std::time::Duration;

use aiigo_protocol::{ContractName, NodeRegistry, units::parse_amount};
use alloy::primitives::U256;

use crate::support::{Market, stderr};

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_registers_stakes_changes_keys_and_leaves() {
    let market = Market::new().await;
    let owner = market.buyer().address();
    let [operator_key, payout_key] = [5, 6].map(|index| market.devnet.account(index).expect("a key").address());
    let (operator, payout) = (format!("{operator_key:#x}"), format!("{payout_key:#x}"));
    let aiigo = |text: &str| parse_amount(text).expect("an amount");
    market.devnet.send_aiigo(owner, aiigo("150")).await.expect("AIIGO");
    let address = market.devnet.deployment().address(ContractName::NodeRegistry);
    let registry = NodeRegistry::new(address, market.devnet.provider());

    let registered = market.json(&["node", "register", "--yes", "--type", "gpu", "--operator", &operator]).await;
    let node = registered["nodeId"].as_str().expect("an id").to_owned();
    let id: u64 = node.parse().expect("a number");
    let info = async || registry.nodeInfo(id).call().await.expect("a node");
    assert_eq!((info().await.owner, info().await.operator), (owner, operator_key));
    let shown = market.json(&["provider", "show", &node]).await;
    assert_eq!((&shown["status"], &shown["resourceType"]), (&"Pending".into(), &"GPU".into()));

    let unasked = market.aiigo(&["node", "stake", &node, "100"]).await;
    assert_eq!((unasked.status.code(), info().await.stake), (Some(2), 0), "{}", stderr(&unasked));
    market.json(&["node", "stake", "--yes", &node, "100"]).await;
    market.json(&["node", "stake", "--yes", &node, "50"]).await;
    assert_eq!(U256::from(info().await.stake), aiigo("150"));

    market.json(&["node", "set-payout", "--yes", &node, &payout]).await;
    market.json(&["node", "set-operator", "--yes", &node, &payout]).await;
    assert_eq!((info().await.payout, info().await.operator), (payout_key, payout_key));
    // One letter in the wrong case.
    let right = operator_key.to_checksum(None);
    let at = right.rfind(|c: char| c.is_ascii_lowercase()).expect("a small letter");
    let mistyped = format!("{}{}{}", &right[..at], right[at..=at].to_uppercase(), &right[at + 1..]);
    let refused = market.aiigo(&["node", "set-payout", "--yes", &node, &mistyped]).await;
    assert!(stderr(&refused).contains("mistyped"), "{mistyped}: {}", stderr(&refused));

    let leaving = market.aiigo(&["node", "unstake", "--yes", &node, "60"]).await;
    assert!(leaving.status.success() && stderr(&leaving).contains("too little"), "{}", stderr(&leaving));
    let early = market.aiigo(&["node", "withdraw", "--yes", &node]).await;
    assert_eq!(early.status.code(), Some(1));
    assert!(stderr(&early).contains("UnbondingNotReady"), "{}", stderr(&early));
    let period = registry.parameters().call().await.expect("parameters").unbondingPeriod;
    market.devnet.increase_time(Duration::from_secs(u64::from(period) + 1)).await.expect("a later time");
    market.json(&["node", "withdraw", "--yes", &node]).await;
    // All that is left goes without being counted.
    market.json(&["node", "unstake", "--yes", &node]).await;
    assert_eq!((U256::from(info().await.stake), U256::from(info().await.unbonding)), (U256::ZERO, aiigo("90")));
    let balance = market.json(&["wallet", "balance"]).await;
    assert_eq!(balance["aiigoWei"], aiigo("60").to_string());
}
