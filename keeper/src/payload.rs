//! What an action calls with: known at once, or completed by what only the chain has.

use aiigo_protocol::{DisputeCourt::drawCall, TaskId, TaskMarketplace::drawReplicasCall};
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
    /// A draw, which takes the header of the block whose randomness decides.
    Draw {
        /// Of whom.
        draw: Draw,
        /// The block's number.
        block: u64,
    },
}

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Draw {
    /// The jury of a case.
    Jury(U256),
    /// The nodes of a replicated task.
    Replicas(TaskId),
}

impl Draw {
    fn call(self, header: Bytes) -> Bytes {
        let data = match self {
            Self::Jury(case) => drawCall { caseId: case, header }.abi_encode(),
            Self::Replicas(task) => drawReplicasCall { taskId: task.0, header }.abi_encode(),
        };
        data.into()
    }
}

impl Payload {
    /// Completes the call.
    ///
    /// # Errors
    /// If the chain can't be asked or does not have the block.
    pub(crate) async fn complete(&self, provider: &DynProvider) -> Result<Bytes, TransportError> {
        match self {
            Self::Call(data) => Ok(data.clone()),
            Self::Draw { draw, block } => {
                let found = provider.get_block_by_number((*block).into()).await?;
                let found =
                    found.ok_or_else(|| TransportErrorKind::custom_str(&format!("there is no block {block}")))?;
                Ok(draw.call(rlp::encode(&found.header.inner).into()))
            }
        }
    }
}
