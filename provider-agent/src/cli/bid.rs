//! `bid`: a signed offer for an open task, to be sent to its buyer, who takes it with `aiigo job assign`.

use std::{fs, path::PathBuf, time::Duration};

use aiigo_chain::SignerArgs;
use aiigo_protocol::{
    ContractName, NodeStatus, SignedBid, TaskId, TaskMarketplace, TaskMarketplace::Bid, TaskStatus, bid_digest, units,
};
use aiigo_task::TaskSpec;
use alloy::{
    primitives::{
        Address, U256,
        aliases::{U40, U96},
    },
    rpc::types::{Filter, Log},
    signers::SignerSync,
    sol_types::SolEvent,
};
use clap::Args;
use serde::Serialize;

use super::{Agent, CommonArgs, Report};
use crate::{
    error::{AgentError, Context, read_error},
    market::status_of,
    node, operator,
    policy::{PolicyFile, Refusal},
    serve,
};

const HOUR: u64 = 3600;

#[derive(Args, Clone, Debug)]
pub(super) struct BidArgs {
    /// The task's id.
    task: TaskId,
    /// ETH an hour [default: what the task offers].
    #[arg(long, value_name = "ETH", value_parser = price)]
    price: Option<U96>,
    /// How long the node takes at most, such as `10m`; a late result is paid nothing and costs stake [default: as long as the
    /// task allows].
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    within: Option<Duration>,
    /// How long the bid stands, such as `1h`. Until then the node has to do the task if the buyer takes it; going offline voids
    /// it.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    valid: Duration,
    /// Write it to this file instead of stdout.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Also use gateways on private and local addresses: for tests and closed networks.
    #[arg(long, env = "AIIGO_ALLOW_PRIVATE_GATEWAYS")]
    allow_private_gateways: bool,
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
}

/// A bid.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct BidReport {
    bid: SignedBid,
    #[serde(skip)]
    file: Option<PathBuf>,
    /// Smallest units of ETH, for the whole task.
    #[serde(skip)]
    total: U256,
}

pub(super) async fn bid(args: &BidArgs) -> Result<BidReport, AgentError> {
    let agent = args.common.open().await?;
    let id = args.common.node(&agent).await?;
    let signer = operator::load(&args.signer, &agent.data).await?;
    let market = &agent.market;
    node::check_operator(market, id, signer.address()).await?;
    let info = market.node(id).await?;
    let status = status_of(&info)?;
    if status != NodeStatus::Active {
        return Err(AgentError::new(format!("node {id} is {}: only an Active one can be given a task", status.name())));
    }
    let (status, task) = market.task(args.task).await?;
    if status != TaskStatus::Open {
        return Err(AgentError::new(format!("task {} is {}: bids are for open tasks", args.task, status.name())));
    }
    if task.paymentToken != Address::ZERO {
        return Err(AgentError::new(format!("task {} is paid in another token than ETH", args.task)));
    }
    let spec = spec_of(args, &agent).await?;
    let eta = args.within.map_or(u64::from(task.duration), |within| within.as_secs());
    let eta = u32::try_from(eta).ok().filter(|eta| (1..=task.duration).contains(eta)).ok_or_else(|| {
        AgentError::new(format!("the task is to be done within {} s, and {eta} s are bid", task.duration))
    })?;
    if u64::from(eta) < spec.limits.seconds {
        tracing::warn!(
            "its program may run for {} s, and {eta} s are bid: be sure that it is faster",
            spec.limits.seconds
        );
    }
    let price = match args.price {
        Some(price) => price,
        None => offered(U256::from(task.escrow), task.duration).context("the task's price is out of range")?,
    };
    let total = total(price, eta);
    if total > U256::from(task.escrow) {
        return Err(AgentError::new(format!(
            "{} ETH for {eta} s are more than the {} ETH that the buyer has put there",
            units::format_amount(total),
            units::format_amount(U256::from(task.escrow))
        )));
    }
    let failed = |error| read_error("cannot read the node's bid epoch", error);
    let head = market.head().await?;
    let bid = Bid {
        taskId: args.task.0,
        nodeId: id.0,
        pricePerHour: price,
        eta,
        expiry: U40::try_from(head.timestamp.saturating_add(args.valid.as_secs()))
            .context("it would stand for ever")?,
        nodeEpoch: market.registry().bidEpochOf(id.0).call().await.map_err(failed)?,
        nonce: U256::from_be_bytes(rand::random::<[u8; 32]>()),
    };
    let digest = bid_digest(&bid, market.deployment());
    let failed = |error| read_error("the market does not tell what is to be signed", error);
    if market.tasks().bidDigest(bid.clone()).call().await.map_err(failed)? != digest {
        return Err(AgentError::new("the market would not take this agent's bids: update it"));
    }
    let signature = signer.sign_hash_sync(&digest).context("cannot sign")?;
    let bid = SignedBid::new(&bid, market.deployment(), signature.as_bytes().into()).context("no bid")?;
    if let Some(file) = &args.out {
        let text = serde_json::to_string_pretty(&bid).context("cannot write the bid")?;
        fs::write(file, text + "\n").context(format!("cannot write {}", file.display()))?;
    }
    Ok(BidReport { bid, file: args.out.clone(), total })
}

/// The task's spec, if the policy lets this machine do it: a bid can't be taken back by a second look.
async fn spec_of(args: &BidArgs, agent: &Agent) -> Result<TaskSpec, AgentError> {
    let market = &agent.market;
    let filter = Filter::new()
        .address(market.address(ContractName::TaskMarketplace))
        .event_signature(TaskMarketplace::TaskCreated::SIGNATURE_HASH)
        .topic1(args.task.0);
    let found = |logs: &[Log]| !logs.is_empty();
    let logs = market.logs(&filter, found).await.context("cannot look for the task's creation")?;
    let created = logs.first().and_then(|log| log.log_decode::<TaskMarketplace::TaskCreated>().ok());
    let created = created.ok_or_else(|| AgentError::new(format!("the chain does not tell of task {}", args.task)))?;
    let policy = PolicyFile::open(&agent.data.policy())?.policy();
    let refused = |refusal: Refusal| AgentError::new(format!("this node should not bid: {refusal}"));
    serve::spec_of(args.allow_private_gateways, &policy, &created.inner.data.request).await.map_err(refused)
}

/// As the market counts: rounded up.
fn total(price_per_hour: U96, eta: u32) -> U256 {
    U256::from(price_per_hour).saturating_mul(U256::from(eta)).div_ceil(U256::from(HOUR))
}

/// The buyer's price an hour, rounded down.
fn offered(escrow: U256, duration: u32) -> Result<U96, String> {
    to_price(escrow.saturating_mul(U256::from(HOUR)) / U256::from(duration.max(1)))
}

fn price(text: &str) -> Result<U96, String> {
    to_price(units::parse_eth(text).map_err(|error| error.to_string())?)
}

fn to_price(amount: U256) -> Result<U96, String> {
    let wei = u128::try_from(amount).ok().and_then(|wei| U96::try_from(wei).ok());
    wei.ok_or_else(|| format!("{} ETH an hour is more than there is", units::format_amount(amount)))
}

fn duration(text: &str) -> Result<Duration, String> {
    let duration = aiigo_task::parse_duration(text).map_err(|error| error.to_string())?;
    if duration.as_secs() == 0 { Err("shorter than a second".into()) } else { Ok(duration) }
}

impl Report for BidReport {
    fn text(&self) -> String {
        match &self.file {
            Some(file) => format!(
                "Node {} does task {} within {} s for {} ETH, if the buyer takes it in time: send them {}.\n",
                self.bid.node(),
                self.bid.task(),
                self.bid.eta,
                units::format_amount(self.total),
                file.display()
            ),
            // What is sent to the buyer.
            None => serde_json::to_string_pretty(&self.bid).unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bid_costs_its_time_rounded_up() {
        let price = price("0.36").expect("a price");
        assert_eq!(total(price, 10), U256::from(1_000_000_000_000_000_u64));
        assert_eq!(total(U96::from(1), 1), U256::from(1));
        let escrow = total(price, 59);
        assert!(total(offered(escrow, 59).expect("a price"), 59) <= escrow);
        assert!(super::price("100000000000").is_err());
        assert!(duration("0s").is_err());
    }
}
