//! `aiigo node`: the machines of the market.

use aiigo_protocol::{NodeId, NodeStatus, ResourceType, units::format_power};
use alloy::primitives::U256;
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Chain, CliError,
    args::{ChainArgs, IndexerArgs, parsed},
    cli::Session,
    error::Context,
    format,
    indexer::{Connection, U256Text, contract_name, graphql_name, number},
    output::{facts, table},
};

/// `aiigo node`.
#[derive(Subcommand, Debug)]
pub(crate) enum NodeCommand {
    List(ListCommand),
    Show(ShowCommand),
}

impl NodeCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        match self {
            Self::List(command) => command.run(session).await,
            Self::Show(command) => command.run(session).await,
        }
    }
}

/// A node, as the indexer and the registry alike tell it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Node {
    #[serde(deserialize_with = "number")]
    id: u64,
    owner: String,
    operator: String,
    payout: String,
    resource_type: String,
    status: String,
    trust_level: u8,
    reputation: u16,
    /// AIIGO wei, decimal.
    stake: U256Text,
    unbonding: U256Text,
    /// Milli-TFLOPS.
    #[serde(deserialize_with = "number")]
    power: u64,
    #[serde(deserialize_with = "number")]
    running: u64,
    #[serde(deserialize_with = "number")]
    tasks_verified: u64,
    #[serde(deserialize_with = "number")]
    tasks_failed: u64,
}

const FIELDS: &str = "id owner operator payout resourceType status trustLevel reputation stake unbonding power running \
                      tasksVerified tasksFailed";

/// List nodes, the most powerful first.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    first: u16,
    /// Only those in this status: Pending, Verified, Active, Inactive, Slashed
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<NodeStatus>,
    #[command(flatten)]
    indexer: IndexerArgs,
}

fn status(text: &str) -> Result<NodeStatus, String> {
    let found = NodeStatus::ALL.iter().find(|status| status.name().eq_ignore_ascii_case(text));
    found.copied().ok_or_else(|| format!("`{text}` is no status of a node"))
}

impl ListCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let indexer = self.indexer.required("`aiigo node list`")?;
        let filter =
            self.status.map(|status| format!("where: {{ status: {{ _eq: {} }} }},", graphql_name(status.name())));
        let query = format!(
            "query($first: Int) {{ nodes(first: $first, {} orderBy: [{{ power: DESC }}]) {{ totalCount edges {{ node {{ \
             {FIELDS} }} }} }} }}",
            filter.unwrap_or_default()
        );
        let nodes: Connection<Node> = indexer.ask(&query, json!({ "first": self.first }), "nodes").await?;
        let (total, nodes) = nodes.into_parts();
        session.output.result(&json!({ "totalCount": total, "nodes": nodes }), || {
            let mut rows =
                table(["NODE", "STATUS", "TYPE", "POWER", "REPUTATION", "TRUST", "STAKE", "TASKS", "FAILED"]);
            rows.add_rows(nodes.iter().map(|node| {
                [
                    node.id.to_string(),
                    contract_name(NodeStatus::ALL.iter().map(|status| status.name()), &node.status),
                    contract_name(ResourceType::ALL.iter().map(|kind| kind.name()), &node.resource_type),
                    format_power(node.power),
                    node.reputation.to_string(),
                    node.trust_level.to_string(),
                    format::aiigo(node.stake.0),
                    node.tasks_verified.to_string(),
                    node.tasks_failed.to_string(),
                ]
            }));
            format!("{rows}\n{} of {total}", nodes.len())
        })
    }
}

/// Show a node, from the chain itself.
#[derive(Args, Debug)]
pub(crate) struct ShowCommand {
    /// The node's id: 1, 2, 3, …
    #[arg(value_parser = parsed::<NodeId>)]
    node: NodeId,
    #[command(flatten)]
    chain: ChainArgs,
}

impl ShowCommand {
    async fn run(self, session: &Session) -> Result<(), CliError> {
        let node = read(&self.chain.connect().await?, self.node).await?;
        session.output.result(&node, || {
            facts(&[
                ("node", node.id.to_string()),
                ("status", node.status.clone()),
                ("type", node.resource_type.clone()),
                ("verified power", format_power(node.power)),
                ("reputation", format!("{} of 10000", node.reputation)),
                ("trust level", node.trust_level.to_string()),
                ("stake", format::aiigo(node.stake.0)),
                ("unbonding", format::aiigo(node.unbonding.0)),
                ("running tasks", node.running.to_string()),
                ("verified tasks", node.tasks_verified.to_string()),
                ("failed tasks", node.tasks_failed.to_string()),
                ("owner", node.owner.clone()),
                ("operator", node.operator.clone()),
                ("payout", node.payout.clone()),
            ])
        })
    }
}

async fn read(chain: &Chain, id: NodeId) -> Result<Node, CliError> {
    let what = || format!("reading node {id}");
    let info = chain.registry().nodeInfo(id.0).call().await.map_err(|error| CliError::call(what(), error))?;
    let status = NodeStatus::try_from(info.status).context(what)?;
    if status == NodeStatus::None {
        return Err(CliError::Failed(format!("there is no node {id} on chain {}", chain.deployment().chain_id)));
    }
    Ok(Node {
        id: id.0,
        owner: info.owner.to_string(),
        operator: info.operator.to_string(),
        payout: info.payout.to_string(),
        resource_type: ResourceType::try_from(info.resourceType).context(what)?.to_string(),
        status: status.to_string(),
        trust_level: info.trustLevel,
        reputation: info.reputation,
        stake: U256Text(U256::from(info.stake)),
        unbonding: U256Text(U256::from(info.unbonding)),
        power: info.verifiedPower,
        running: info.running.into(),
        tasks_verified: info.tasksVerified.into(),
        tasks_failed: info.tasksFailed.into(),
    })
}
