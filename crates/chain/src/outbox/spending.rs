//! What the gas of an account's transactions costs.

use std::collections::HashMap;

use alloy::primitives::U256;

use super::{Outbox, OutboxError};

/// What gas costs, wei. ETH that goes with calls is not in it, nor what rollups charge beside their gas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spending {
    /// Gas paid since then: by every transaction in a block, whether it succeeded, reverted or was a cancellation.
    pub paid: U256,
    /// The most that what is under way and in no block can still cost: of each intent its `max_cost`, sent or not; of
    /// one without, the dearest of the transactions signed for its nonce, which a replacement may exceed.
    pub committed: U256,
}

impl Spending {
    /// Sums up rows of intent, price and number. Those of no intent are paid; of each intent the dearest may have to be.
    pub(super) fn sum(rows: impl IntoIterator<Item = (Option<i64>, U256, u64)>) -> Self {
        let mut paid = U256::ZERO;
        let mut open: HashMap<i64, U256> = HashMap::new();
        for (intent, price, number) in rows {
            let cost = price.saturating_mul(U256::from(number));
            match intent {
                None => paid = paid.saturating_add(cost),
                Some(intent) => {
                    let dearest = open.entry(intent).or_default();
                    *dearest = cost.max(*dearest);
                }
            }
        }
        Self { paid, committed: open.into_values().fold(U256::ZERO, U256::saturating_add) }
    }
}

impl Outbox {
    /// What gas has cost since a time (unix seconds, by this machine's clock, at which the outbox saw the block), and what
    /// may be added by what is under way. A block that a reorganisation replaced costs nothing.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn spending(&self, since: u64) -> Result<Spending, OutboxError> {
        self.inner.store.spending(since).await
    }
}
