//! Who may push what: the gateway asks, the program that knows the chain answers.

use alloy::primitives::Address;
use async_trait::async_trait;

use crate::PushGrant;

/// Decides whether a signed push is allowed.
#[async_trait]
pub trait PushAuthorizer: Send + Sync {
    /// The most bytes, all blobs together, that `signer` may push for the grant's task, if it is the operator of the node
    /// that has the task, or a seat of it, on the chain that the grant names. Strangers can make the gateway ask: answer
    /// from memory where possible.
    ///
    /// # Errors
    /// If the push is refused, or can't be judged at present.
    async fn authorize(&self, grant: &PushGrant, signer: Address) -> Result<u64, PushDenied>;
}

/// Why a push is not allowed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PushDenied {
    /// It will not be allowed later either.
    #[error("{0}")]
    Refused(String),
    /// It can't be judged now; the client may come back.
    #[error("{0}")]
    Unavailable(String),
}

/// Refuses every push: for a gateway that only serves.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoPushes;

#[async_trait]
impl PushAuthorizer for NoPushes {
    async fn authorize(&self, _: &PushGrant, _: Address) -> Result<u64, PushDenied> {
        Err(PushDenied::Refused("this gateway takes no pushes".into()))
    }
}
