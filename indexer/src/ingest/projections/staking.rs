//! Positions in the staking pool.

use aiigo_protocol::StakingPool::StakingPoolEvents as Pool;
use alloy::primitives::{Address, U256};

use super::{Moment, protocol, token};
use crate::store::{Changes, StoreError, key, rows::Position};

/// `aiigo`: the token whose rewards are counted; those in other tokens are in the events alone.
pub(super) async fn apply(event: &Pool, aiigo: Address, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Pool::Staked(e) => {
            db.put(Position {
                id: e.positionId.saturating_to(),
                owner: e.owner,
                amount: e.amount,
                weight: e.weight,
                unlocks_at: e.unlocksAt.to(),
                opened_at: at.time,
                closed_at: None,
                penalty: U256::ZERO,
                rewards_claimed: U256::ZERO,
            })
            .await?;
            token::account(db, e.owner, |account| account.staked = account.staked.saturating_add(e.amount)).await?;
            protocol::total(db, |totals| {
                totals.pool_staked = totals.pool_staked.saturating_add(e.amount);
                totals.pool_weight = totals.pool_weight.saturating_add(e.weight);
            })
            .await
        }
        Pool::WeightReset(e) => {
            let id: u64 = e.positionId.saturating_to();
            let before = db.get::<Position>(&key![id]).await?.weight;
            db.update::<Position>(&key![id], |position| position.weight = e.weight).await?;
            protocol::total(db, |totals| {
                totals.pool_weight = totals.pool_weight.saturating_sub(before).saturating_add(e.weight);
            })
            .await
        }
        Pool::Unstaked(e) => {
            let weight = db
                .update::<Position>(&key![e.positionId.saturating_to::<u64>()], |position| {
                    position.closed_at = Some(at.time);
                    position.penalty = e.penaltyBurned;
                })
                .await?
                .weight;
            token::account(db, e.owner, |account| account.staked = account.staked.saturating_sub(e.amount)).await?;
            protocol::total(db, |totals| {
                totals.pool_staked = totals.pool_staked.saturating_sub(e.amount);
                totals.pool_weight = totals.pool_weight.saturating_sub(weight);
            })
            .await
        }
        Pool::StakeSeized(e) => {
            let id: u64 = e.positionId.saturating_to();
            let before = db.get::<Position>(&key![id]).await?;
            db.update::<Position>(&key![id], |position| (position.amount, position.weight) = (e.left, e.weight))
                .await?;
            token::account(db, before.owner, |account| account.staked = account.staked.saturating_sub(e.amount))
                .await?;
            protocol::total(db, |totals| {
                totals.pool_staked = totals.pool_staked.saturating_sub(e.amount);
                totals.pool_weight = totals.pool_weight.saturating_sub(before.weight).saturating_add(e.weight);
            })
            .await
        }
        Pool::RewardClaimed(e) if e.token == aiigo => db
            .update::<Position>(&key![e.positionId.saturating_to::<u64>()], |position| {
                position.rewards_claimed = position.rewards_claimed.saturating_add(e.amount);
            })
            .await
            .map(drop),
        Pool::RewardStreamed(e) if e.token == aiigo => {
            protocol::total(db, |totals| totals.pool_rewards = totals.pool_rewards.saturating_add(e.amount)).await
        }
        _ => Ok(()),
    }
}
