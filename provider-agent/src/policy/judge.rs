//! Whether a task suits the provider.

use std::{fmt, time::Duration};

use aiigo_protocol::{NodeRegistry::NodeInfo, TaskMarketplace::TaskRequest, units};
use aiigo_task::{Limits, Program, TaskSpec, format_bytes, format_duration};
use alloy::primitives::{Address, U256};

use super::{Policy, Programs};

/// Gas of commitAccept, in a place that was never used, acceptTask and submitResult together, rounded up from the gas
/// snapshots.
const GAS_PER_TASK: u64 = 200_000;
/// At instant delivery half of the escrow is due: the other half is for the unused time.
const LEAST_DUE_BPS: u64 = 5_000;

/// Why a task is not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: String,
    /// Whether that may change: slots become free, gas gets cheaper.
    pub(crate) may_change: bool,
}

impl Refusal {
    pub(crate) fn never(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), may_change: false }
    }

    pub(crate) fn not_now(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), may_change: true }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

/// An open task as the chain announced it.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) buyer: Address,
    pub(crate) request: TaskRequest,
    /// Smallest units of the payment token.
    pub(crate) escrow: U256,
    pub(crate) fee_bps: u16,
    /// When it became open, or open again, unix seconds.
    pub(crate) open_since: u64,
}

/// The node's state that a decision needs.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) node: NodeInfo,
    /// By the stake.
    pub(crate) free_slots: U256,
    /// Of open escrow in ETH, for a node of the first level.
    pub(crate) escrow_cap: U256,
    pub(crate) open_escrow: U256,
    /// Wei.
    pub(crate) gas_price: u128,
    /// The chain's time, unix seconds.
    pub(crate) now: u64,
}

/// What a task takes of a node while it runs, beside a slot.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    /// Milli-TFLOPS.
    pub(crate) power: u64,
    /// Wei.
    pub(crate) escrow: U256,
}

impl Offer {
    fn demand(&self) -> Demand {
        Demand { power: self.request.minPower.into(), escrow: self.escrow }
    }
}

impl Standing {
    /// Whether the chain would let the node run a task now.
    pub(crate) fn room_for(&self, demand: Demand) -> Result<(), Refusal> {
        if demand.power > self.node.verifiedPower.saturating_sub(self.node.runningPower) {
            return Err(Refusal::not_now("the running tasks leave too little power"));
        }
        if self.free_slots.is_zero() {
            return Err(Refusal::not_now("the stake backs no further task now"));
        }
        if self.open_escrow.saturating_add(demand.escrow) > self.escrow_cap {
            return Err(Refusal::not_now("its escrow is above what the trust level allows now"));
        }
        Ok(())
    }
}

impl Policy {
    /// Whether the task suits provider and node, as far as the chain tells.
    pub(crate) fn judge(&self, offer: &Offer, standing: &Standing) -> Result<(), Refusal> {
        let request = &offer.request;
        let node = &standing.node;
        if self.deny_buyers.contains(&offer.buyer) {
            return Err(Refusal::never("its buyer is on the deny list"));
        }
        if !self.allow_buyers.is_empty() && !self.allow_buyers.contains(&offer.buyer) {
            return Err(Refusal::never("its buyer is not on the allow list"));
        }
        if [node.owner, node.operator, node.payout].contains(&offer.buyer) {
            return Err(Refusal::never("its buyer is this node's own"));
        }
        if request.resourceType != node.resourceType {
            return Err(Refusal::never("it asks for another type of resource"));
        }
        if request.paymentToken != Address::ZERO {
            return Err(Refusal::never("it pays in another token than ETH"));
        }
        let (price, floor) = (U256::from(request.pricePerHour), self.floor_of(request.resourceType));
        if price < floor {
            let (price, floor) = (units::format_amount(price), units::format_amount(floor));
            return Err(Refusal::never(format!(
                "it pays {price} ETH an hour, less than the lowest price of {floor} ETH"
            )));
        }
        if u64::from(request.duration) > self.longest.as_secs() {
            return Err(Refusal::never(format!(
                "it may take {}, longer than {}",
                format_duration(Duration::from_secs(request.duration.into())),
                format_duration(self.longest)
            )));
        }
        if standing.now < offer.open_since.saturating_add(self.leave_to_others.as_secs()) {
            return Err(Refusal::not_now("it is left to other nodes for a while"));
        }
        if u64::from(request.minPower) > node.verifiedPower {
            return Err(Refusal::never(format!("it asks for {}", units::format_power(request.minPower.into()))));
        }
        if request.minTrustLevel > node.trustLevel {
            return Err(Refusal::not_now(format!("it asks for trust level {}", request.minTrustLevel)));
        }
        standing.room_for(offer.demand())?;
        self.check_profit(offer, standing)
    }

    fn check_profit(&self, offer: &Offer, standing: &Standing) -> Result<(), Refusal> {
        let income = offer.escrow * U256::from(LEAST_DUE_BPS) / U256::from(units::BPS);
        let income = income * U256::from(units::BPS.saturating_sub(offer.fee_bps.into())) / U256::from(units::BPS);
        let gas = U256::from(standing.gas_price) * U256::from(GAS_PER_TASK);
        if income * U256::from(100) < gas * U256::from(100_u64.saturating_add(self.min_profit)) {
            return Err(Refusal::not_now(format!(
                "it pays at least {} ETH, and the gas costs {} ETH",
                units::format_amount(income),
                units::format_amount(gas)
            )));
        }
        Ok(())
    }

    /// Whether the program's demands fit this machine and the time that the task gives.
    pub(crate) fn judge_spec(&self, spec: &TaskSpec, request: &TaskRequest) -> Result<(), Refusal> {
        let Limits { memory_bytes, seconds, output_bytes, .. } = spec.limits;
        match (spec.program(), self.programs) {
            (Program::Wasm(_), Programs::Images) => {
                return Err(Refusal::never("its program is a module, not an image"));
            }
            (Program::Image(_), Programs::Modules) => {
                return Err(Refusal::never("its program is an image, not a module"));
            }
            _ => {}
        }
        if seconds > u64::from(request.duration) {
            return Err(Refusal::never("its program may run longer than the task"));
        }
        for (what, wanted, most) in [
            ("memory", memory_bytes, self.task_memory.min(self.memory)),
            ("output", output_bytes, self.output),
            ("downloads", spec.download_bytes(), self.download),
        ] {
            if wanted > most {
                return Err(Refusal::never(format!(
                    "its {what} of {} are above this machine's limit of {}",
                    format_bytes(wanted),
                    format_bytes(most)
                )));
            }
        }
        match spec.program() {
            Program::Image(image) if !self.images.iter().any(|pattern| pattern.allows(image)) => {
                Err(Refusal::never(format!("its image {image} is not on the list of allowed images")))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, aliases::U96};

    use super::*;

    fn policy(text: &str) -> Policy {
        text.parse().expect("a policy")
    }

    const GWEI: u128 = 1_000_000_000;
    const BUYER: Address = Address::repeat_byte(0xb0);

    fn offer() -> Offer {
        Offer {
            buyer: BUYER,
            request: TaskRequest {
                resourceType: 1,
                minTrustLevel: 1,
                replicas: 1,
                minPower: 10,
                duration: 60,
                acceptWindow: 300,
                reviewWindow: 3600,
                maxAuditAge: 0,
                pricePerHour: U96::from(360_000_000_000_000_000_u64),
                paymentToken: Address::ZERO,
                watcher: Address::ZERO,
                specHash: B256::ZERO,
                specURI: String::new(),
            },
            escrow: U256::from(6_000_000_000_000_000_u64),
            fee_bps: 800,
            open_since: 1000,
        }
    }

    fn standing() -> Standing {
        let node = NodeInfo {
            owner: Address::repeat_byte(1),
            operator: Address::repeat_byte(2),
            payout: Address::repeat_byte(3),
            resourceType: 1,
            trustLevel: 1,
            verifiedPower: 15,
            ..NodeInfo::default()
        };
        Standing {
            node,
            free_slots: U256::from(2),
            escrow_cap: U256::from(10_u64.pow(18)),
            open_escrow: U256::ZERO,
            gas_price: GWEI,
            now: 1000,
        }
    }

    #[track_caller]
    fn assert_refused(policy: &Policy, offer: &Offer, standing: &Standing, reason: &str, may_change: bool) {
        let refusal = policy.judge(offer, standing).expect_err(reason);
        assert!(refusal.reason.contains(reason), "{refusal}");
        assert_eq!(refusal.may_change, may_change, "{refusal}");
    }

    #[test]
    fn a_fair_task_is_taken() {
        assert_eq!(policy("").judge(&offer(), &standing()), Ok(()));
    }

    #[test]
    fn the_price_floor_counts_to_the_wei() {
        assert!(policy("price.floor.CPU = '0.36'").judge(&offer(), &standing()).is_ok());
        assert_refused(
            &policy("price.floor.CPU = '0.360000000000000001'"),
            &offer(),
            &standing(),
            "lowest price",
            false,
        );
    }

    #[test]
    fn a_task_that_does_not_pay_its_gas_waits_for_cheaper_gas() {
        // At least 0.00276 ETH come in: 200000 gas and a fifth of that cost more from about 12 gwei on.
        let dear = Standing { gas_price: 12 * GWEI, ..standing() };
        assert_refused(&policy(""), &offer(), &dear, "gas", true);
        assert!(policy("").judge(&offer(), &Standing { gas_price: 11 * GWEI, ..standing() }).is_ok());
    }

    #[test]
    fn a_task_is_left_to_others_for_as_long_as_the_policy_says() {
        let patient = policy("price.leave-to-others = '60s'");
        assert_refused(&patient, &offer(), &Standing { now: 1059, ..standing() }, "left to other nodes", true);
        assert!(patient.judge(&offer(), &Standing { now: 1060, ..standing() }).is_ok());
    }

    #[test]
    fn a_task_that_may_take_too_long_is_refused() {
        assert_refused(&policy("task.longest = '59s'"), &offer(), &standing(), "longer than 59s", false);
        assert!(policy("task.longest = '60s'").judge(&offer(), &standing()).is_ok());
    }

    #[test]
    fn buyers_are_chosen() {
        assert_refused(&policy(&format!("buyers.deny = ['{BUYER}']")), &offer(), &standing(), "deny list", false);
        let other = Address::repeat_byte(9);
        assert_refused(&policy(&format!("buyers.allow = ['{other}']")), &offer(), &standing(), "allow list", false);
        assert!(policy(&format!("buyers.allow = ['{other}', '{BUYER}']")).judge(&offer(), &standing()).is_ok());
        let mut own = standing();
        own.node.payout = BUYER;
        assert_refused(&policy(""), &offer(), &own, "own", false);
    }

    #[test]
    fn running_tasks_use_up_power_slots_and_escrow() {
        let mut busy = standing();
        busy.node.runningPower = 6;
        assert_refused(&policy(""), &offer(), &busy, "power", true);
        let full = Standing { free_slots: U256::ZERO, ..standing() };
        assert_refused(&policy(""), &offer(), &full, "stake", true);
        let capped = Standing { open_escrow: U256::from(10_u64.pow(18)), ..standing() };
        assert_refused(&policy(""), &offer(), &capped, "trust level", true);
    }

    #[test]
    fn another_resource_or_token_is_never_taken() {
        let mut gpu = offer();
        gpu.request.resourceType = 0;
        assert_refused(&policy(""), &gpu, &standing(), "another type", false);
        let mut token = offer();
        token.request.paymentToken = Address::repeat_byte(7);
        assert_refused(&policy(""), &token, &standing(), "token", false);
    }
}
