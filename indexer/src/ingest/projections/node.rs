//! Nodes: keys, stake, status, reputation. The status is derived as the registry derives it, whenever something that it
//! depends on changes.

use aiigo_protocol::{Cause, INodeRegistry, NodeRegistry::NodeRegistryEvents as Registry, NodeStatus, ResourceType};
use alloy::primitives::{Address, U256};

use super::{Moment, parameters, protocol, token, variant};
use crate::store::{
    Changes, StoreError, key,
    rows::{Earning, Node, NodeEscrow},
};

/// A node's reputation at its registration.
const START_REPUTATION: u16 = 5_000;

pub(super) async fn apply(event: &Registry, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
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
                review_until: None,
                last_audit_at: None,
                audits_passed: 0,
                audits_missed: 0,
                partner_bond: None,
                referrer: (e.referrer != 0).then_some(e.referrer),
            };
            protocol::recount_node(db, None, &node).await?;
            db.insert(node);
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
                if e.cause == u8::from(Cause::TaskVerified) || e.cause == u8::from(Cause::DisputeWon) {
                    node.tasks_verified += 1;
                }
                if e.cause == u8::from(Cause::DisputeLost) {
                    node.tasks_failed += 1;
                }
            })
            .await
        }
        Registry::CaseFeeTaken(e) => stake(db, e.nodeId, e.stake, e.unbonding).await,
        Registry::CaseFeeReturned(e) => stake(db, e.nodeId, e.stake, e.unbonding).await,
        Registry::ReviewStarted(e) => change(db, e.nodeId, |node| node.review_until = Some(e.until.to())).await,
        Registry::ReviewEnded(e) => change(db, e.nodeId, |node| node.review_until = None).await,
        Registry::PartnerRecorded(e) => {
            let partner = !e.slaHash.is_zero();
            change(db, e.nodeId, |node| node.partner_bond = partner.then(|| U256::from(e.bond))).await
        }
        Registry::TokenLimitsChanged(e) => parameters::set(db, &parameters::limits_of(e.token), &e.limits, at).await,
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
pub(super) async fn change(db: &mut Changes, id: u64, change: impl FnOnce(&mut Node)) -> Result<(), StoreError> {
    let before = db.get::<Node>(&key![id]).await?;
    let mut node = before.clone();
    change(&mut node);
    let rules = parameters::registry(db).await?;
    node.status = status(&node, node.stake >= U256::from(rules.minStake));
    node.trust_level = trust_level(&node, &rules);
    protocol::recount_node(db, Some(&before), &node).await?;
    db.put(node).await
}

/// Changes the sum of a node's open escrow in a token.
pub(super) async fn open_escrow(
    db: &mut Changes,
    node_id: u64,
    token: Address,
    change: impl FnOnce(U256) -> U256,
) -> Result<(), StoreError> {
    let none = NodeEscrow { node_id, token, open: U256::ZERO };
    db.upsert(none, |escrow| escrow.open = change(escrow.open)).await.map(drop)
}

/// A node was paid for a task.
pub(super) async fn earn(db: &mut Changes, node_id: u64, token: Address, amount: U256) -> Result<(), StoreError> {
    if amount.is_zero() {
        return Ok(());
    }
    let none = Earning { node_id, token, tasks: 0, amount: U256::ZERO };
    db.upsert(none, |earning| {
        earning.tasks += 1;
        earning.amount = earning.amount.saturating_add(amount);
    })
    .await
    .map(drop)
}

async fn stake(db: &mut Changes, id: u64, stake: U256, unbonding: U256) -> Result<(), StoreError> {
    change(db, id, |node| (node.stake, node.unbonding) = (stake, unbonding)).await
}

/// As TrustLevels.sol derives it.
fn trust_level(node: &Node, rules: &INodeRegistry::Parameters) -> u8 {
    if node.banned || node.stake < U256::from(rules.minStake) {
        return 0;
    }
    let third = U256::from(rules.levelThreeStake);
    if node.audits_passed == 0 || node.stake < U256::from(rules.levelTwoStake) {
        return 1;
    }
    let established = node.stake >= third && node.reputation >= rules.levelThreeReputation;
    if established && node.partner_bond.is_some_and(|bond| node.stake >= third.saturating_add(bond)) {
        return 4;
    }
    if node.audits_passed < u32::from(rules.levelTwoChallenges) {
        return 1;
    }
    let (verified, counted) = (u64::from(node.tasks_verified), u64::from(node.tasks_verified + node.tasks_failed));
    let succeeds = verified >= u64::from(rules.levelThreeTasks)
        && verified * 10_000 >= counted * u64::from(rules.levelThreeSuccessBps);
    if established && succeeds { 3 } else { 2 }
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

/// A resource type of an event.
pub(super) fn resource_type(number: u8) -> Result<ResourceType, StoreError> {
    variant("a resource type that this program knows", number)
}
