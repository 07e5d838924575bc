//! Landed: watched until it is final, since a reorganisation may take it back.

use alloy::providers::Provider;

use super::{Inner, OutboxError, store::Stored};

pub(super) async fn step(inner: &Inner, stored: &Stored) -> Result<(), OutboxError> {
    let (Some(tx_hash), Some(block)) = (stored.tx_hash, stored.block) else {
        return Err(OutboxError::Damaged(format!("intent `{}` landed nowhere", stored.intent.key)));
    };
    let head = inner.provider.get_block_number().await?;
    // A head below the block: an endpoint that lags says nothing.
    if head < block {
        return Ok(());
    }
    let receipt = inner.provider.get_transaction_receipt(tx_hash).await?;
    match receipt.and_then(|receipt| receipt.block_number) {
        Some(block) if head >= block.saturating_add(inner.config.confirmations) => {
            inner.store.finalize(stored.id).await
        }
        Some(_) => Ok(()),
        None => {
            tracing::warn!(label = stored.intent.label, tx = %tx_hash, "a reorganisation took it back");
            metrics::counter!("aiigo_outbox_reorged_total").increment(1);
            inner.store.unland(stored.id).await?;
            inner.changed.notify_waiters();
            Ok(())
        }
    }
}
