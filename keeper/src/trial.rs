//! Trying an action without sending it: is it still needed, what would it cost, what would it earn?

use std::sync::Arc;

use aiigo_protocol::{EscrowManager::TipPaid, KeeperTips::TipCredited, units::format_amount};
use alloy::{
    network::TransactionBuilder,
    primitives::{Address, Bytes, U256},
    providers::{DynProvider, Provider},
    rpc::types::{
        Log, TransactionRequest,
        simulate::{SimBlock, SimulatePayload},
    },
    transports::TransportError,
};
use tokio::sync::OnceCell;

use crate::{code::Code, duties::Action, payload::Payload, report::Ending};

/// Gas above what a trial took, percent: what the outbox adds.
const GAS_MARGIN: u64 = 30;

/// What the chain asks for as of a block, and what the account has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Market {
    /// Wei.
    pub(crate) fee_per_gas: u128,
    /// Wei.
    pub(crate) balance: U256,
}

/// Who pays tips.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TipSources {
    pub(crate) escrow: Address,
    pub(crate) tips: Address,
}

/// The most that a transaction may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Wei.
    pub(crate) cost: U256,
    /// Wei.
    pub(crate) fee_per_gas: u128,
}

/// What is offered for an action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Wei.
    pub(crate) max_fee_per_gas: u128,
    /// The most that it may cost, wei.
    pub(crate) cost: U256,
}

/// An action that works, and that the operator pays for.
#[derive(Clone, Debug)]
pub(crate) struct Tried {
    pub(crate) data: Bytes,
    pub(crate) offer: Offer,
    /// What the account had, wei.
    pub(crate) balance: U256,
}

/// Why an action is not done now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Objection {
    pub(crate) ending: Ending,
    pub(crate) code: Code,
    pub(crate) reason: String,
}

impl Objection {
    /// It would cost too much, or earn too little.
    pub(crate) const fn unaffordable(code: Code, reason: String) -> Self {
        Self { ending: Ending::Unaffordable, code, reason }
    }

    /// It could not be found out, or handed over.
    pub(crate) const fn failed(code: Code, reason: String) -> Self {
        Self { ending: Ending::Failed, code, reason }
    }

    fn unreachable(error: &TransportError) -> Self {
        Self::failed(Code::Unreachable, error.to_string())
    }
}

/// Tries actions as one account, on the state of the newest block. What others have sent since is the outbox' concern: it
/// looks again before it signs.
#[derive(Clone, Debug)]
pub(crate) struct Trials {
    pub(crate) provider: DynProvider,
    pub(crate) from: Address,
    pub(crate) tip_sources: TipSources,
    /// As of the newest block; asked when the first trial needs it.
    market: Arc<OnceCell<Market>>,
}

impl Trials {
    pub(crate) fn new(provider: DynProvider, from: Address, tip_sources: TipSources) -> Self {
        Self { provider, from, tip_sources, market: Arc::default() }
    }

    /// There is a new block: everything is asked anew.
    pub(crate) fn saw_block(&mut self) {
        self.market = Arc::default();
    }

    /// Tries an action, or as much of a batch as the limits allow.
    pub(crate) async fn run(
        &self,
        action: &Action,
        limits: Limits,
        min_profit: Option<U256>,
    ) -> Result<Tried, Objection> {
        let market = self.market.get_or_try_init(|| self.ask_market()).await;
        let Market { fee_per_gas, balance } = *market.map_err(|error| Objection::unreachable(&error))?;
        let (data, offer) = self.cut_to(action, limits, fee_per_gas).await?;
        if let Some(profit) = min_profit {
            let cost = offer.cost;
            let income = self.income(action.to, data.clone()).await.map_err(|error| {
                Objection::unaffordable(Code::Unprofitable, format!("what it would earn is not known: {error}"))
            })?;
            if income < cost.saturating_add(profit) {
                let reason =
                    format!("it would cost up to {} ETH and earn {} ETH", format_amount(cost), format_amount(income));
                return Err(Objection::unaffordable(Code::Unprofitable, reason));
            }
        }
        Ok(Tried { data, offer, balance })
    }

    /// The call whose price is within the limits: the whole action's, or that of a part of a batch.
    async fn cut_to(&self, action: &Action, limits: Limits, fee_per_gas: u128) -> Result<(Bytes, Offer), Objection> {
        let mut payload = action.payload.clone();
        loop {
            let data = self.complete(&payload).await?;
            let gas = self.gas(action.to, data.clone()).await?;
            let offer = offer(gas, fee_per_gas, limits);
            if fee_per_gas <= offer.max_fee_per_gas {
                return Ok((data, offer));
            }
            match payload.half() {
                Some(half) if fee_per_gas <= limits.fee_per_gas => payload = half,
                _ => {
                    let reason = format!(
                        "the chain asks for {fee_per_gas} wei per gas; the limits, {} ETH among them, allow {}",
                        format_amount(limits.cost),
                        offer.max_fee_per_gas
                    );
                    return Err(Objection::unaffordable(Code::TooExpensive, reason));
                }
            }
        }
    }

    async fn complete(&self, payload: &Payload) -> Result<Bytes, Objection> {
        payload.complete(&self.provider).await.map_err(|error| Objection::unreachable(&error))
    }

    /// What a call takes now.
    async fn gas(&self, to: Address, data: Bytes) -> Result<u64, Objection> {
        // A refusal is an answer; anything else is a failure to ask.
        self.provider.estimate_gas(self.request(to, data)).await.map_err(|error| match aiigo_chain::refusal(&error) {
            Some(revert) => Objection { ending: Ending::Refused, code: Code::Refused, reason: revert.to_string() },
            None => Objection::unreachable(&error),
        })
    }

    async fn ask_market(&self) -> Result<Market, TransportError> {
        let (fees, balance) = tokio::try_join!(
            self.provider.estimate_eip1559_fees(),
            self.provider.get_balance(self.from).into_future()
        )?;
        Ok(Market { fee_per_gas: fees.max_fee_per_gas, balance })
    }

    /// The tips in ETH that a call would earn, wei. Those in other tokens count for nothing: nobody here knows their price.
    async fn income(&self, to: Address, data: Bytes) -> Result<U256, TransportError> {
        let blocks = vec![SimBlock { calls: vec![self.request(to, data)], ..SimBlock::default() }];
        let payload = SimulatePayload { block_state_calls: blocks, ..SimulatePayload::default() };
        let simulated = self.provider.simulate(&payload).await?;
        let logs =
            simulated.iter().flat_map(|block| &block.calls).filter(|call| call.status).flat_map(|call| &call.logs);
        let tips = logs.filter_map(|log| tip(log, self.tip_sources, self.from));
        Ok(tips.fold(U256::ZERO, U256::saturating_add))
    }

    fn request(&self, to: Address, data: Bytes) -> TransactionRequest {
        TransactionRequest::default().with_from(self.from).with_to(to).with_input(data)
    }
}

/// Room for fees to double while it waits, within the limits.
fn offer(gas: u64, fee_per_gas: u128, limits: Limits) -> Offer {
    let gas = U256::from(gas) * U256::from(100 + GAS_MARGIN) / U256::from(100);
    let affordable = limits.cost.checked_div(gas).unwrap_or_default().saturating_to();
    let max_fee_per_gas = fee_per_gas.saturating_mul(2).min(affordable).min(limits.fee_per_gas);
    Offer { max_fee_per_gas, cost: gas.saturating_mul(U256::from(max_fee_per_gas)) }
}

/// The tip in ETH that a log credits to `account`.
fn tip(log: &Log, sources: TipSources, account: Address) -> Option<U256> {
    if log.address() == sources.escrow {
        let paid = log.log_decode::<TipPaid>().ok()?.inner.data;
        return (paid.to == account && paid.token == Address::ZERO).then_some(paid.amount);
    }
    if log.address() == sources.tips {
        let credited = log.log_decode::<TipCredited>().ok()?.inner.data;
        return (credited.to == account).then_some(credited.amount);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_leaves_room_for_dearer_gas_but_never_exceeds_a_limit() {
        let limits = |cost: u64, fee_per_gas| Limits { cost: U256::from(cost), fee_per_gas };
        let of = |limits| {
            let Offer { max_fee_per_gas, cost } = offer(100_000, 10, limits);
            (max_fee_per_gas, cost.to::<u64>())
        };
        // 130,000 gas with the margin.
        assert_eq!(of(limits(u64::MAX, u128::MAX)), (20, 2_600_000));
        assert_eq!(of(limits(u64::MAX, 15)), (15, 1_950_000));
        assert_eq!(of(limits(1_690_000, u128::MAX)), (13, 1_690_000));
        assert_eq!(of(limits(1_000_000, u128::MAX)), (7, 910_000));
        assert_eq!(of(limits(0, u128::MAX)), (0, 0));
    }
}
