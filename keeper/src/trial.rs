//! Trying an action without sending it: is it still needed, and what would it cost?

use aiigo_protocol::{DecodedRevert, decode_revert};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider},
    rpc::types::TransactionRequest,
    transports::TransportError,
};

/// What the chain said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// It would succeed, for at most `cost` wei at the present gas price.
    Works {
        /// Gas × the fee per gas that would be offered now.
        cost: U256,
        /// That fee, wei.
        fee_per_gas: u128,
    },
    /// The contract refuses: it is done already, or not due yet.
    Refused(DecodedRevert),
}

/// Simulates a call on the latest block, as `from`.
pub(crate) async fn simulate(
    provider: &DynProvider,
    from: Address,
    to: Address,
    data: Bytes,
) -> Result<Trial, TransportError> {
    let transaction = TransactionRequest::default().with_from(from).with_to(to).with_input(data);
    let gas = match provider.estimate_gas(transaction).await {
        Ok(gas) => gas,
        Err(error) => return refusal(error),
    };
    let fees = provider.estimate_eip1559_fees().await?;
    Ok(Trial::Works { cost: U256::from(gas) * U256::from(fees.max_fee_per_gas), fee_per_gas: fees.max_fee_per_gas })
}

/// A revert is an answer; anything else is a failure to ask.
fn refusal(error: TransportError) -> Result<Trial, TransportError> {
    match error.as_error_resp().and_then(|response| response.as_revert_data()) {
        Some(data) => Ok(Trial::Refused(decode_revert(&data))),
        None => Err(error),
    }
}
