//! Bringing a node to where it can work: proved, staked, online.

use aiigo_protocol::{ContractName, NodeId, NodeStatus, units::format_amount};
use alloy::primitives::Address;

use crate::{
    error::AgentError,
    market::{Market, status_of},
    prove::Prover,
    sender::Sender,
};

/// Makes sure that a key may work for a node.
pub(crate) async fn check_operator(market: &Market, node: NodeId, signer: Address) -> Result<(), AgentError> {
    let info = market.node(node).await?;
    if info.operator == signer {
        return Ok(());
    }
    if info.owner == signer {
        tracing::warn!(
            "this is the owner's key: keep it off this machine, and give the node an operator by `aiigo-agent setup \
             --operator ADDRESS`"
        );
        return Ok(());
    }
    Err(AgentError::new(format!(
        "{signer} is not the operator of node {node}, {} is: use that key, or change it with the owner's key by \
         `aiigo-agent setup --operator {signer}`",
        info.operator
    )))
}

/// Proves, goes online, and returns when the node is Active.
pub(crate) async fn activate(
    market: &Market,
    sender: &Sender,
    node: NodeId,
    prover: &Prover,
) -> Result<(), AgentError> {
    loop {
        let info = market.node(node).await?;
        match status_of(&info)? {
            NodeStatus::Active => return Ok(()),
            NodeStatus::None => {
                return Err(AgentError::new(format!("there is no node {node}: run `aiigo-agent setup`")));
            }
            NodeStatus::Slashed => {
                return Err(AgentError::new(format!(
                    "node {node} is banned for misuse: its owner can unstake what is left"
                )));
            }
            NodeStatus::Pending => prover.onboard(sender).await?,
            NodeStatus::Inactive => go_online(market, sender, node).await?,
            // Verified: proved, but the stake is too small.
            NodeStatus::Verified => {
                return Err(AgentError::new(format!(
                    "node {node} has a stake of {} AIIGO, less than the minimum: add to it with the owner's key by \
                     `aiigo-agent setup --stake AMOUNT`",
                    format_amount(alloy::primitives::U256::from(info.stake))
                )));
            }
        }
    }
}

async fn go_online(market: &Market, sender: &Sender, node: NodeId) -> Result<(), AgentError> {
    let call = market.call(ContractName::NodeRegistry, market.registry().setOnline(node.0, true).calldata().clone());
    // Going online again is refused by the contract, so a key of its own for each time does no harm.
    let key = format!("online:{node}:{}", market.head().await?.number);
    sender.must_land(&key, &format!("take node {node} online"), call).await.map(|_| ())
}
