//! What ends a follower.

/// What waiting can't mend.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The chain differs below everything that is known of it.
    #[error(
        "the chain was replaced below block {oldest}, deeper than what can be undone: is this another chain, or was a \
         development chain restarted? Begin with an empty database, or correct --rpc-url and --deployment"
    )]
    TooDeep {
        /// The oldest block that is known.
        oldest: u64,
    },
}
