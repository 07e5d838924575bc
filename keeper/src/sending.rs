//! Handing an action to the outbox, and waiting for what becomes of it.

use aiigo_chain::{Intent, Outbox, Outcome, Priority};
use alloy::{
    primitives::U256,
    providers::{DynProvider, Provider},
    rpc::types::TransactionReceipt,
};

use crate::{budget::unix_now, duties::Action, plan::PlanKey, trial::Tried};

/// An action that no block took in so many seconds is given up, and thought over again.
const PATIENCE: u64 = 180;

/// An attempt that came back from the outbox, or could not be handed over.
pub(crate) struct Sent {
    pub(crate) key: PlanKey,
    pub(crate) outcome: Result<Outcome, String>,
    /// What its transaction cost, wei; `None` if that is not known.
    pub(crate) cost: Option<U256>,
}

/// Hands an action to the outbox under a key that was not used up by an earlier attempt, and waits for its end.
pub(crate) async fn send(
    provider: DynProvider,
    outbox: Outbox,
    key: PlanKey,
    action: Action,
    Tried { data, offer, .. }: Tried,
) -> Sent {
    let sent = async {
        let mut number = 1_u32;
        let id = |number| format!("{}#{number}", action.key());
        // Over, and yet the action is due again: a reorg undid it, or it failed. The next attempt has its own key. A
        // database that fails here fails again at once, when the intent is written.
        while let Ok(Some(_)) = outbox.outcome(&id(number)).await {
            number += 1;
        }
        let intent = Intent {
            key: id(number),
            label: format!("{} {}", action.duty, action.subject),
            to: action.to,
            data,
            value: U256::ZERO,
            deadline: Some(unix_now().saturating_add(PATIENCE)),
            max_fee_per_gas: Some(offer.max_fee_per_gas),
            priority: Priority::Normal,
        };
        outbox.send(intent).await
    };
    let outcome = sent.await.map_err(|error| error.to_string());
    let cost = match &outcome {
        Ok(Outcome::Landed { receipt, .. }) => Some(paid(receipt)),
        Ok(Outcome::Reverted { tx_hash: Some(hash), .. }) => {
            provider.get_transaction_receipt(*hash).await.ok().flatten().as_ref().map(paid)
        }
        _ => None,
    };
    Sent { key, outcome, cost }
}

/// What a transaction cost, wei.
fn paid(receipt: &TransactionReceipt) -> U256 {
    U256::from(receipt.gas_used) * U256::from(receipt.effective_gas_price)
}
