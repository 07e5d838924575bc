//! Trying an action without sending it: is it still needed, and what would it cost?

use aiigo_protocol::{DecodedRevert, EscrowManager::TipPaid, KeeperTips::TipCredited};
use alloy::{
    eips::BlockId,
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider},
    rpc::types::{
        Log, TransactionRequest,
        simulate::{SimBlock, SimulatePayload},
    },
    transports::TransportError,
};

/// What the chain said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It would succeed.
    Works {
        /// The gas that it takes now.
        gas: u64,
        /// What the chain asks for per gas, wei.
        fee_per_gas: u128,
    },
    /// The contract refuses: it is done already, or not due yet.
    Refused(DecodedRevert),
}

/// Who pays tips.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TipSources {
    pub(crate) escrow: Address,
    pub(crate) tips: Address,
}

/// Simulates a call as `from` on the state that the next block will find: what another keeper has sent is done there, as far
/// as the node has heard of it.
pub(crate) async fn simulate(
    provider: &DynProvider,
    from: Address,
    to: Address,
    data: Bytes,
) -> Result<Trial, TransportError> {
    let transaction = TransactionRequest::default().with_from(from).with_to(to).with_input(data);
    let gas = match provider.estimate_gas(transaction).block(BlockId::pending()).await {
        Ok(gas) => gas,
        Err(error) => return refusal(error),
    };
    let fees = provider.estimate_eip1559_fees().await?;
    Ok(Trial::Works { gas, fee_per_gas: fees.max_fee_per_gas })
}

/// The tips in ETH that a call would earn `from`, wei. Those in other tokens count for nothing: nobody here knows their price.
pub(crate) async fn income(
    provider: &DynProvider,
    sources: TipSources,
    from: Address,
    to: Address,
    data: Bytes,
) -> Result<U256, TransportError> {
    let call = TransactionRequest::default().with_from(from).with_to(to).with_input(data);
    let blocks = vec![SimBlock { calls: vec![call], ..SimBlock::default() }];
    let simulated =
        provider.simulate(&SimulatePayload { block_state_calls: blocks, ..SimulatePayload::default() }).await?;
    let logs = simulated.iter().flat_map(|block| &block.calls).filter(|call| call.status).flat_map(|call| &call.logs);
    Ok(logs.filter_map(|log| tip(log, sources, from)).fold(U256::ZERO, U256::saturating_add))
}

/// The tip in ETH that a log credits to `account`.
fn tip(log: &Log, sources: TipSources, account: Address) -> Option<U256> {
    if log.address() == sources.escrow {
        let paid = log.log_decode::<TipPaid>().ok()?.inner.data;
        return (paid.to == account && paid.token == Address::ZERO).then_some(paid.amount);
    }
    if log.address() == sources.tips {
        let credited = log.log_decode::<TipCredited>().ok()?.inner.data;
        return (credited.to == account).then_some(credited.amount);
    }
    None
}

/// A refusal is an answer; anything else is a failure to ask.
fn refusal(error: TransportError) -> Result<Trial, TransportError> {
    aiigo_chain::refusal(&error).map(Trial::Refused).ok_or(error)
}
