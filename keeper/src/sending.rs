//! Handing an action to the outbox, and waiting for what becomes of it.

use aiigo_chain::{Intent, Outbox, OutboxError, Outcome, Priority};
use alloy::{
    primitives::U256,
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
};

use crate::{budget::unix_now, duties::Action, plan::PlanKey, trial::Tried};

/// An action that no block took in so many seconds is given up, and thought over again.
const PATIENCE: u64 = 180;

/// An attempt that came back from the outbox.
pub(crate) struct Sent {
    pub(crate) key: PlanKey,
    pub(crate) outcome: Result<Outcome, OutboxError>,
    /// What its transaction cost, wei, as far as its receipt tells. The budget asks the outbox.
    pub(crate) cost: U256,
}

impl Sent {
    /// The number of the block in which it landed, if it did.
    pub(crate) const fn landed_in(&self) -> Option<u64> {
        match &self.outcome {
            Ok(Outcome::Landed { block, .. }) => Some(*block),
            _ => None,
        }
    }
}

/// Hands an action to the outbox, and tells under which key. Over, and yet due again: a reorg undid it, or it failed; so each
/// attempt has a key of its own.
pub(crate) async fn submit(outbox: &Outbox, action: &Action, tried: Tried) -> Result<String, OutboxError> {
    let key = outbox.next_key(&action.key()).await?;
    let Tried { data, offer, .. } = tried;
    let intent = Intent {
        key: key.clone(),
        label: format!("{} {}", action.duty, action.subject),
        to: action.to,
        data,
        value: U256::ZERO,
        deadline: Some(unix_now().saturating_add(PATIENCE)),
        max_fee_per_gas: Some(offer.max_fee_per_gas),
        max_cost: Some(offer.cost),
        priority: Priority::Normal,
    };
    outbox.submit(intent).await?;
    Ok(key)
}

/// Waits for what becomes of an action that was handed over.
pub(crate) async fn wait(provider: DynProvider, outbox: Outbox, key: PlanKey, intent: String) -> Sent {
    let outcome = outbox.wait(&intent).await;
    let cost = match &outcome {
        Ok(Outcome::Landed { receipt, .. }) => Some(paid(receipt)),
        Ok(Outcome::Reverted { tx_hash: Some(hash), .. }) => {
            provider.get_transaction_receipt(*hash).await.ok().flatten().as_ref().map(paid)
        }
        _ => None,
    };
    Sent { key, outcome, cost: cost.unwrap_or_default() }
}

/// What a transaction cost, wei.
fn paid(receipt: &TransactionReceipt) -> U256 {
    U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price)
}
