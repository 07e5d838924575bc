//! Epochs, fees and base rewards.

use aiigo_protocol::RewardDistributor::RewardDistributorEvents as Rewards;
use alloy::primitives::U256;
use serde::{Deserialize, Serialize};

use super::{Moment, parameters, protocol};
use crate::store::{
    Changes, StoreError,
    rows::{Epoch, EpochFee, Reward, RewardRate},
};

/// The reward schedule.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Schedule {
    /// When epoch 0 begins, Unix seconds.
    pub(crate) start: u64,
    /// Seconds.
    pub(crate) epoch_length: u64,
    /// Seconds of the whole schedule.
    pub(crate) duration: u64,
    /// AIIGO wei that it releases.
    pub(crate) total: String,
}

pub(super) async fn apply(event: &Rewards, at: Moment, db: &mut Changes) -> Result<(), StoreError> {
    match event {
        Rewards::ScheduleStarted(e) => {
            let schedule = Schedule {
                start: e.start.to(),
                epoch_length: e.epochLength.to(),
                duration: e.duration.to(),
                total: e.total.to_string(),
            };
            parameters::set(db, parameters::SCHEDULE, &schedule, at).await
        }
        Rewards::FeeRecorded(e) => {
            let (epoch, node_id) = (e.epoch.saturating_to(), e.nodeId);
            change_epoch(db, epoch, |epoch| epoch.total_weight = epoch.total_weight.saturating_add(e.weight)).await?;
            let none =
                Reward { node_id, epoch, weight: U256::ZERO, tasks: 0, claimed: None, claimed_at: None, payout: None };
            db.upsert(none, |reward| {
                reward.weight = reward.weight.saturating_add(e.weight);
                reward.tasks += 1;
            })
            .await?;
            let none = EpochFee { node_id, epoch, token: e.token, fee: U256::ZERO, weight: U256::ZERO };
            db.upsert(none, |fees| {
                fees.fee = fees.fee.saturating_add(e.fee);
                fees.weight = fees.weight.saturating_add(e.weight);
            })
            .await
            .map(drop)
        }
        Rewards::EpochClosed(e) => {
            change_epoch(db, e.epoch.saturating_to(), |epoch| {
                epoch.closed = true;
                epoch.closed_at = Some(at.time);
                epoch.total_weight = e.totalWeight;
                epoch.budget = Some(e.budget);
                epoch.provider_budget = Some(e.providerBudget);
                epoch.staker_reward = Some(e.stakerReward);
            })
            .await
        }
        Rewards::BaseRewardClaimed(e) => {
            let epoch: u64 = e.epoch.saturating_to();
            db.update::<Reward>(&crate::store::key![e.nodeId, epoch], |reward| {
                reward.claimed = Some(e.amount);
                reward.claimed_at = Some(at.time);
                reward.payout = Some(e.payout);
            })
            .await?;
            change_epoch(db, epoch, |epoch| epoch.claimed = epoch.claimed.saturating_add(e.amount)).await?;
            protocol::total(db, |totals| totals.rewards_claimed = totals.rewards_claimed.saturating_add(e.amount)).await
        }
        Rewards::RateChanged(e) => {
            db.put(RewardRate { token: e.token, rate: e.rate, expires_at: e.expiresAt.to() }).await
        }
        Rewards::StakerShareChanged(e) => parameters::set(db, parameters::STAKER_SHARE, &e.stakerShareBps, at).await,
        _ => Ok(()),
    }
}

/// Changes an epoch; the first fee or its closing makes it.
async fn change_epoch(db: &mut Changes, number: u64, change: impl FnOnce(&mut Epoch)) -> Result<(), StoreError> {
    let schedule = parameters::get::<Schedule>(db, parameters::SCHEDULE)
        .await?
        .ok_or_else(|| parameters::missing(parameters::SCHEDULE))?;
    let starts_at = schedule.start.saturating_add(number.saturating_mul(schedule.epoch_length));
    let none = Epoch {
        number,
        starts_at,
        ends_at: starts_at.saturating_add(schedule.epoch_length),
        closed: false,
        closed_at: None,
        total_weight: U256::ZERO,
        budget: None,
        provider_budget: None,
        staker_reward: None,
        claimed: U256::ZERO,
    };
    db.upsert(none, change).await.map(drop)
}
