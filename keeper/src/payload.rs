//! What an action calls with: known at once, or completed by what only the chain has.

use aiigo_protocol::DisputeCourt::drawCall;
use alloy::{
    primitives::{Bytes, U256},
    providers::{DynProvider, Provider},
    rlp,
    sol_types::SolCall,
    transports::{TransportError, TransportErrorKind},
};

/// The data of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// Complete.
    Call(Bytes),
    /// `draw` of the court, which takes the header of the block whose randomness decides.
    Draw {
        /// The case.
        case: U256,
        /// The block's number.
        block: u64,
    },
}

impl Payload {
    /// Completes the call.
    ///
    /// # Errors
    /// If the chain can't be asked or does not have the block.
    pub(crate) async fn complete(&self, provider: &DynProvider) -> Result<Bytes, TransportError> {
        match self {
            Self::Call(data) => Ok(data.clone()),
            Self::Draw { case, block } => {
                let found = provider.get_block_by_number((*block).into()).await?;
                let found =
                    found.ok_or_else(|| TransportErrorKind::custom_str(&format!("there is no block {block}")))?;
                let header = rlp::encode(&found.header.inner).into();
                Ok(drawCall { caseId: *case, header }.abi_encode().into())
            }
        }
    }
}
