//! Sent: look for a receipt, whatever the endpoints said; broadcast again, pay more, or cancel.

use aiigo_protocol::DecodedRevert;
use alloy::{eips::BlockId, providers::Provider, rpc::types::TransactionReceipt};

use super::{
    Inner, OutboxError, Outcome,
    driver::{broadcast, sign},
    fees,
    queued::{refusal, request},
    store::{Attempt, Stored, landed, now},
};

/// Gas of a plain transfer (Ethereum yellow paper, G_transaction).
const TRANSFER_GAS: u64 = 21_000;

/// Whether the intent is still under way after this.
pub(super) async fn step(inner: &Inner, stored: &Stored) -> Result<bool, OutboxError> {
    let attempts = inner.store.attempts(stored.id).await?;
    let Some(newest) = attempts.first() else {
        inner.store.requeue(stored.id).await?;
        return Ok(false);
    };
    // The count first: a receipt that is missing although the nonce was used before can't come any more.
    let mined = inner.provider.get_transaction_count(inner.signer.address()).await?;
    for attempt in &attempts {
        if let Some(receipt) = inner.provider.get_transaction_receipt(attempt.tx_hash).await? {
            return ended(inner, stored, attempt, receipt).await;
        }
    }
    if mined > newest.nonce {
        return nonce_used(inner, stored, &attempts).await;
    }
    let intent = &stored.intent;
    let late = intent.deadline.is_some_and(|deadline| now() > deadline);
    let waited = now().saturating_sub(newest.created_at);
    if late && !newest.cancels {
        tracing::warn!(label = intent.label, "not mined before its deadline, cancelling");
        return replace(inner, stored, newest, true).await;
    }
    if waited >= inner.config.replace_after.as_secs() {
        return replace(inner, stored, newest, newest.cancels).await;
    }
    if inner.provider.get_transaction_by_hash(newest.tx_hash).await?.is_none() {
        broadcast(inner, intent, newest).await;
    }
    Ok(true)
}

async fn ended(
    inner: &Inner,
    stored: &Stored,
    attempt: &Attempt,
    receipt: TransactionReceipt,
) -> Result<bool, OutboxError> {
    let label = &stored.intent.label;
    let tx = attempt.tx_hash;
    let outcome = if attempt.cancels {
        tracing::warn!(label, %tx, "cancelled");
        Outcome::Expired
    } else if receipt.status() {
        tracing::info!(label, %tx, block = receipt.block_number, gas = receipt.gas_used, "landed");
        landed(receipt)
    } else {
        let error = why(inner, stored, &receipt).await?;
        tracing::warn!(label, %tx, %error, "reverted on the chain");
        Outcome::Reverted { tx_hash: Some(tx), error }
    };
    metrics::counter!("aiigo_outbox_ended_total").increment(1);
    match outcome {
        Outcome::Landed { .. } => inner.store.landed(stored.id, &outcome).await?,
        _ => inner.store.done(stored.id, &outcome).await?,
    }
    inner.changed.notify_waiters();
    Ok(false)
}

/// The contract's reason, by the same call on the state of the block in which it failed.
async fn why(inner: &Inner, stored: &Stored, receipt: &TransactionReceipt) -> Result<DecodedRevert, OutboxError> {
    let block = receipt.block_number.map_or_else(BlockId::latest, BlockId::number);
    let unknown = |detail: &str| DecodedRevert { name: "Unknown".into(), detail: detail.to_owned() };
    match inner.provider.call(request(inner, &stored.intent)).block(block).await {
        Ok(_) => Ok(unknown("reverted; the same call succeeds now")),
        Err(error) => match refusal(&error) {
            Some(error) => Ok(error),
            None if error.is_error_resp() => Ok(unknown("reverted; the endpoint can't say why")),
            None => Err(error.into()),
        },
    }
}

/// The nonce was used, and no receipt of ours was there: ours came in between, or somebody else sends with this key.
async fn nonce_used(inner: &Inner, stored: &Stored, attempts: &[Attempt]) -> Result<bool, OutboxError> {
    for attempt in attempts {
        if let Some(receipt) = inner.provider.get_transaction_receipt(attempt.tx_hash).await? {
            return ended(inner, stored, attempt, receipt).await;
        }
        // An endpoint that knows the transaction as mined but has no receipt yet is behind itself.
        let seen = inner.provider.get_transaction_by_hash(attempt.tx_hash).await?;
        if seen.is_some_and(|transaction| transaction.block_hash.is_some()) {
            return Ok(true);
        }
    }
    tracing::warn!(
        label = stored.intent.label,
        address = %inner.signer.address(),
        "another transaction of this key took the nonce: sending anew; give each program a key of its own"
    );
    metrics::counter!("aiigo_outbox_foreign_nonces_total").increment(1);
    inner.store.requeue(stored.id).await?;
    Ok(false)
}

async fn replace(inner: &Inner, stored: &Stored, old: &Attempt, cancels: bool) -> Result<bool, OutboxError> {
    let intent = &stored.intent;
    let fees = fees::replacing(old, fees::current(inner).await?);
    // A cancellation must get through: the limit is for what the sender wants.
    if !cancels && intent.max_fee_per_gas.is_some_and(|limit| fees.max > limit) {
        broadcast(inner, intent, old).await;
        return Ok(true);
    }
    let gas_limit = if cancels { TRANSFER_GAS } else { old.gas_limit };
    let attempt = sign(inner, intent, old.nonce, gas_limit, fees, cancels)?;
    inner.store.sent(stored.id, &attempt).await?;
    metrics::counter!("aiigo_outbox_replacements_total").increment(1);
    tracing::info!(label = intent.label, tx = %attempt.tx_hash, nonce = old.nonce, max_fee = fees.max, "replacing");
    broadcast(inner, intent, &attempt).await;
    Ok(true)
}
