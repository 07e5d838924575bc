//! An endpoint that answers well, and not the truth.

use alloy::primitives::{Bytes, U64, keccak256};
use serde_json::{Value, json};

/// What an endpoint says against the truth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// It has stood still at this height, and knows nothing above it.
    OldHead(u64),
    /// Nothing has ever happened: there are no logs.
    NoLogs,
    /// Every transaction has landed and succeeded; in truth none is handed on.
    Receipts,
    /// It serves another chain.
    Chain(u64),
}

/// Methods whose parameter at this position is a block, the latest if it is missing.
const BLOCK_AT: [(&str, usize); 6] = [
    ("eth_call", 1),
    ("eth_estimateGas", 1),
    ("eth_getBalance", 1),
    ("eth_getCode", 1),
    ("eth_getTransactionCount", 1),
    ("eth_getBlockByNumber", 0),
];

impl Lie {
    /// What it asks the chain instead; `None`: it needs no chain to answer.
    pub(super) fn question(self, request: &Value) -> Option<Value> {
        let method = request["method"].as_str().unwrap_or_default();
        let mut asked = request.clone();
        match self {
            Self::OldHead(height) => {
                if let Some((_, at)) = BLOCK_AT.iter().find(|(name, _)| *name == method)
                    && let Some(params) = asked["params"].as_array_mut()
                {
                    let latest = Value::Null;
                    let named = params.get(*at).unwrap_or(&latest);
                    if named.is_null() || named == "latest" || named == "pending" {
                        params.resize(params.len().max(at + 1), Value::Null);
                        params[*at] = json!(U64::from(height));
                    }
                }
            }
            Self::Receipts if method == super::SEND => return None,
            _ => {}
        }
        Some(asked)
    }

    /// What it answers to a request, beside the chain's answer to its own question.
    pub(super) fn answer(self, request: &Value, truth: Value, head: &Value) -> Value {
        let method = request["method"].as_str().unwrap_or_default();
        let says = |result: Value| json!({ "jsonrpc": "2.0", "id": request["id"], "result": result });
        let number = |value: &Value| value.as_str()?.parse::<U64>().ok();
        match (self, method) {
            (Self::Chain(id), "eth_chainId") => says(json!(U64::from(id))),
            (Self::NoLogs, "eth_getLogs") => says(json!([])),
            (Self::OldHead(height), "eth_blockNumber") => says(json!(U64::from(height))),
            (
                Self::OldHead(height),
                "eth_getBlockByNumber"
                | "eth_getBlockByHash"
                | "eth_getTransactionReceipt"
                | "eth_getTransactionByHash",
            ) => {
                let block = &truth["result"];
                let above = [&block["number"], &block["blockNumber"]].into_iter().filter_map(number);
                if above.into_iter().any(|number| number > U64::from(height)) { says(Value::Null) } else { truth }
            }
            (Self::OldHead(_), "eth_getLogs") if truth.get("error").is_some() => says(json!([])),
            (Self::Receipts, super::SEND) => {
                match request["params"][0].as_str().and_then(|raw| raw.parse::<Bytes>().ok()) {
                    Some(raw) => says(json!(keccak256(raw))),
                    None => truth,
                }
            }
            // As many as it was told of can't be known here; one more than in truth makes the sender look for its own.
            (Self::Receipts, "eth_getTransactionCount") => match number(&truth["result"]) {
                Some(count) => says(json!(count + U64::from(1))),
                None => truth,
            },
            (Self::Receipts, "eth_getTransactionReceipt") if truth["result"].is_null() => says(json!({
                "transactionHash": request["params"][0], "transactionIndex": "0x0", "type": "0x2", "status": "0x1",
                "blockHash": head["hash"], "blockNumber": head["number"], "gasUsed": "0x5208",
                "cumulativeGasUsed": "0x5208", "effectiveGasPrice": "0x1", "logs": [],
                "logsBloom": format!("0x{}", "00".repeat(256)),
                "from": format!("0x{}", "00".repeat(20)), "to": format!("0x{}", "00".repeat(20)), "contractAddress": null,
            })),
            _ => truth,
        }
    }
}
