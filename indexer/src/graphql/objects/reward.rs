//! Epochs and base rewards.

use alloy::primitives::{Address, U256};
use async_graphql::{Context, Result};

use super::{Node, one};
use crate::{
    bonuses::BonusRoots,
    graphql::{
        failure,
        filter::filter,
        loaders::snapshot,
        object::object,
        scalars::{BigInt, Bytes, Expose as _},
    },
    store::{key, rows},
};

object! {
    /// An epoch of the reward schedule in which fees were paid or that was closed. Amounts in AIIGO wei.
    Epoch over rows::Epoch {
        fields {
            /// 0, 1, 2, …
            number: BigInt,
            /// Unix seconds.
            starts_at: BigInt,
            /// Unix seconds.
            ends_at: BigInt,
            /// Closed: its budget is fixed and its rewards can be claimed.
            closed: bool,
            /// When it was closed.
            closed_at: Option<BigInt>,
            /// The sum of the nodes' weights.
            total_weight: BigInt,
            /// For providers and stakers; known when it is closed.
            budget: Option<BigInt>,
            /// The providers' part.
            provider_budget: Option<BigInt>,
            /// The stakers' part.
            staker_reward: Option<BigInt>,
            /// What providers have claimed.
            claimed: BigInt,
        }
        lists {
            /// The nodes' parts.
            rewards: Reward(rows::Reward, RewardFilter, RewardOrder) where "epoch" is number,
        }
        more {
            /// The Merkle root of all bonuses up to it, recomputed from the events: what anybody can compare a posted root with.
            /// Null until it is closed, and while nobody has earned a bonus.
            async fn bonus_root(&self, ctx: &Context<'_>) -> Result<Option<Bytes>> {
                let roots = ctx.data::<BonusRoots>()?.of(&*snapshot(ctx)?).await.map_err(|error| failure(error.into()))?;
                Ok(roots.get(&self.0.number).copied().flatten().expose())
            }
        }
    }
}

filter! {
    "epochs", EpochFilter, EpochOrder for rows::Epoch {
        filters { number: u64, closed: bool, starts_at: u64, ends_at: u64 }
        orders { Number = number }
        default { "number" Desc }
    }
}

object! {
    /// A node's part in an epoch. Amounts in AIIGO wei.
    Reward over rows::Reward {
        fields {
            /// The node.
            node_id: BigInt,
            /// The epoch.
            epoch: BigInt,
            /// The fees of its tasks at the governance rate: the most it can get.
            weight: BigInt,
            /// How many tasks paid a fee.
            tasks: i32,
            /// What was claimed.
            claimed: Option<BigInt>,
            /// When it was claimed, Unix seconds.
            claimed_at: Option<BigInt>,
            /// Where it went.
            payout: Option<Bytes>,
        }
        more {
            /// What it gets of the epoch; null until the epoch is closed.
            async fn amount(&self, ctx: &Context<'_>) -> Result<Option<BigInt>> {
                let epoch = one::<rows::Epoch, Epoch>(ctx, key![self.0.epoch]).await?;
                Ok(epoch.and_then(|epoch| base_reward(&self.0, &epoch.0)).map(BigInt))
            }

            /// The node.
            async fn node(&self, ctx: &Context<'_>) -> Result<Option<Node>> {
                one::<rows::Node, _>(ctx, key![self.0.node_id]).await
            }
        }
    }
}

/// What the distributor pays: pro rata to the weights, and never more than the weight.
fn base_reward(reward: &rows::Reward, epoch: &rows::Epoch) -> Option<U256> {
    let budget = epoch.provider_budget?;
    // AIIGO amounts have 90 bits, so the product is exact.
    let share = budget.checked_mul(reward.weight)?.checked_div(epoch.total_weight)?;
    Some(share.min(reward.weight))
}

filter! {
    "rewards", RewardFilter, RewardOrder for rows::Reward {
        filters { node_id: u64, epoch: u64, weight: U256, claimed: U256 }
        orders { Epoch = epoch, Weight = weight, NodeId = node_id }
        default { "epoch" Desc }
    }
}

object! {
    /// The fees of a node's tasks in an epoch in one token.
    EpochFee over rows::EpochFee {
        fields {
            /// The node.
            node_id: BigInt,
            /// The epoch.
            epoch: BigInt,
            /// The token; zero is ETH.
            token: Bytes,
            /// Their sum, smallest units.
            fee: BigInt,
            /// What they weigh, AIIGO wei.
            weight: BigInt,
        }
    }
}

filter! {
    "fees", EpochFeeFilter, EpochFeeOrder for rows::EpochFee {
        filters { node_id: u64, epoch: u64, token: Address }
        orders { Epoch = epoch }
        default { "epoch" Desc }
    }
}
