//! Amounts as the programs print them: decimal strings of wei.

use aiigo_protocol::units::format_amount;
use alloy::primitives::U256;
use serde_json::Value;

/// A decimal string of wei, such as the CLI's JSON and the indexer give.
pub(crate) fn wei(value: &Value) -> U256 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// `0.25 ETH`.
pub(crate) fn eth(amount: U256) -> String {
    format!("{} ETH", format_amount(amount))
}

/// `0.25 AIIGO`.
pub(crate) fn aiigo(amount: U256) -> String {
    format!("{} AIIGO", format_amount(amount))
}
