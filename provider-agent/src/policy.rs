//! Which tasks the provider wants.

use std::fmt;

use aiigo_protocol::{NodeRegistry::NodeInfo, TaskMarketplace::TaskRequest, units};
use aiigo_task::{Limits, TaskSpec, format_bytes};
use alloy::primitives::{Address, U256};
use clap::{Args, ValueEnum};

use crate::machine;

/// Gas of commitAccept, acceptTask and submitResult together, rounded up from the gas snapshot.
const GAS_PER_TASK: u64 = 450_000;
/// At instant delivery half of the escrow is due: the other half is for the unused time.
const LEAST_DUE_BPS: u64 = 5_000;

/// Flags of `run`: the provider's policy.
#[derive(Args, Clone, Debug)]
pub(crate) struct PolicyArgs {
    /// Lowest price, ETH an hour.
    #[arg(long, value_name = "ETH", env = "AIIGO_MIN_PRICE", default_value = "0", value_parser = amount)]
    pub(crate) min_price: U256,
    /// Longest task, seconds.
    #[arg(long, value_name = "SECONDS", env = "AIIGO_MAX_DURATION", default_value_t = 24 * 3600)]
    pub(crate) max_duration: u32,
    /// Most tasks at one time; the stake allows a number too.
    #[arg(long, value_name = "COUNT", env = "AIIGO_MAX_CONCURRENCY", default_value_t = default_concurrency())]
    pub(crate) max_concurrency: usize,
    /// Most memory of one task (`4GiB`) [default: half of the machine's, divided among the tasks].
    #[arg(long, value_name = "SIZE", env = "AIIGO_MAX_MEMORY", value_parser = bytes)]
    pub(crate) max_memory: Option<u64>,
    /// Most that one task may write.
    #[arg(long, value_name = "SIZE", env = "AIIGO_MAX_OUTPUT", default_value = "1GiB", value_parser = bytes)]
    pub(crate) max_output: u64,
    /// Most that is downloaded for one task.
    #[arg(long, value_name = "SIZE", env = "AIIGO_MAX_DOWNLOAD", default_value = "1GiB", value_parser = bytes)]
    pub(crate) max_download: u64,
    /// Work for this buyer only; several may be named.
    #[arg(long = "allow-buyer", value_name = "ADDRESS", env = "AIIGO_ALLOW_BUYER", value_delimiter = ',')]
    pub(crate) allow_buyers: Vec<Address>,
    /// Never work for this buyer; several may be named.
    #[arg(long = "deny-buyer", value_name = "ADDRESS", env = "AIIGO_DENY_BUYER", value_delimiter = ',')]
    pub(crate) deny_buyers: Vec<Address>,
    /// Which of several tasks comes first.
    #[arg(long, value_enum, env = "AIIGO_ORDER", default_value_t)]
    pub(crate) order: Order,
    /// Earn at least this much more than the gas costs, percent.
    #[arg(long, value_name = "PERCENT", env = "AIIGO_MIN_PROFIT", default_value_t = 20)]
    pub(crate) min_profit: u64,
    /// Also use gateways on private and local addresses: for tests and closed networks.
    #[arg(long, env = "AIIGO_ALLOW_PRIVATE_GATEWAYS")]
    pub(crate) allow_private_gateways: bool,
}

/// Which of several tasks comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Order {
    /// The oldest.
    #[default]
    Fifo,
    /// The best paid an hour.
    BestPaying,
}

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
}

impl PolicyArgs {
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
        if U256::from(request.pricePerHour) < self.min_price {
            return Err(Refusal::never("it pays less than the lowest price"));
        }
        if request.duration > self.max_duration {
            return Err(Refusal::never("it may take longer than the longest duration"));
        }
        if u64::from(request.minPower) > node.verifiedPower {
            return Err(Refusal::never(format!("it asks for {}", units::format_power(request.minPower.into()))));
        }
        if request.minTrustLevel > node.trustLevel {
            return Err(Refusal::not_now(format!("it asks for trust level {}", request.minTrustLevel)));
        }
        if u64::from(request.minPower) > node.verifiedPower.saturating_sub(node.runningPower) {
            return Err(Refusal::not_now("the running tasks leave too little power"));
        }
        if standing.free_slots.is_zero() {
            return Err(Refusal::not_now("the stake backs no further task now"));
        }
        if standing.open_escrow + offer.escrow > standing.escrow_cap {
            return Err(Refusal::not_now("its escrow is above what the trust level allows now"));
        }
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
        if seconds > u64::from(request.duration) {
            return Err(Refusal::never("its program may run longer than the task"));
        }
        for (what, wanted, most) in [
            ("memory", memory_bytes, self.memory_of_a_task()),
            ("output", output_bytes, self.max_output),
            ("downloads", spec.download_bytes(), self.max_download),
        ] {
            if wanted > most {
                return Err(Refusal::never(format!(
                    "its {what} of {} are above this machine's limit of {}",
                    format_bytes(wanted),
                    format_bytes(most)
                )));
            }
        }
        Ok(())
    }

    fn memory_of_a_task(&self) -> u64 {
        self.max_memory.unwrap_or_else(|| machine::memory_bytes() / 2 / self.max_concurrency.max(1) as u64)
    }
}

fn default_concurrency() -> usize {
    machine::cores()
}

fn amount(text: &str) -> Result<U256, String> {
    units::parse_amount(text).map_err(|error| error.to_string())
}

fn bytes(text: &str) -> Result<u64, String> {
    aiigo_task::parse_bytes(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use alloy::primitives::{B256, aliases::U96};
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Program {
        #[command(flatten)]
        policy: PolicyArgs,
    }

    fn policy(args: &[&str]) -> PolicyArgs {
        Program::try_parse_from(["program"].iter().chain(args)).expect("valid").policy
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
        }
    }

    #[track_caller]
    fn assert_refused(policy: &PolicyArgs, offer: &Offer, standing: &Standing, reason: &str, may_change: bool) {
        let refusal = policy.judge(offer, standing).expect_err(reason);
        assert!(refusal.reason.contains(reason), "{refusal}");
        assert_eq!(refusal.may_change, may_change, "{refusal}");
    }

    #[test]
    fn a_fair_task_is_taken() {
        assert_eq!(policy(&[]).judge(&offer(), &standing()), Ok(()));
    }

    #[test]
    fn the_price_floor_counts_to_the_wei() {
        assert!(policy(&["--min-price", "0.36"]).judge(&offer(), &standing()).is_ok());
        assert_refused(&policy(&["--min-price", "0.360000000000000001"]), &offer(), &standing(), "lowest price", false);
    }

    #[test]
    fn a_task_that_does_not_pay_its_gas_waits_for_cheaper_gas() {
        // At least 0.00276 ETH come in: 450000 gas cost more from about 5 gwei on.
        let dear = Standing { gas_price: 6 * GWEI, ..standing() };
        assert_refused(&policy(&[]), &offer(), &dear, "gas", true);
        assert!(policy(&[]).judge(&offer(), &Standing { gas_price: 5 * GWEI, ..standing() }).is_ok());
    }

    #[test]
    fn buyers_are_chosen() {
        let named = BUYER.to_string();
        assert_refused(&policy(&["--deny-buyer", &named]), &offer(), &standing(), "deny list", false);
        let other = Address::repeat_byte(9).to_string();
        assert_refused(&policy(&["--allow-buyer", &other]), &offer(), &standing(), "allow list", false);
        let both = format!("{other},{named}");
        assert!(policy(&["--allow-buyer", &both]).judge(&offer(), &standing()).is_ok());
        let mut own = standing();
        own.node.payout = BUYER;
        assert_refused(&policy(&[]), &offer(), &own, "own", false);
    }

    #[test]
    fn running_tasks_use_up_power_slots_and_escrow() {
        let mut busy = standing();
        busy.node.runningPower = 6;
        assert_refused(&policy(&[]), &offer(), &busy, "power", true);
        let full = Standing { free_slots: U256::ZERO, ..standing() };
        assert_refused(&policy(&[]), &offer(), &full, "stake", true);
        let capped = Standing { open_escrow: U256::from(10_u64.pow(18)), ..standing() };
        assert_refused(&policy(&[]), &offer(), &capped, "trust level", true);
    }

    #[test]
    fn another_resource_or_token_is_never_taken() {
        let mut gpu = offer();
        gpu.request.resourceType = 0;
        assert_refused(&policy(&[]), &gpu, &standing(), "another type", false);
        let mut token = offer();
        token.request.paymentToken = Address::repeat_byte(7);
        assert_refused(&policy(&[]), &token, &standing(), "token", false);
    }
}
