//! Trying a call without sending it.

use aiigo_protocol::{DecodedRevert, decode_revert};
use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::Address,
    providers::{DynProvider, Provider},
    rpc::types::{TransactionReceipt, TransactionRequest},
    transports::{RpcError, TransportError},
};

use super::Intent;

/// What a simulation came to.
pub(super) enum Simulation {
    /// It works and uses so much gas.
    Works { gas: u64 },
    /// The contract refuses.
    Refused(DecodedRevert),
}

/// Tries an intent on the state after a block.
pub(super) async fn simulate(
    provider: &DynProvider,
    from: Address,
    intent: &Intent,
    block: BlockId,
) -> Result<Simulation, TransportError> {
    match provider.estimate_gas(request(from, intent)).block(block).await {
        Ok(gas) => Ok(Simulation::Works { gas }),
        Err(error) => refusal(&error).map(Simulation::Refused).ok_or(error),
    }
}

/// Why a transaction reverted on the chain: the same call on the state of its block, which it did not change.
pub(super) async fn explain(
    provider: &DynProvider,
    from: Address,
    intent: &Intent,
    gas_limit: u64,
    receipt: &TransactionReceipt,
) -> Result<DecodedRevert, TransportError> {
    let out_of_gas = || unknown(format!("out of gas: {gas_limit} were not enough"));
    if receipt.gas_used >= gas_limit {
        return Ok(out_of_gas());
    }
    let block = receipt.block_hash.map_or_else(BlockId::latest, BlockId::hash);
    let replay = provider.call(request(from, intent).with_gas_limit(gas_limit)).block(block).await;
    match replay {
        Ok(_) => Ok(unknown("it reverted in its block, and would not any more after it".into())),
        Err(RpcError::ErrorResp(ref response)) => {
            // A call within it that runs out of gas takes the reason with it.
            if provider.call(request(from, intent)).block(block).await.is_ok() {
                return Ok(out_of_gas());
            }
            let message = response.message.to_string();
            Ok(replay.as_ref().err().and_then(refusal).unwrap_or_else(|| unknown(message)))
        }
        Err(error) => Err(error),
    }
}

fn request(from: Address, intent: &Intent) -> TransactionRequest {
    TransactionRequest::default()
        .with_from(from)
        .with_to(intent.to)
        .with_input(intent.data.clone())
        .with_value(intent.value)
}

/// The contract's refusal, if the error is one and not the node's own trouble.
pub fn refusal(error: &TransportError) -> Option<DecodedRevert> {
    let response = error.as_error_resp()?;
    if let Some(data) = response.as_revert_data() {
        return Some(decode_revert(&data));
    }
    // 3 is "execution reverted" (execution-apis); the texts are those of geth, reth and anvil for what halts the EVM.
    let message = response.message.to_ascii_lowercase();
    let halted = ["revert", "invalid opcode", "invalid jump", "out of gas", "stack underflow", "outofgas"];
    let refused = response.code == 3 || halted.iter().any(|text| message.contains(text));
    refused.then(|| unknown(response.message.to_string()))
}

fn unknown(detail: String) -> DecodedRevert {
    DecodedRevert { name: "Unknown".into(), detail }
}
