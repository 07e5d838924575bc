//! `status`: the node on the chain, and the agent's latest tasks.

use aiigo_protocol::{ResourceType, units};
use alloy::primitives::{Address, U256};
use clap::Args;
use serde::Serialize;

use super::{CommonArgs, Report};
use crate::{
    error::{AgentError, Context, read_error},
    market::status_of,
    store::Work,
};

#[derive(Args, Clone, Debug)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How many of the latest tasks to show.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    tasks: u32,
}

/// The node and its work.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct StatusReport {
    node_id: String,
    status: &'static str,
    online: bool,
    resource_type: &'static str,
    owner: Address,
    operator: Address,
    payout: Address,
    /// AIIGO wei.
    stake: String,
    trust_level: u8,
    /// 0 to 10000.
    reputation: u16,
    /// Milli-TFLOPS.
    verified_power: String,
    /// Milli-TFLOPS promised to running tasks.
    running_power: String,
    running: u16,
    reviewing: u16,
    tasks_verified: u32,
    tasks_failed: u32,
    /// ETH wei that the payout address can withdraw.
    withdrawable: String,
    /// ETH wei that the operator has for gas.
    operator_balance: String,
    tasks: Vec<TaskReport>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskReport {
    task_id: String,
    name: String,
    stage: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl From<Work> for TaskReport {
    fn from(work: Work) -> Self {
        Self {
            task_id: work.task.to_string(),
            name: work.spec.name,
            stage: work.stage.name(),
            paid: work.paid.map(|paid| paid.to_string()),
            note: work.note,
        }
    }
}

pub(super) async fn status(args: &StatusArgs) -> Result<StatusReport, AgentError> {
    let agent = args.common.open().await?;
    let node = args.common.node(&agent).await?;
    let info = agent.market.node(node).await?;
    let withdrawable = agent.market.escrow().balanceOf(info.payout, Address::ZERO).call().await;
    let withdrawable = withdrawable.map_err(|error| read_error("cannot read the earnings", error))?;
    Ok(StatusReport {
        node_id: node.to_string(),
        status: status_of(&info)?.name(),
        online: info.online,
        resource_type: ResourceType::try_from(info.resourceType).context("unknown resource type")?.name(),
        owner: info.owner,
        operator: info.operator,
        payout: info.payout,
        stake: info.stake.to_string(),
        trust_level: info.trustLevel,
        reputation: info.reputation,
        verified_power: info.verifiedPower.to_string(),
        running_power: info.runningPower.to_string(),
        running: info.running,
        reviewing: info.reviewing,
        tasks_verified: info.tasksVerified,
        tasks_failed: info.tasksFailed,
        withdrawable: withdrawable.to_string(),
        operator_balance: agent.market.eth_of(info.operator).await?.to_string(),
        tasks: agent.store.latest(args.tasks).await?.into_iter().map(TaskReport::from).collect(),
    })
}

impl Report for StatusReport {
    fn text(&self) -> String {
        let amount = |wei: &str| units::format_amount(wei.parse().unwrap_or(U256::ZERO));
        let power = units::format_power(self.verified_power.parse().unwrap_or_default());
        let mut text = format!(
            "Node {}: {} ({}, trust level {}, reputation {})\n  power      {power} verified\n  stake      {} AIIGO\n  \
             tasks      {} running, {} in review, {} verified, {} failed\n  earnings   {} ETH to withdraw to {}\n  \
             operator   {} with {} ETH for gas\n",
            self.node_id,
            self.status,
            self.resource_type,
            self.trust_level,
            self.reputation,
            amount(&self.stake),
            self.running,
            self.reviewing,
            self.tasks_verified,
            self.tasks_failed,
            amount(&self.withdrawable),
            self.payout,
            self.operator,
            amount(&self.operator_balance),
        );
        for task in &self.tasks {
            let more = match (&task.paid, &task.note) {
                (Some(paid), _) => format!(" {} ETH", amount(paid)),
                (None, Some(note)) => format!(" ({note})"),
                (None, None) => String::new(),
            };
            text.push_str(&format!("  {}  {:<10} {}{more}\n", task.task_id, task.stage, task.name));
        }
        text
    }
}
