//! What is offered per gas (EIP-1559).

use alloy::{
    primitives::U256,
    providers::{DynProvider, Provider},
    transports::TransportError,
};

/// Fees per gas, wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fees {
    /// The most that is paid, base fee included.
    pub(super) max: u128,
    /// Of it, for the block's producer.
    pub(super) priority: u128,
}

impl Fees {
    /// What the chain asks for now: twice the base fee, so that it holds for some blocks, and a usual tip.
    pub(super) async fn market(provider: &DynProvider) -> Result<Self, TransportError> {
        let market = provider.estimate_eip1559_fees().await?;
        Ok(Self { max: market.max_fee_per_gas, priority: market.max_priority_fee_per_gas })
    }

    /// No more than `cap`.
    pub(super) fn capped(self, cap: Option<u128>) -> Self {
        let max = self.max.min(cap.unwrap_or(u128::MAX));
        Self { max, priority: self.priority.min(max) }
    }

    /// The least that nodes take in place of these: 10% more of both (geth's default price bump).
    pub(super) fn bumped(self) -> Self {
        let bump = |fee: u128| fee.saturating_add(fee.div_ceil(10)).saturating_add(1);
        Self { max: bump(self.max), priority: bump(self.priority) }
    }

    /// The larger of both, each.
    pub(super) fn at_least(self, other: Self) -> Self {
        let max = self.max.max(other.max);
        Self { max, priority: self.priority.max(other.priority).min(max) }
    }

    /// Twice the tip.
    pub(super) fn urgent(self) -> Self {
        Self { max: self.max.saturating_add(self.priority), priority: self.priority.saturating_mul(2) }
    }

    /// Whether these are so far above the market that the price can't be what holds a transaction up.
    pub(super) fn are_generous(self, market: Self) -> bool {
        self.max >= market.max.saturating_mul(2) && self.priority >= market.priority.saturating_mul(2)
    }

    /// What to offer in place of these, when the market asks for `market`. `None` if that would be above `cap`.
    pub(super) fn replaced(self, market: Self, cap: Option<u128>) -> Option<Self> {
        let least = self.bumped();
        (least.max <= cap.unwrap_or(u128::MAX)).then(|| least.at_least(market).capped(cap))
    }
}

/// The most that may be offered per gas, so that so much gas costs no more than `max_cost`; wei.
pub(super) fn affordable(max_cost: U256, gas_limit: u64) -> u128 {
    (max_cost / U256::from(gas_limit.max(1))).saturating_to()
}

/// The most that a call may offer, so that a cancellation in its place can stay within the cap too.
pub(super) const fn room(cap: u128) -> u128 {
    cap.saturating_sub(1) / 11 * 10
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn fees(max: u128, priority: u128) -> Fees {
        Fees { max, priority }
    }

    #[test]
    fn a_replacement_offers_at_least_a_tenth_more_of_both() {
        for (old, market) in [(fees(1_000, 10), fees(900, 9)), (fees(1, 1), fees(1, 1)), (fees(999, 1), fees(999, 7))] {
            let new = old.replaced(market, None).expect("a replacement");
            assert!(new.max * 10 >= old.max * 11 && new.priority * 10 >= old.priority * 11, "{old:?} → {new:?}");
            assert!(new.priority <= new.max);
        }
    }

    #[test]
    fn a_replacement_follows_the_market() {
        assert_eq!(fees(100, 1).replaced(fees(5_000, 50), None), Some(fees(5_000, 50)));
    }

    #[test]
    fn a_replacement_keeps_to_the_cap() {
        assert_eq!(fees(100, 1).replaced(fees(5_000, 50), Some(300)), Some(fees(300, 50)));
        assert_eq!(fees(290, 1).replaced(fees(5_000, 50), Some(300)), None);
    }

    #[test]
    fn who_pays_far_above_the_market_is_not_held_up_by_the_price() {
        assert!(fees(200, 20).are_generous(fees(100, 10)));
        assert!(!fees(200, 19).are_generous(fees(100, 10)));
    }

    #[test]
    fn the_whole_gas_limit_costs_no_more_than_is_allowed() {
        for (cost, gas) in [(0, 21_000), (20_999, 21_000), (1_000_000, 21_000), (u128::MAX, 1), (7, 0)] {
            let fee = affordable(U256::from(cost), gas);
            assert!(U256::from(fee) * U256::from(gas) <= U256::from(cost), "{cost} for {gas} gas: {fee}");
            assert!(
                gas == 0 || (U256::from(fee) + U256::from(1)) * U256::from(gas) > U256::from(cost),
                "{cost} for {gas} gas: {fee}"
            );
        }
    }

    #[test]
    fn below_every_cap_there_is_room_for_a_cancellation() {
        for cap in [0, 1, 2, 11, 12, 13, 100, 999, 30_000_000_000, u128::MAX] {
            let most = room(cap);
            assert!(most == 0 || fees(most, most).bumped().max <= cap, "{cap}: {most}");
        }
    }
}
