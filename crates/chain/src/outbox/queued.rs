//! Queued: simulate, sign, persist, broadcast.

use aiigo_protocol::{DecodedRevert, decode_revert};
use alloy::{
    eips::{BlockId, BlockNumberOrTag},
    network::TransactionBuilder,
    primitives::U256,
    providers::Provider,
    rpc::types::TransactionRequest,
    transports::{RpcError, TransportErrorKind},
};

use super::{
    Inner, Intent, OutboxError, Outcome,
    driver::{broadcast, sign},
    fees,
    store::{Stored, now},
};

/// Whether the intent is under way after this.
pub(super) async fn step(inner: &Inner, stored: &Stored, others_under_way: bool) -> Result<bool, OutboxError> {
    let intent = &stored.intent;
    if intent.deadline.is_some_and(|deadline| now() > deadline) {
        tracing::warn!(label = intent.label, "expired before it was sent");
        return end(inner, stored, &Outcome::Expired).await;
    }
    let request = request(inner, intent);
    let pending = BlockId::Number(BlockNumberOrTag::Pending);
    let estimate = match inner.provider.estimate_gas(request).block(pending).await {
        Ok(estimate) => estimate,
        Err(error) => {
            return match refusal(&error) {
                // What comes before may be what it needs.
                Some(_) if others_under_way => Ok(false),
                Some(error) => {
                    tracing::warn!(label = intent.label, %error, "refused in simulation, not sent");
                    metrics::counter!("aiigo_outbox_refused_total").increment(1);
                    end(inner, stored, &Outcome::Reverted { tx_hash: None, error }).await
                }
                None => not_now(inner, intent, error).await,
            };
        }
    };
    let gas_limit = estimate.saturating_mul(inner.config.gas_percent) / 100;
    let base_fee = inner.provider.get_gas_price().await?;
    let Some(fees) = fees::current(inner).await?.capped(intent.max_fee_per_gas, base_fee) else {
        tracing::debug!(label = intent.label, base_fee, "waits for gas to become cheaper");
        return Ok(false);
    };
    let mined = inner.provider.get_transaction_count(inner.signer.address()).await?;
    let nonce = inner.store.highest_nonce().await?.map_or(mined, |highest| mined.max(highest + 1));
    let attempt = sign(inner, intent, nonce, gas_limit, fees, false)?;
    inner.store.sent(stored.id, &attempt).await?;
    tracing::info!(label = intent.label, tx = %attempt.tx_hash, nonce, "sending");
    broadcast(inner, intent, &attempt).await;
    Ok(true)
}

pub(super) fn request(inner: &Inner, intent: &Intent) -> TransactionRequest {
    TransactionRequest::default()
        .with_from(inner.signer.address())
        .with_to(intent.to)
        .with_input(intent.data.clone())
        .with_value(intent.value)
}

/// The contract's refusal, if the error is one.
pub(super) fn refusal(error: &RpcError<TransportErrorKind>) -> Option<DecodedRevert> {
    let response = error.as_error_resp()?;
    if let Some(data) = response.as_revert_data() {
        return Some(decode_revert(&data));
    }
    // 3: "execution reverted", https://github.com/ethereum/execution-apis
    let reverted = response.code == 3 || response.message.to_lowercase().contains("revert");
    reverted.then(|| DecodedRevert { name: "Unknown".into(), detail: response.message.to_string() })
}

/// The endpoint can't simulate the call now, most often for lack of money.
async fn not_now(inner: &Inner, intent: &Intent, error: RpcError<TransportErrorKind>) -> Result<bool, OutboxError> {
    let Some(response) = error.as_error_resp() else { return Err(error.into()) };
    let address = inner.signer.address();
    let balance = inner.provider.get_balance(address).await.unwrap_or(U256::ZERO);
    metrics::counter!("aiigo_outbox_held_back_total").increment(1);
    tracing::warn!(
        label = intent.label,
        %address,
        %balance,
        reason = %response.message,
        "cannot send now (is the account funded?), trying again"
    );
    // Asking in every round would flood the log.
    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    Ok(false)
}

async fn end(inner: &Inner, stored: &Stored, outcome: &Outcome) -> Result<bool, OutboxError> {
    inner.store.done(stored.id, outcome).await?;
    inner.changed.notify_waiters();
    Ok(false)
}
