//! The loop that moves every intent one step at a time.

use std::time::Duration;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::{Encodable2718, eip2930::AccessList},
    primitives::TxKind,
    providers::Provider,
    signers::SignerSync,
};
use tokio_util::sync::CancellationToken;

use super::{
    Inner, Intent, OutboxError,
    fees::Fees,
    landed, queued, sent,
    store::{Attempt, State, now},
};

/// How long to wait for a chain that does not answer.
const TRANSPORT_PAUSE: Duration = Duration::from_secs(2);

pub(super) async fn run(inner: &Inner, token: CancellationToken) -> Result<(), OutboxError> {
    let Ok(_alone) = inner.driving.try_lock() else { return Ok(()) };
    loop {
        let submitted = inner.changed.notified();
        let pause = match round(inner).await {
            Ok(()) => inner.config.poll_interval,
            Err(OutboxError::Transport(error)) => {
                tracing::warn!(%error, "the outbox waits for the chain");
                TRANSPORT_PAUSE
            }
            Err(error) => return Err(error),
        };
        tokio::select! {
            () = token.cancelled() => return Ok(()),
            () = submitted => {}
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// One step for every intent that is under way.
async fn round(inner: &Inner) -> Result<(), OutboxError> {
    for intent in inner.store.in_state(State::Landed).await? {
        landed::step(inner, &intent).await?;
    }
    let mut under_way = 0;
    for intent in inner.store.in_state(State::Sent).await? {
        if sent::step(inner, &intent).await? {
            under_way += 1;
        }
    }
    for intent in inner.store.in_state(State::Queued).await? {
        if queued::step(inner, &intent, under_way > 0).await? {
            under_way += 1;
        }
    }
    metrics::gauge!("aiigo_outbox_under_way").set(under_way as f64);
    Ok(())
}

/// Signs a transaction of an intent, or of nothing if it `cancels`.
pub(super) fn sign(
    inner: &Inner,
    intent: &Intent,
    nonce: u64,
    gas_limit: u64,
    fees: Fees,
    cancels: bool,
) -> Result<Attempt, OutboxError> {
    let transaction = TxEip1559 {
        chain_id: inner.chain_id,
        nonce,
        gas_limit,
        max_fee_per_gas: fees.max,
        max_priority_fee_per_gas: fees.priority,
        to: TxKind::Call(if cancels { inner.signer.address() } else { intent.to }),
        value: if cancels { Default::default() } else { intent.value },
        access_list: AccessList::default(),
        input: if cancels { Default::default() } else { intent.data.clone() },
    };
    let signature = inner.signer.sign_hash_sync(&transaction.signature_hash())?;
    let envelope = TxEnvelope::Eip1559(transaction.into_signed(signature));
    Ok(Attempt {
        nonce,
        tx_hash: *envelope.tx_hash(),
        raw: envelope.encoded_2718().into(),
        gas_limit,
        max_fee: fees.max,
        priority_fee: fees.priority,
        cancels,
        created_at: now(),
    })
}

/// Gives an attempt to the chain. What the endpoint says of it is only logged: the next rounds look for receipts.
pub(super) async fn broadcast(inner: &Inner, intent: &Intent, attempt: &Attempt) {
    let (label, tx) = (&intent.label, attempt.tx_hash);
    match inner.provider.send_raw_transaction(&attempt.raw).await {
        Ok(_) => {
            metrics::counter!("aiigo_outbox_broadcasts_total").increment(1);
            tracing::debug!(label, %tx, nonce = attempt.nonce, "broadcast");
        }
        Err(error) => tracing::debug!(label, %tx, nonce = attempt.nonce, %error, "broadcast not taken"),
    }
}
