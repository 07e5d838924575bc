//! What to pay for gas.

use alloy::{eips::eip1559::Eip1559Estimation, providers::Provider};

use super::{Inner, OutboxError, store::Attempt};

/// EIP-1559 fees in wei per gas.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    pub(super) max: u128,
    pub(super) priority: u128,
}

/// What the chain asks for now.
pub(super) async fn current(inner: &Inner) -> Result<Fees, OutboxError> {
    let Eip1559Estimation { max_fee_per_gas, max_priority_fee_per_gas } =
        inner.provider.estimate_eip1559_fees().await?;
    Ok(Fees { max: max_fee_per_gas, priority: max_priority_fee_per_gas })
}

/// Fees that replace an attempt: nodes demand at least 10% more of both; never less than the chain asks for now.
pub(super) fn replacing(attempt: &Attempt, current: Fees) -> Fees {
    let raised = |fee: u128| fee.saturating_add(fee / 8).saturating_add(1);
    Fees { max: raised(attempt.max_fee).max(current.max), priority: raised(attempt.priority_fee).max(current.priority) }
}

impl Fees {
    /// Holds the fees below the sender's limit; `None` if the chain asks for more than that.
    pub(super) fn capped(self, limit: Option<u128>, base_fee: u128) -> Option<Self> {
        let Some(limit) = limit else { return Some(self) };
        if base_fee > limit {
            return None;
        }
        let max = self.max.min(limit);
        Some(Self { max, priority: self.priority.min(max) })
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{Bytes, TxHash};

    use super::*;

    fn attempt(max_fee: u128, priority_fee: u128) -> Attempt {
        Attempt {
            nonce: 0,
            tx_hash: TxHash::ZERO,
            raw: Bytes::new(),
            gas_limit: 0,
            max_fee,
            priority_fee,
            cancels: false,
            created_at: 0,
        }
    }

    #[test]
    fn a_replacement_pays_at_least_a_tenth_more_of_both() {
        let fees = replacing(&attempt(1_000, 10), Fees { max: 1, priority: 1 });
        assert!(fees.max * 10 >= 1_000 * 11 && fees.priority * 10 >= 10 * 11, "{fees:?}");
        assert_eq!(replacing(&attempt(0, 0), Fees { max: 0, priority: 0 }), Fees { max: 1, priority: 1 });
        assert_eq!(replacing(&attempt(1, 1), Fees { max: 99, priority: 50 }), Fees { max: 99, priority: 50 });
    }

    #[test]
    fn a_limit_holds_the_fees_or_makes_the_intent_wait() {
        let fees = Fees { max: 100, priority: 10 };
        assert_eq!(fees.capped(None, 50), Some(fees));
        assert_eq!(fees.capped(Some(5), 4), Some(Fees { max: 5, priority: 5 }));
        assert_eq!(fees.capped(Some(5), 6), None);
    }
}
