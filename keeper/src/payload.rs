//! What an action calls with: known at once, or completed by what only the chain has.

use aiigo_protocol::{
    DisputeCourt::drawCall,
    ProofOfWorkVerifier::{openRoundCall, reportMissedRoundCall},
    TaskId,
    TaskMarketplace::{drawReplicasCall, releaseCandidatesCall},
};
use alloy::{
    primitives::{B256, Bytes, U256},
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
    /// Opens an audit round by a secret, which whoever is asked learns.
    Reveal(B256),
    /// A draw, which takes the header of the block whose randomness decides.
    Draw {
        /// Of whom.
        draw: Draw,
        /// The block's number.
        block: u64,
    },
    /// About several nodes at once: fewer do as well.
    Batch {
        /// What is done with each.
        batch: Batch,
        /// Their ids.
        nodes: Vec<u64>,
    },
}

/// What is done with many nodes in one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Batch {
    /// They answered no audit round.
    MissedRound(u64),
    /// They applied for a task and were not drawn.
    Candidates(TaskId),
}

impl Batch {
    fn call(self, nodes: &[u64]) -> Bytes {
        let node_ids = nodes.to_vec();
        let data = match self {
            Self::MissedRound(round) => reportMissedRoundCall { round, nodeIds: node_ids }.abi_encode(),
            Self::Candidates(task) => releaseCandidatesCall { taskId: task.0, nodeIds: node_ids }.abi_encode(),
        };
        data.into()
    }
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
            Self::Draw { draw, .. } => draw.call(Bytes::new()),
            payload => payload.known().unwrap_or_default(),
        };
        own.get(..HEAD.min(own.len())) == data.get(..HEAD.min(own.len()))
    }

    /// The data, if it needs nothing of the chain.
    pub(crate) fn known(&self) -> Option<Bytes> {
        match self {
            Self::Call(data) => Some(data.clone()),
            Self::Reveal(preimage) => Some(openRoundCall { preimage: *preimage }.abi_encode().into()),
            Self::Batch { batch, nodes } => Some(batch.call(nodes)),
            Self::Draw { .. } => None,
        }
    }

    /// A smaller part of a batch, for when all of it is too much at once; the rest stays due.
    pub(crate) fn half(&self) -> Option<Self> {
        match self {
            Self::Batch { batch, nodes } if nodes.len() > 1 => {
                Some(Self::Batch { batch: *batch, nodes: nodes[..nodes.len() / 2].to_vec() })
            }
            _ => None,
        }
    }

    /// Completes the call.
    ///
    /// # Errors
    /// If the chain can't be asked or does not have the block.
    pub(crate) async fn complete(&self, provider: &DynProvider) -> Result<Bytes, TransportError> {
        match self {
            Self::Draw { draw, block } => {
                let found = provider.get_block_by_number((*block).into()).await?;
                let found =
                    found.ok_or_else(|| TransportErrorKind::custom_str(&format!("there is no block {block}")))?;
                Ok(draw.call(rlp::encode(&found.header.inner).into()))
            }
            payload => Ok(payload.known().unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_can_be_halved_down_to_one_node() {
        let mut payload = Payload::Batch { batch: Batch::MissedRound(3), nodes: (1..=20).collect() };
        let mut sizes = Vec::new();
        while let Some(half) = payload.half() {
            let Payload::Batch { nodes, .. } = &half else { panic!("{half:?}") };
            assert_eq!(nodes[0], 1);
            sizes.push(nodes.len());
            payload = half;
        }
        assert_eq!(sizes, [10, 5, 2, 1]);
        assert_eq!(Payload::Call(Bytes::new()).half(), None);
    }

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
