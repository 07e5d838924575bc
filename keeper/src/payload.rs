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

/// A call's selector and first argument.
const HEAD: usize = 36;

impl Payload {
    /// Whether the data of a transaction is a call of the same function about the same thing.
    pub(crate) fn is_like(&self, data: &[u8]) -> bool {
        let own = match self {
            Self::Call(data) => data.clone(),
            Self::Draw { draw, .. } => draw.call(Bytes::new()),
        };
        own.get(..HEAD.min(own.len())) == data.get(..HEAD.min(own.len()))
    }

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

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    #[test]
    fn a_draw_of_another_keeper_is_known_by_its_task_whatever_the_header() {
        let draw = |byte| Draw::Replicas(TaskId(B256::repeat_byte(byte)));
        let payload = Payload::Draw { draw: draw(1), block: 7 };
        assert!(payload.is_like(&draw(1).call(Bytes::from_static(&[1, 2, 3]))));
        assert!(!payload.is_like(&draw(2).call(Bytes::new())));
        assert!(!payload.is_like(&Draw::Jury(U256::from(1)).call(Bytes::new())));
        assert!(!payload.is_like(&[]));
    }
}
