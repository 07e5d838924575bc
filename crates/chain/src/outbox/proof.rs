//! Proof that a transaction can't land any more: another one used its nonce, in a block that is final.

use alloy::{
    primitives::Address,
    providers::{DynProvider, Provider},
    transports::{RpcError, TransportError},
};

use super::state::Attempt;

/// Who used a nonce.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// None of ours, but this block can still be reorganised.
    NotFinal { block: u64 },
    /// One of ours.
    Ours,
    /// None of ours, in this final block: ours never will.
    Stranger { block: u64 },
}

/// Finds the block in which the account's nonce went past `nonce`, and looks if one of `attempts` is in it. (An EIP-7702
/// authorisation can use a nonce without being a transaction, so the absence of ours is what counts.) The states asked for
/// are those since the first signature, which an endpoint still has unless the outbox rested for long.
pub(super) async fn who_used(
    provider: &DynProvider,
    address: Address,
    nonce: u64,
    attempts: &[Attempt],
    head: u64,
    finalized: u64,
) -> Result<Verdict, TransportError> {
    let is_used = async |block: u64| {
        let count = provider.get_transaction_count(address).number(block).await?;
        Ok::<_, TransportError>(count > nonce)
    };
    // A block in which it was still free: that before the first signature, or below if the endpoint was behind then.
    let signed = attempts.iter().map(|attempt| attempt.signed_block).min().unwrap_or(head);
    let (mut free, mut used, mut step) = (signed.min(head).saturating_sub(1), head, 1_u64);
    while is_used(free).await? {
        used = free;
        if free == 0 {
            return Ok(Verdict::Stranger { block: 0 });
        }
        free = free.saturating_sub(step);
        step = step.saturating_mul(2);
    }
    while used - free > 1 {
        let middle = free + (used - free) / 2;
        if is_used(middle).await? { used = middle } else { free = middle }
    }
    let block = provider.get_block_by_number(used.into()).await?.ok_or(RpcError::NullResp)?;
    if block.transactions.hashes().any(|hash| attempts.iter().any(|attempt| attempt.tx_hash == hash)) {
        return Ok(Verdict::Ours);
    }
    Ok(if used <= finalized { Verdict::Stranger { block: used } } else { Verdict::NotFinal { block: used } })
}
