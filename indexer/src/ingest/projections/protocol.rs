//! Running totals of the protocol.

use aiigo_protocol::{NodeStatus, TaskStatus};
use alloy::primitives::{Address, U256};

use super::{Moment, day};
use crate::store::{
    Changes, Row as _, StoreError,
    rows::{Node, Protocol, TokenTotals},
};

/// Changes the totals.
pub(super) async fn total(db: &mut Changes, change: impl FnOnce(&mut Protocol)) -> Result<(), StoreError> {
    db.upsert(none(), change).await.map(drop)
}

/// Changes the totals of a payment token.
pub(super) async fn token_total(
    db: &mut Changes,
    at: Moment,
    token: Address,
    change: impl FnOnce(&mut TokenTotals),
) -> Result<(), StoreError> {
    let none = TokenTotals {
        token,
        escrowed: U256::ZERO,
        deposited: U256::ZERO,
        paid: U256::ZERO,
        fees: U256::ZERO,
        refunded: U256::ZERO,
        tips: U256::ZERO,
        split: U256::ZERO,
        withdrawn: U256::ZERO,
    };
    let before = db.find::<TokenTotals>(&none.key()).await?.unwrap_or_else(|| none.clone());
    let now = db.upsert(none, change).await?.clone();
    day::token(db, at, &before, &now).await
}

/// Takes a node out of the totals and puts it back as it is now.
pub(super) async fn recount_node(db: &mut Changes, before: Option<&Node>, now: &Node) -> Result<(), StoreError> {
    total(db, |totals| {
        if let Some(before) = before {
            if let Some(count) = node_counter(totals, before.status) {
                *count = count.saturating_sub(1);
            }
            totals.active_power = totals.active_power.saturating_sub(active_power(before));
            totals.node_stake = totals.node_stake.saturating_sub(before.stake);
            totals.node_unbonding = totals.node_unbonding.saturating_sub(before.unbonding);
        } else {
            totals.nodes += 1;
        }
        if let Some(count) = node_counter(totals, now.status) {
            *count += 1;
        }
        totals.active_power = totals.active_power.saturating_add(active_power(now));
        totals.node_stake = totals.node_stake.saturating_add(now.stake);
        totals.node_unbonding = totals.node_unbonding.saturating_add(now.unbonding);
    })
    .await
}

/// Moves a task from one status to another; a new task comes from none.
pub(super) async fn recount_task(db: &mut Changes, before: TaskStatus, now: TaskStatus) -> Result<(), StoreError> {
    total(db, |totals| {
        match task_counter(totals, before) {
            Some(count) => *count = count.saturating_sub(1),
            None => totals.tasks += 1,
        }
        if let Some(count) = task_counter(totals, now) {
            *count += 1;
        }
    })
    .await
}

fn active_power(node: &Node) -> U256 {
    if node.status == NodeStatus::Active { node.power } else { U256::ZERO }
}

const fn node_counter(totals: &mut Protocol, status: NodeStatus) -> Option<&mut u64> {
    match status {
        NodeStatus::None => None,
        NodeStatus::Pending => Some(&mut totals.nodes_pending),
        NodeStatus::Verified => Some(&mut totals.nodes_verified),
        NodeStatus::Active => Some(&mut totals.nodes_active),
        NodeStatus::Inactive => Some(&mut totals.nodes_inactive),
        NodeStatus::Slashed => Some(&mut totals.nodes_slashed),
    }
}

const fn task_counter(totals: &mut Protocol, status: TaskStatus) -> Option<&mut u64> {
    match status {
        TaskStatus::None => None,
        TaskStatus::Open | TaskStatus::Recruiting | TaskStatus::Drawing => Some(&mut totals.tasks_open),
        TaskStatus::InProgress | TaskStatus::Replicating => Some(&mut totals.tasks_in_progress),
        TaskStatus::Completed => Some(&mut totals.tasks_completed),
        TaskStatus::Verified => Some(&mut totals.tasks_verified),
        TaskStatus::Cancelled => Some(&mut totals.tasks_cancelled),
        TaskStatus::Expired => Some(&mut totals.tasks_expired),
        TaskStatus::Disputed => Some(&mut totals.tasks_disputed),
        TaskStatus::Resolved => Some(&mut totals.tasks_resolved),
    }
}

const fn none() -> Protocol {
    Protocol {
        id: 0,
        nodes: 0,
        nodes_pending: 0,
        nodes_verified: 0,
        nodes_active: 0,
        nodes_inactive: 0,
        nodes_slashed: 0,
        active_power: U256::ZERO,
        node_stake: U256::ZERO,
        node_unbonding: U256::ZERO,
        slashed: U256::ZERO,
        tasks: 0,
        tasks_open: 0,
        tasks_in_progress: 0,
        tasks_completed: 0,
        tasks_verified: 0,
        tasks_cancelled: 0,
        tasks_expired: 0,
        tasks_disputed: 0,
        tasks_resolved: 0,
        pool_staked: U256::ZERO,
        pool_weight: U256::ZERO,
        pool_rewards: U256::ZERO,
        minted: U256::ZERO,
        burned: U256::ZERO,
        rewards_claimed: U256::ZERO,
    }
}
