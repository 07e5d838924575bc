//! What nodes say in words only. There are no codes for it in JSON-RPC, so the texts of the clients in use are matched.

/// Whether a node refused a transaction because it has it already.
///
/// geth, reth, erigon, nethermind, besu and anvil: "already known", "known transaction", "AlreadyKnown",
/// "transaction already imported".
pub(crate) fn is_already_known(message: &str) -> bool {
    let message = message.to_ascii_lowercase();
    ["already known", "alreadyknown", "known transaction", "already imported", "already in mempool", "already exists"]
        .iter()
        .any(|text| message.contains(text))
}
