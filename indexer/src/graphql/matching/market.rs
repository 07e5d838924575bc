//! The nodes as the ranking sees them, and the contracts' rules that it doesn't know.

use std::collections::HashMap;

use aiigo_matching::{Candidate, Ranked, Refusal, Requirements, Weights};
use aiigo_protocol::{INodeRegistry, NodeRegistry::TokenLimits, NodeStatus, ResourceType};
use alloy::primitives::{Address, U256};
use async_graphql::{Context, Result};

use crate::{
    graphql::{failure, loaders::snapshot, objects::protocol::stored},
    ingest::projections::parameters,
    store::{Column, Condition, Order, Value, key, rows},
};

/// Nodes looked at, at most: the most powerful of the resource type.
const MAX_CANDIDATES: u32 = 10_000;

/// What is asked of a node.
pub(super) struct Wanted {
    pub(super) resource_type: ResourceType,
    /// Milli-TFLOPS.
    pub(super) min_power: u64,
    pub(super) trust: u8,
    pub(super) price_per_hour: U256,
    pub(super) token: Address,
    pub(super) escrow: U256,
    pub(super) buyer: Option<Address>,
    pub(super) excluded: Vec<u64>,
}

/// Why a node can't do a task.
pub(super) enum Reason {
    /// By the ranking's rules.
    Refusal(Refusal),
    /// Its open escrow in the token, with the task's, is above what its trust level allows.
    EscrowCap { open: U256, cap: U256 },
}

/// The nodes, ranked; those that were refused with their reasons.
pub(super) struct Ranking {
    pub(super) ranked: Vec<(rows::Node, Ranked)>,
    pub(super) refused: Vec<(rows::Node, Vec<Reason>)>,
}

/// Ranks the nodes of the resource type.
pub(super) async fn rank(ctx: &Context<'_>, wanted: &Wanted, weights: &Weights) -> Result<Ranking> {
    let limits: Option<INodeRegistry::Parameters> = stored(ctx, parameters::REGISTRY).await?;
    let limits = limits.unwrap_or_default();
    let nodes = nodes(ctx, wanted.resource_type).await?;
    let open = open_escrows(ctx, &nodes, wanted.token).await?;

    let candidates: Vec<Candidate> = nodes.iter().map(|node| candidate(node, wanted, &limits)).collect();
    let ranking = aiigo_matching::rank(&requirements(wanted), &candidates, weights);

    let token_limits: Option<TokenLimits> = stored(ctx, &parameters::limits_of(wanted.token)).await?;
    let token_limits = token_limits.unwrap_or_default();
    let over_cap = |node: &rows::Node| {
        let cap = U256::from(token_limits.cap(node.trust_level));
        let open = open.get(&node.id).copied().unwrap_or_default().saturating_add(wanted.escrow);
        (open > cap).then_some(Reason::EscrowCap { open, cap })
    };
    let mut result = Ranking { ranked: Vec::new(), refused: Vec::new() };
    for ranked in ranking.ranked {
        let node = nodes[ranked.candidate].clone();
        match over_cap(&node) {
            None => result.ranked.push((node, ranked)),
            Some(reason) => result.refused.push((node, vec![reason])),
        }
    }
    for refused in ranking.refused {
        let node = nodes[refused.candidate].clone();
        let reasons = refused.reasons.into_iter().map(Reason::Refusal).chain(over_cap(&node)).collect();
        result.refused.push((node, reasons));
    }
    result.refused.sort_by_key(|(node, _)| node.id);
    Ok(result)
}

fn requirements(wanted: &Wanted) -> Requirements {
    Requirements {
        resource_type: wanted.resource_type.into(),
        milli_tflops: wanted.min_power,
        trust: wanted.trust,
        max_price_per_hour: wanted.price_per_hour.saturating_to(),
        buyer: wanted.buyer.map(text),
        regions: Vec::new(),
        min_uptime_bps: None,
        excluded: wanted.excluded.clone(),
    }
}

fn candidate(node: &rows::Node, wanted: &Wanted, limits: &INodeRegistry::Parameters) -> Candidate {
    // The marketplace refuses a node if any of its keys is the buyer's.
    let buyers = [node.operator, node.payout].into_iter().find(|key| Some(*key) == wanted.buyer);
    let challenges = u64::from(node.challenges_passed) + u64::from(node.challenges_missed);
    Candidate {
        node_id: node.id,
        owner: text(buyers.unwrap_or(node.owner)),
        active: node.status == NodeStatus::Active,
        resource_type: node.resource_type.into(),
        free_milli_tflops: node.power.saturating_sub(node.running_power).saturating_to(),
        free_slots: free_slots(node, U256::from(limits.minStake)),
        trust: node.trust_level,
        reputation: node.reputation,
        price_per_hour: None,
        latency_millis: None,
        uptime_bps: (u64::from(node.challenges_passed) * 10_000)
            .checked_div(challenges)
            .and_then(|bps| u16::try_from(bps).ok()),
        region: None,
    }
}

/// stake / minimum stake - running tasks, and no more than the registry can count.
fn free_slots(node: &rows::Node, min_stake: U256) -> u64 {
    let backed: u64 = node.stake.checked_div(min_stake).unwrap_or_default().saturating_to();
    let countable = u64::from(u16::MAX).saturating_sub(node.reviewing.into());
    backed.min(countable).saturating_sub(node.running.into())
}

async fn nodes(ctx: &Context<'_>, resource_type: ResourceType) -> Result<Vec<rows::Node>> {
    let condition = Condition::equals("resource_type", resource_type.value());
    let order = vec![Order { column: "power", descending: true }];
    let nodes = snapshot(ctx)?.list::<rows::Node>(condition, order, MAX_CANDIDATES).await;
    nodes.map_err(|error| failure(error.into()))
}

async fn open_escrows(ctx: &Context<'_>, nodes: &[rows::Node], token: Address) -> Result<HashMap<u64, U256>> {
    let keys: Vec<Vec<Value>> = nodes.iter().map(|node| key![node.id, token].to_vec()).collect();
    let found = snapshot(ctx)?.get_many::<rows::NodeEscrow>(&keys).await.map_err(|error| failure(error.into()))?;
    Ok(found.into_values().map(|escrow| (escrow.node_id, escrow.open)).collect())
}

fn text(address: Address) -> String {
    format!("{address:#x}")
}
