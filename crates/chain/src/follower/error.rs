//! What ends a follower, and what it waits out.

use alloy::transports::{RpcError, TransportErrorKind};

/// What waiting can't mend.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The chain differs below everything that is known of it.
    #[error(
        "the chain was replaced below block {oldest}, deeper than what can be undone: is this another chain, or was a \
         development chain restarted? Begin with an empty database, or correct --rpc-url and --deployment"
    )]
    TooDeep {
        /// The oldest block of the journal.
        oldest: u64,
    },
}

/// Why a look at the chain failed.
#[derive(Debug)]
pub(super) enum FetchError {
    /// The next look may succeed.
    Transport(RpcError<TransportErrorKind>),
    Fatal(FollowError),
}

impl FetchError {
    /// An endpoint that refuses the logs of a single block.
    pub(super) fn refused(block: u64) -> Self {
        let text = format!("the endpoint refuses the logs of block {block}");
        Self::Transport(TransportErrorKind::custom_str(&text))
    }
}

impl From<RpcError<TransportErrorKind>> for FetchError {
    fn from(error: RpcError<TransportErrorKind>) -> Self {
        Self::Transport(error)
    }
}
