//! The chain's head, as the follower sees it.

use std::time::Instant;

use aiigo_chain::BlockRef;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::AgentError;

/// The newest block that was seen, and when.
#[derive(Clone, Copy, Debug)]
struct Seen {
    block: BlockRef,
    at: Instant,
}

/// Tells the chain's time and waits for its blocks.
#[derive(Debug)]
pub(crate) struct Clock {
    seen: watch::Sender<Option<Seen>>,
    token: CancellationToken,
}

impl Clock {
    /// Whoever waits stops when the token is cancelled.
    pub(crate) fn new(token: CancellationToken) -> Self {
        Self { seen: watch::Sender::new(None), token }
    }

    /// A head was seen.
    pub(crate) fn set(&self, block: BlockRef) {
        self.seen.send_if_modified(|seen| {
            let newer = seen.is_none_or(|seen| seen.block.hash != block.hash);
            if newer {
                *seen = Some(Seen { block, at: Instant::now() });
            }
            newer
        });
    }

    /// The chain's time now, unix seconds: that of the newest block and what has passed since. Waits for a first block.
    pub(crate) async fn now(&self) -> Result<u64, AgentError> {
        let seen = self.wait(|_| true).await?;
        Ok(seen.block.timestamp.saturating_add(seen.at.elapsed().as_secs()))
    }

    /// Waits for a block above a height, and tells its own.
    pub(crate) async fn after(&self, number: u64) -> Result<u64, AgentError> {
        self.wait(|block| block.number > number).await.map(|seen| seen.block.number)
    }

    /// Waits for a block after a time, unix seconds.
    pub(crate) async fn past(&self, time: u64) -> Result<(), AgentError> {
        self.wait(|block| block.timestamp > time).await.map(|_| ())
    }

    async fn wait(&self, enough: impl Fn(&BlockRef) -> bool) -> Result<Seen, AgentError> {
        let mut receiver = self.seen.subscribe();
        tokio::select! {
            () = self.token.cancelled() => Err(AgentError::stopped()),
            // The sender lives as long as this clock.
            found = receiver.wait_for(|seen| seen.is_some_and(|seen| enough(&seen.block))) => {
                found.ok().and_then(|seen| *seen).ok_or_else(AgentError::stopped)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::B256;

    use super::*;

    fn block(number: u64) -> BlockRef {
        let hash = B256::from(alloy::primitives::U256::from(number));
        BlockRef { number, hash, parent_hash: B256::ZERO, timestamp: 1000 + number }
    }

    #[tokio::test]
    async fn a_later_block_is_waited_for() {
        let clock = Clock::new(CancellationToken::new());
        clock.set(block(5));
        assert!(clock.now().await.expect("a time") >= 1005);
        let ((), waited) = tokio::join!(async { clock.set(block(6)) }, clock.after(5));
        waited.expect("a block");
    }
}
