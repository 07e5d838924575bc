//! Nodes: keys, stake, status, reputation. The status is derived as the registry derives it, whenever something that it
//! depends on changes.

use aiigo_protocol::{Cause, NodeRegistry::NodeRegistryEvents as Registry, NodeStatus, ResourceType};
use alloy::primitives::{Address, U256};

use super::{Moment, parameters, protocol, token};
use crate::store::{
    Changes, ColumnError, StoreError, Value, key,
    rows::{Node, NodeEscrow},
};

/// A node's reputation at its registration.
const START_REPUTATION: u16 = 5_000;

pub(super) async fn apply(event: &Registry, at: Moment, db: &mut Changes<'_>) -> Result<(), StoreError> {
    match event {
        Registry::NodeRegistered(e) => {
            let node = Node {
                id: e.nodeId,
                owner: e.owner,
                operator: e.operator,
                payout: e.payout,
                resource_type: resource_type(e.resourceType)?,
                metadata_uri: e.metadataURI.clone(),
                registered_at: at.time,
                status: NodeStatus::Pending,
                verified: false,
                online: false,
                banned: false,
                trust_level: 0,
                reputation: START_REPUTATION,
                stake: U256::ZERO,
                unbonding: U256::ZERO,
                unbonding_ready_at: None,
                slashed: U256::ZERO,
                hash_rate: U256::ZERO,
                power: U256::ZERO,
                running: 0,
                reviewing: 0,
                running_power: U256::ZERO,
                tasks_accepted: 0,
                tasks_paid: 0,
                tasks_verified: 0,
                tasks_failed: 0,
                challenges_passed: 0,
                challenges_missed: 0,
            };
            protocol::recount_node(db, None, &node).await?;
            db.put(node).await?;
            token::account(db, e.owner, |account| account.nodes_owned += 1).await
        }
        Registry::OperatorChanged(e) => change(db, e.nodeId, |node| node.operator = e.operator).await,
        Registry::PayoutChanged(e) => change(db, e.nodeId, |node| node.payout = e.payout).await,
        Registry::MetadataChanged(e) => change(db, e.nodeId, |node| node.metadata_uri = e.metadataURI.clone()).await,
        Registry::OnlineChanged(e) => change(db, e.nodeId, |node| node.online = e.online).await,
        Registry::NodeVerified(e) => change(db, e.nodeId, |node| node.verified = true).await,
        Registry::NodeBanned(e) => change(db, e.nodeId, |node| node.banned = true).await,
        Registry::StakeAdded(e) => change(db, e.nodeId, |node| node.stake = e.stake).await,
        Registry::UnbondingStarted(e) => {
            change(db, e.nodeId, |node| {
                node.stake = e.stake;
                node.unbonding = e.unbonding;
                node.unbonding_ready_at = Some(e.readyAt.to());
            })
            .await
        }
        Registry::StakeWithdrawn(e) => {
            change(db, e.nodeId, |node| {
                node.unbonding = e.unbonding;
                node.unbonding_ready_at = None;
            })
            .await
        }
        Registry::StakeSlashed(e) => {
            change(db, e.nodeId, |node| {
                node.stake = e.stake;
                node.unbonding = e.unbonding;
                node.slashed = node.slashed.saturating_add(e.burned);
            })
            .await?;
            protocol::total(db, |totals| totals.slashed = totals.slashed.saturating_add(e.burned)).await
        }
        Registry::ReputationChanged(e) => {
            change(db, e.nodeId, |node| {
                node.reputation = e.reputation;
                // Announced for a paid task exactly if it counts.
                if e.cause == u8::from(Cause::TaskVerified) {
                    node.tasks_verified += 1;
                }
            })
            .await
        }
        Registry::RegistryParametersChanged(e) => {
            parameters::set(db, parameters::REGISTRY, &e.parameters, at).await?;
            // The minimum stake is part of every node's status.
            let nodes: Vec<u64> = db.all::<Node>().await?.iter().map(|node| node.id).collect();
            for id in nodes {
                change(db, id, |_| ()).await?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Changes a node and derives what follows.
pub(super) async fn change(db: &mut Changes<'_>, id: u64, change: impl FnOnce(&mut Node)) -> Result<(), StoreError> {
    let before = db.get::<Node>(&key![id]).await?;
    let mut node = before.clone();
    change(&mut node);
    let enough = node.stake >= U256::from(parameters::registry(db).await?.minStake);
    node.status = status(&node, enough);
    // Level 1 is the minimum stake; higher levels need audits.
    node.trust_level = u8::from(enough && !node.banned);
    protocol::recount_node(db, Some(&before), &node).await?;
    db.put(node).await
}

/// Changes the sum of a node's open escrow in a token.
pub(super) async fn open_escrow(
    db: &mut Changes<'_>,
    node_id: u64,
    token: Address,
    change: impl FnOnce(U256) -> U256,
) -> Result<(), StoreError> {
    let none = NodeEscrow { node_id, token, open: U256::ZERO };
    db.upsert(none, |escrow| escrow.open = change(escrow.open)).await.map(drop)
}

const fn status(node: &Node, enough_stake: bool) -> NodeStatus {
    match (node.banned, node.verified, enough_stake, node.online) {
        (true, ..) => NodeStatus::Slashed,
        (_, false, ..) => NodeStatus::Pending,
        (_, _, false, _) => NodeStatus::Verified,
        (_, _, _, true) => NodeStatus::Active,
        (_, _, _, false) => NodeStatus::Inactive,
    }
}

/// A resource type of an event; the contracts check it, so another number means that this program is too old.
pub(super) fn resource_type(number: u8) -> Result<ResourceType, StoreError> {
    ResourceType::try_from(number).map_err(|_| StoreError::Damaged {
        table: "events",
        source: ColumnError::new("a resource type that this program knows", Value::Int(number.into())),
    })
}
