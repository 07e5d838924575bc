//! The daily series: what a day added to the running totals, and how it ended.

use alloy::primitives::U256;

use super::Moment;
use crate::store::{
    Changes, StoreError,
    rows::{Day, DayPrice, DayToken, Protocol, Task, TokenTotals},
};

/// Seconds.
pub(crate) const DAY: u64 = 86_400;

/// Adds what changed in the totals at a time.
pub(super) async fn totals(
    db: &mut Changes,
    time: u64,
    before: Option<&Protocol>,
    now: &Protocol,
) -> Result<(), StoreError> {
    let empty = Day {
        day: time / DAY,
        tasks: 0,
        tasks_verified: 0,
        tasks_resolved: 0,
        tasks_cancelled: 0,
        tasks_expired: 0,
        nodes: 0,
        slashed: U256::ZERO,
        minted: U256::ZERO,
        burned: U256::ZERO,
        nodes_active: 0,
        active_power: U256::ZERO,
        node_stake: U256::ZERO,
        pool_staked: U256::ZERO,
    };
    let count = |of: fn(&Protocol) -> u64| of(now).saturating_sub(before.map_or(0, of));
    let sum = |of: fn(&Protocol) -> U256| of(now).saturating_sub(before.map_or(U256::ZERO, of));
    db.upsert(empty, |day| {
        day.tasks += count(|totals| totals.tasks);
        day.tasks_verified += count(|totals| totals.tasks_verified);
        day.tasks_resolved += count(|totals| totals.tasks_resolved);
        day.tasks_cancelled += count(|totals| totals.tasks_cancelled);
        day.tasks_expired += count(|totals| totals.tasks_expired);
        day.nodes += count(|totals| totals.nodes);
        day.slashed = day.slashed.saturating_add(sum(|totals| totals.slashed));
        day.minted = day.minted.saturating_add(sum(|totals| totals.minted));
        day.burned = day.burned.saturating_add(sum(|totals| totals.burned));
        day.nodes_active = now.nodes_active;
        day.active_power = now.active_power;
        day.node_stake = now.node_stake;
        day.pool_staked = now.pool_staked;
    })
    .await
    .map(drop)
}

/// Adds what changed in the totals of a payment token.
pub(super) async fn token(
    db: &mut Changes,
    at: Moment,
    before: &TokenTotals,
    now: &TokenTotals,
) -> Result<(), StoreError> {
    let empty = DayToken {
        day: at.time / DAY,
        token: now.token,
        deposited: U256::ZERO,
        paid: U256::ZERO,
        fees: U256::ZERO,
        split: U256::ZERO,
        refunded: U256::ZERO,
    };
    let added = |sum: U256, of: fn(&TokenTotals) -> U256| sum.saturating_add(of(now).saturating_sub(of(before)));
    db.upsert(empty, |day| {
        day.deposited = added(day.deposited, |totals| totals.deposited);
        day.paid = added(day.paid, |totals| totals.paid);
        day.fees = added(day.fees, |totals| totals.fees);
        day.split = added(day.split, |totals| totals.split);
        day.refunded = added(day.refunded, |totals| totals.refunded);
    })
    .await
    .map(drop)
}

/// Adds the price of a new task.
pub(super) async fn price(db: &mut Changes, at: Moment, task: &Task) -> Result<(), StoreError> {
    let price = task.price_per_hour;
    let empty = DayPrice {
        day: at.time / DAY,
        resource_type: task.resource_type,
        token: task.payment_token,
        tasks: 0,
        sum: U256::ZERO,
        lowest: price,
        highest: price,
    };
    db.upsert(empty, |day| {
        day.tasks += 1;
        day.sum = day.sum.saturating_add(price);
        day.lowest = day.lowest.min(price);
        day.highest = day.highest.max(price);
    })
    .await
    .map(drop)
}
