//! Included: watched until the block is final, since a reorganisation can take it back.

use alloy::{primitives::B256, providers::Provider};

use super::{
    Outcome,
    driver::{Driver, Fault, View},
    state::{Entry, Kind, State},
};

impl Driver<'_> {
    pub(super) async fn included(
        &mut self,
        entry: &Entry,
        nonce: u64,
        (block, block_hash): (u64, B256),
        outcome: &Outcome,
        view: &View,
    ) -> Result<(), Fault> {
        // Until the block was seen.
        let agreed = std::mem::replace(&mut self.agrees, false);
        if view.number < block {
            // An endpoint that lags, or a chain that was cut back. To broadcast again is right for both.
            let attempts = self.inner.store.attempts(entry, nonce).await?;
            return match attempts.last() {
                Some(latest) if view.nonce <= nonce => self.broadcast_again(entry, latest).await,
                _ => Ok(()),
            };
        }
        let follows = view.parent == self.watched && !self.fresh.contains(&entry.id) && block > view.finalized;
        if view.hash == self.watched || follows {
            self.agrees = agreed;
            return Ok(());
        }
        let canonical = self.inner.provider.get_block_by_number(block.into()).await?;
        let Some(canonical) = canonical.map(|block| block.header.hash) else { return Ok(()) };
        self.agrees = agreed;
        self.fresh.remove(&entry.id);
        if canonical == block_hash {
            return match block <= view.finalized {
                true => self.move_to(entry, State::Done { outcome: outcome.clone() }).await,
                false => Ok(()),
            };
        }
        metrics::counter!("aiigo_outbox_reorged_total").increment(1);
        tracing::warn!(what = entry.intent.label, block, "a reorganisation replaced the block of a transaction");
        let attempts = self.inner.store.attempts(entry, nonce).await?;
        match self.receipt_of(&attempts).await? {
            Some((attempt, receipt)) => self.include(entry, attempt, receipt).await,
            None if attempts.iter().any(|attempt| attempt.kind == Kind::Cancel) => {
                self.move_to(entry, State::Cancelling { nonce }).await
            }
            None => self.move_to(entry, State::Pending { nonce }).await,
        }
    }
}
