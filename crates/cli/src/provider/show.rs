//! `aiigo provider show`.

use aiigo_protocol::{NodeId, NodeStatus, ResourceType, units::format_power};
use alloy::primitives::U256;
use clap::Args;

use super::Node;
use crate::{
    Chain, CliError,
    args::{ChainArgs, parsed},
    cli::Session,
    error::Context,
    format,
    indexer::U256Text,
    output::facts,
};

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
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
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
        metadata_uri: None,
        name: None,
        region: None,
        uptime_bps: None,
        lowest_price: None,
        score: None,
    })
}

/// A node's stake, AIIGO wei.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stakes {
    pub(crate) stake: U256,
    /// On its way out.
    pub(crate) unbonding: U256,
}

/// What stands behind a node.
pub(crate) async fn stakes(chain: &Chain, id: NodeId) -> Result<Stakes, CliError> {
    let Node { stake, unbonding, .. } = read(chain, id).await?;
    Ok(Stakes { stake: stake.0, unbonding: unbonding.0 })
}
