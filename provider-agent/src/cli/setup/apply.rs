//! Sending what a plan says, with the owner's key.

use aiigo_protocol::{ContractName, NodeId, NodeRegistry};
use alloy::{
    primitives::{Address, B256},
    rpc::types::TransactionReceipt,
};
use serde::Serialize;

use super::{
    Agent,
    plan::{Plan, Step},
};
use crate::{error::AgentError, sender::Sender};

/// A transaction that did what it should.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Sent {
    pub(super) label: String,
    pub(super) tx_hash: B256,
    pub(super) block: u64,
}

/// How the outbox' keys of all steps begin.
pub(super) fn prefix(agent: &Agent) -> String {
    format!("{}:", agent.market.address(ContractName::NodeRegistry))
}

/// Takes every step, and tells the node that came of it.
pub(super) async fn apply(agent: &Agent, plan: &Plan, sender: &Sender) -> Result<(NodeId, Vec<Sent>), AgentError> {
    let (mut node, mut sent) = (plan.node, Vec::new());
    if let Some(node) = node {
        remember(agent, node, sender.address()).await?;
    }
    let prefix = prefix(agent);
    for (nonce, step) in (plan.nonce..).zip(&plan.steps) {
        let about = node.unwrap_or(NodeId(0));
        let (label, call) = (step.label(), step.call(&agent.market, about));
        let key = format!("{prefix}{}", step.key(about, nonce));
        let landed = sender.must_land(&key, &label, call).await?;
        tracing::info!(label, tx = %landed.tx_hash, "done");
        if matches!(step, Step::Register { .. }) {
            let registered = registered_by(&landed.receipt)?;
            remember(agent, registered, sender.address()).await?;
            node = Some(registered);
        }
        sent.push(Sent { label, tx_hash: landed.tx_hash, block: landed.block });
    }
    let node = node.ok_or_else(|| AgentError::new("nothing was registered"))?;
    Ok((node, sent))
}

/// The node that a registration made.
pub(super) fn registered_by(receipt: &TransactionReceipt) -> Result<NodeId, AgentError> {
    let mut logs = receipt.logs().iter();
    logs.find_map(|log| log.log_decode::<NodeRegistry::NodeRegistered>().ok())
        .map(|log| NodeId(log.inner.nodeId))
        .ok_or_else(|| AgentError::new("the registration landed but named no node: is the deployment file right?"))
}

/// So that the other commands need no `--node`.
pub(super) async fn remember(agent: &Agent, node: NodeId, owner: Address) -> Result<(), AgentError> {
    let (chain, registry) = (agent.market.chain_id(), agent.market.address(ContractName::NodeRegistry));
    agent.store.set_node(chain, registry, node, owner).await
}
