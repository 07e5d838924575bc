//! `status`: the node on the chain, its work, and whether all is well.

mod health;
mod level;
mod text;

use aiigo_protocol::{
    NodeRegistry::{NodeInfo, Partner},
    ResourceType,
};
use aiigo_telemetry::Check;
use alloy::primitives::{Address, U256};
use clap::Args;
use serde::Serialize;

use self::level::{NextLevel, Rules};
use super::{Agent, CommonArgs, earnings::IncomeReport};
use crate::{
    data_dir::DataDir,
    error::{AgentError, Context, read_error},
    live::{self, LiveReport},
    market::status_of,
    store::{DAY, Declined, Income, Stage, Work, total},
};

#[derive(Args, Clone, Debug)]
pub(super) struct StatusArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How many of the latest tasks to show.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    tasks: u32,
    /// Show it again every two seconds until interrupted.
    #[arg(long)]
    pub(super) watch: bool,
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
    /// None at the highest.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_level: Option<NextLevel>,
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
    /// Whether the agent takes tasks: Working, Paused or Leaving.
    mode: &'static str,
    earned_today: IncomeReport,
    earned: IncomeReport,
    /// The latest.
    tasks: Vec<TaskReport>,
    /// The latest that were not taken, and why.
    declined: Vec<DeclinedReport>,
    health: Vec<Check>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct TaskReport {
    task_id: String,
    name: String,
    stage: &'static str,
    /// How far its program is.
    #[serde(skip_serializing_if = "Option::is_none")]
    progress: Option<LiveReport>,
    #[serde(skip_serializing_if = "Option::is_none")]
    paid: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

impl TaskReport {
    fn new(work: Work, data: &DataDir) -> Self {
        let runs = work.stage == Stage::Executing;
        // A folder that is being removed shows nothing.
        let shown = runs.then(|| live::look(&data.task(work.task)).ok().flatten()).flatten();
        Self {
            progress: shown.map(|shown| shown.report).filter(|report| !report.ended),
            task_id: work.task.to_string(),
            name: work.spec.name,
            stage: work.stage.name(),
            paid: work.paid.map(|paid| paid.to_string()),
            note: work.note,
        }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct DeclinedReport {
    task_id: String,
    reason: String,
    /// Whether the agent looks at it again.
    may_change: bool,
    /// Unix seconds.
    at: u64,
}

impl From<Declined> for DeclinedReport {
    fn from(declined: Declined) -> Self {
        let Declined { task, reason, may_change, at } = declined;
        Self { task_id: task.to_string(), reason, may_change, at }
    }
}

pub(super) async fn status(args: &StatusArgs) -> Result<StatusReport, AgentError> {
    let agent = args.common.open().await?;
    let node = args.common.node(&agent).await?;
    let info = agent.market.node(node).await?;
    let failed = |error| read_error("cannot read the node's account", error);
    let withdrawable = agent.market.escrow().balanceOf(info.payout, Address::ZERO).call().await.map_err(failed)?;
    let partner = agent.market.registry().partnerOf(node.0).call().await.map_err(failed)?;
    let gas = agent.market.eth_of(info.operator).await?;
    let head = agent.market.head().await?;
    let days = agent.store.income(0).await?;
    let today: Income = days.get(&(head.timestamp / DAY * DAY)).copied().unwrap_or_default();
    let store = &agent.store;
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
        next_level: next_level(&agent, &info, &partner).await?,
        reputation: info.reputation,
        verified_power: info.verifiedPower.to_string(),
        running_power: info.runningPower.to_string(),
        running: info.running,
        reviewing: info.reviewing,
        tasks_verified: info.tasksVerified,
        tasks_failed: info.tasksFailed,
        withdrawable: withdrawable.to_string(),
        operator_balance: gas.to_string(),
        mode: store.mode().await?.name(),
        earned_today: today.into(),
        earned: total(days.values()).into(),
        tasks: store.latest(args.tasks).await?.into_iter().map(|work| TaskReport::new(work, &agent.data)).collect(),
        declined: store.declined(args.tasks).await?.into_iter().map(DeclinedReport::from).collect(),
        health: health::look(&agent, &info, gas, head).await?,
    })
}

async fn next_level(agent: &Agent, node: &NodeInfo, partner: &Partner) -> Result<Option<NextLevel>, AgentError> {
    let read = agent.market.registry().parameters().call().await;
    let rules = read.map_err(|error| read_error("cannot read the registry's parameters", error))?;
    let rules = Rules {
        stakes: [rules.minStake, rules.levelTwoStake, rules.levelThreeStake].map(U256::from),
        challenges: rules.levelTwoChallenges.into(),
        reputation: rules.levelThreeReputation,
        tasks: rules.levelThreeTasks.into(),
        success_bps: rules.levelThreeSuccessBps,
    };
    Ok(level::next(node, partner, &rules))
}
