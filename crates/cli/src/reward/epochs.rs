//! `aiigo reward epochs`.

use aiigo_protocol::NodeId;
use alloy::primitives::U256;
use clap::Args;
use serde::Serialize;

use crate::{
    CliError,
    args::{ChainArgs, parsed},
    cli::Session,
    format,
    output::table,
};

/// List reward epochs, the newest first, and what a node has in them.
#[derive(Args, Debug)]
pub(crate) struct EpochsCommand {
    /// What this node has in them
    #[arg(long, value_name = "ID", value_parser = parsed::<NodeId>)]
    node: Option<NodeId>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=1000))]
    first: u16,
    #[command(flatten)]
    chain: ChainArgs,
}

/// Amounts in AIIGO wei, decimal; times in unix seconds.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    epoch: u64,
    start: u64,
    end: u64,
    closed: bool,
    /// All fees at their rates: the most that base rewards can be.
    weight_wei: String,
    /// What there is for base rewards; known once it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    budget_wei: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    node_weight_wei: Option<String>,
    /// What the node can claim of it, or could if it ended now.
    #[serde(skip_serializing_if = "Option::is_none")]
    node_reward_wei: Option<String>,
    #[serde(skip)]
    cells: [String; 6],
}

impl EpochsCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let rewards = chain.rewards();
        let failed = |error| CliError::call("reading the reward epochs", error);
        let now = chain.head().await?.timestamp;
        let current: u64 = rewards.currentEpoch().call().await.map_err(failed)?.saturating_to();
        let length: u64 = rewards.epochLength().call().await.map_err(failed)?.saturating_to();
        let mut rows = Vec::new();
        for epoch in (0..=current).rev().take(usize::from(self.first)) {
            let number = U256::from(epoch);
            let info = rewards.epochOf(number).call().await.map_err(failed)?;
            let start: u64 = rewards.epochStart(number).call().await.map_err(failed)?.saturating_to();
            let of_node = match self.node {
                Some(node) => Some((
                    rewards.weightOf(number, node.0).call().await.map_err(failed)?,
                    rewards.baseRewardOf(number, node.0).call().await.map_err(failed)?,
                )),
                None => None,
            };
            let end = start.saturating_add(length);
            let state = match (info.closed, epoch == current) {
                (true, _) => "closed".to_owned(),
                (false, true) => format!("ends {}", format::relative(end, now)),
                (false, false) => "to be closed".to_owned(),
            };
            rows.push(Row {
                epoch,
                start,
                end,
                closed: info.closed,
                weight_wei: info.totalWeight.to_string(),
                budget_wei: info.closed.then(|| info.providerBudget.to_string()),
                node_weight_wei: of_node.map(|(weight, _)| weight.to_string()),
                node_reward_wei: of_node.map(|(_, reward)| reward.to_string()),
                cells: [
                    epoch.to_string(),
                    format::local(start),
                    state,
                    format::aiigo(info.totalWeight),
                    if info.closed { format::aiigo(info.providerBudget) } else { "not known yet".into() },
                    of_node.map(|(_, reward)| format::aiigo(reward)).unwrap_or_default(),
                ],
            });
        }
        session.output.result(&rows, || {
            let mut text = table(["EPOCH", "BEGAN", "STATE", "FEES AT THEIR RATES", "BUDGET", "THE NODE'S"]);
            text.add_rows(rows.iter().map(|row| row.cells.clone()));
            let claim = self.node.map(|node| format!("\nTo claim what is closed: aiigo reward claim {node}"));
            format!("{text}{}", claim.unwrap_or_default())
        })
    }
}
