//! The protocol as a whole: totals and governance parameters.

use aiigo_protocol::NodeRegistry::TokenLimits as Limits;
use aiigo_protocol::{IDisputeCourtBase, INodeRegistry, IProofOfWorkVerifier, ITaskMarketplace, ResourceType};
use alloy::primitives::U256;
use async_graphql::{Context, Object, Result, SimpleObject};
use serde::de::DeserializeOwned;

use super::one;
use crate::{
    graphql::{
        connection::MAX_PAGE,
        enums, failure,
        loaders::snapshot,
        object::object,
        scalars::{BigInt, Bytes, Expose},
    },
    ingest::projections::{parameters, reward::Schedule},
    store::{Condition, Order, Row, key, rows},
};

/// The protocol as a whole.
#[derive(Clone, Copy, Debug)]
pub struct Protocol;

/// The protocol as a whole.
#[Object]
impl Protocol {
    /// Counts and sums over everything; null before the first event.
    async fn totals(&self, ctx: &Context<'_>) -> Result<Option<Totals>> {
        one::<rows::Protocol, _>(ctx, key![0_u8]).await
    }

    /// What tasks moved, by payment token.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn tokens(&self, ctx: &Context<'_>) -> Result<Vec<TokenTotals>> {
        all::<rows::TokenTotals, _>(ctx).await
    }

    /// What governance has set.
    async fn parameters(&self) -> Parameters {
        Parameters
    }
}

object! {
    /// Counts and sums over everything.
    Totals over rows::Protocol {
        fields {
            /// Nodes registered.
            nodes: BigInt,
            /// Nodes that passed no challenge yet.
            nodes_pending: BigInt,
            /// Nodes that passed one and lack stake.
            nodes_verified: BigInt,
            /// Nodes that take work.
            nodes_active: BigInt,
            /// Nodes that are offline by choice.
            nodes_inactive: BigInt,
            /// Nodes that were banned.
            nodes_slashed: BigInt,
            /// Verified power of the active nodes, milli-TFLOPS.
            active_power: BigInt,
            /// AIIGO wei that nodes have staked.
            node_stake: BigInt,
            /// AIIGO wei leaving nodes.
            node_unbonding: BigInt,
            /// AIIGO wei burned by slashes.
            slashed: BigInt,
            /// Tasks created.
            tasks: BigInt,
            /// Tasks waiting for a provider.
            tasks_open: BigInt,
            /// Tasks being executed.
            tasks_in_progress: BigInt,
            /// Results waiting for their buyers.
            tasks_completed: BigInt,
            /// Tasks paid.
            tasks_verified: BigInt,
            /// Tasks taken back by their buyers.
            tasks_cancelled: BigInt,
            /// Tasks that nobody delivered.
            tasks_expired: BigInt,
            /// Tasks before a jury.
            tasks_disputed: BigInt,
            /// Tasks split by a ruling.
            tasks_resolved: BigInt,
            /// AIIGO wei in the staking pool.
            pool_staked: BigInt,
            /// Their weight.
            pool_weight: BigInt,
            /// AIIGO wei given to the pool's reward stream.
            pool_rewards: BigInt,
            /// AIIGO wei ever minted.
            minted: BigInt,
            /// AIIGO wei ever burned.
            burned: BigInt,
            /// AIIGO wei of base rewards claimed by providers.
            rewards_claimed: BigInt,
        }
    }
}

object! {
    /// What tasks moved in one payment token, in its smallest units.
    TokenTotals over rows::TokenTotals {
        fields {
            /// The token; zero is ETH.
            token: Bytes,
            /// In escrow now.
            escrowed: BigInt,
            /// Ever paid into escrow.
            deposited: BigInt,
            /// Credited to providers.
            paid: BigInt,
            /// Credited to the treasury.
            fees: BigInt,
            /// Credited back to buyers.
            refunded: BigInt,
            /// Credited to enforcers of timeouts.
            tips: BigInt,
            /// Split by rulings, the protocol's fees left out.
            split: BigInt,
            /// Withdrawn by anybody.
            withdrawn: BigInt,
        }
    }
}

/// What governance has set; null what it never announced.
#[derive(Clone, Copy, Debug)]
pub struct Parameters;

/// What governance has set; null what it never announced.
#[Object]
impl Parameters {
    /// The marketplace's.
    async fn market(&self, ctx: &Context<'_>) -> Result<Option<MarketParameters>> {
        let set = stored::<ITaskMarketplace::Parameters>(ctx, parameters::MARKET).await?;
        Ok(set.map(|set| MarketParameters {
            fee_bps: set.feeBps.expose(),
            grace: set.grace.expose(),
            min_duration: set.minDuration.expose(),
            max_duration: set.maxDuration.expose(),
            max_accept_window: set.maxAcceptWindow.expose(),
            min_review_window: set.minReviewWindow.expose(),
            max_review_window: set.maxReviewWindow.expose(),
            min_abandon_window: set.minAbandonWindow.expose(),
        }))
    }

    /// The node registry's.
    async fn registry(&self, ctx: &Context<'_>) -> Result<Option<RegistryParameters>> {
        let set = stored::<INodeRegistry::Parameters>(ctx, parameters::REGISTRY).await?;
        Ok(set.map(|set| RegistryParameters {
            registration_fee: BigInt(U256::from(set.registrationFee)),
            min_stake: BigInt(U256::from(set.minStake)),
            unbonding_period: set.unbondingPeriod.expose(),
            timeout_slash_bps: set.timeoutSlashBps.expose(),
            dispute_slash_bps: set.disputeSlashBps.expose(),
            misuse_slash_bps: set.misuseSlashBps.expose(),
            level_two_stake: BigInt(U256::from(set.levelTwoStake)),
            level_two_challenges: set.levelTwoChallenges.expose(),
            level_three_stake: BigInt(U256::from(set.levelThreeStake)),
            level_three_reputation: set.levelThreeReputation.expose(),
            level_three_tasks: set.levelThreeTasks.expose(),
            level_three_success_bps: set.levelThreeSuccessBps.expose(),
            review_period: set.reviewPeriod.expose(),
            review_min_tasks: set.reviewMinTasks.expose(),
            review_failure_bps: set.reviewFailureBps.expose(),
        }))
    }

    /// The limits of a payment token; null: none were set, so no task can be paid in it.
    async fn token_limits(&self, ctx: &Context<'_>, token: Bytes) -> Result<Option<TokenLimits>> {
        let set = stored::<Limits>(ctx, &parameters::limits_of(token.address()?)).await?;
        Ok(set.map(|set| TokenLimits {
            min_counted_fee: BigInt(U256::from(set.minCountedFee)),
            escrow_caps: (1..=4).map(|level| BigInt(U256::from(set.cap(level)))).collect(),
        }))
    }

    /// The proof-of-work verifier's.
    async fn verifier(&self, ctx: &Context<'_>) -> Result<Option<VerifierParameters>> {
        let set = stored::<IProofOfWorkVerifier::Parameters>(ctx, parameters::VERIFIER).await?;
        Ok(set.map(|set| VerifierParameters {
            window: set.window.expose(),
            cooldown: set.cooldown.expose(),
            audit_interval: set.auditInterval.expose(),
            jitter: set.jitter.expose(),
            reveal_window: set.revealWindow.expose(),
            late_window: set.lateWindow.expose(),
            calibrations: ResourceType::ALL
                .iter()
                .zip(set.hashesPerTflops)
                .map(|(kind, rate)| Calibration { resource_type: kind.expose(), hashes_per_tflops: rate.expose() })
                .collect(),
        }))
    }

    /// The dispute court's, for cases to come: an open one keeps those of its opening.
    async fn court(&self, ctx: &Context<'_>) -> Result<Option<CourtParameters>> {
        let set = stored::<IDisputeCourtBase::Parameters>(ctx, parameters::COURT).await?;
        Ok(set.map(|set| CourtParameters {
            min_position: BigInt(U256::from(set.minPosition)),
            seat_stake: BigInt(U256::from(set.seatStake)),
            tolerance_bps: set.toleranceBps.expose(),
            incoherence_penalty_bps: set.incoherencePenaltyBps.expose(),
            silence_penalty_bps: set.silencePenaltyBps.expose(),
            jury_size: set.jurySize.expose(),
            max_replacements: set.maxReplacements.expose(),
            case_fee: BigInt(U256::from(set.caseFee)),
            appeal_fee: BigInt(U256::from(set.appealFee)),
            draw_delay: set.drawDelay.expose(),
            draw_period: set.drawPeriod.expose(),
            commit_period: set.commitPeriod.expose(),
            reveal_period: set.revealPeriod.expose(),
            appeal_window: set.appealWindow.expose(),
            hold_period: set.holdPeriod.expose(),
        }))
    }

    /// The reward schedule.
    async fn schedule(&self, ctx: &Context<'_>) -> Result<Option<RewardSchedule>> {
        let set = stored::<Schedule>(ctx, parameters::SCHEDULE).await?;
        Ok(set.map(|set| RewardSchedule {
            start: set.start.expose(),
            epoch_length: set.epoch_length.expose(),
            duration: set.duration.expose(),
            total: BigInt(U256::from_str_radix(&set.total, 10).unwrap_or_default()),
        }))
    }

    /// The stakers' part of the rewards, basis points.
    async fn staker_share_bps(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        stored(ctx, parameters::STAKER_SHARE).await
    }

    /// The tokens that tasks were ever allowed to be paid in.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn payment_tokens(&self, ctx: &Context<'_>) -> Result<Vec<PaymentToken>> {
        all::<rows::PaymentToken, _>(ctx).await
    }

    /// What fees weigh in rewards, by token.
    #[graphql(complexity = "1 + 5 * child_complexity")]
    async fn reward_rates(&self, ctx: &Context<'_>) -> Result<Vec<RewardRate>> {
        all::<rows::RewardRate, _>(ctx).await
    }
}

/// Parameters of the marketplace; durations in seconds.
#[derive(SimpleObject, Clone, Debug)]
pub struct MarketParameters {
    /// The protocol's share of what is due, basis points.
    fee_bps: i32,
    /// After the duration, before a timeout.
    grace: i32,
    /// The shortest task.
    min_duration: i32,
    /// The longest task.
    max_duration: i32,
    /// The longest acceptance window.
    max_accept_window: i32,
    /// The shortest review window.
    min_review_window: i32,
    /// The longest review window.
    max_review_window: i32,
    /// A provider may give a task back for a tenth of its duration or this, whichever is longer.
    min_abandon_window: i32,
}

/// Parameters of the node registry; amounts in wei.
#[derive(SimpleObject, Clone, Debug)]
pub struct RegistryParameters {
    /// ETH, to the treasury.
    registration_fee: BigInt,
    /// AIIGO; also the stake behind one running task.
    min_stake: BigInt,
    /// Seconds.
    unbonding_period: i32,
    /// Of stake and unbonding, basis points.
    timeout_slash_bps: i32,
    /// Of stake and unbonding, basis points.
    dispute_slash_bps: i32,
    /// Of stake and unbonding, basis points.
    misuse_slash_bps: i32,
    /// AIIGO.
    level_two_stake: BigInt,
    /// Audit rounds passed.
    level_two_challenges: i32,
    /// AIIGO; level 4 adds the partner's bond.
    level_three_stake: BigInt,
    /// Of level 4 too.
    level_three_reputation: i32,
    /// Verified tasks that counted.
    level_three_tasks: i32,
    /// Of all that counted, basis points.
    level_three_success_bps: i32,
    /// Seconds after which a review ends by itself.
    review_period: i32,
    /// Tasks that must have counted since the last review.
    review_min_tasks: i32,
    /// Failures above this share of them allow a review, basis points.
    review_failure_bps: i32,
}

/// What bounds a payment token; amounts in its smallest units.
#[derive(SimpleObject, Clone, Debug)]
pub struct TokenLimits {
    /// A task with a smaller fee moves no reputation upwards.
    min_counted_fee: BigInt,
    /// The most that a node of trust level 1, 2, 3 and 4 may hold open in it.
    escrow_caps: Vec<BigInt>,
}

/// Parameters of the proof-of-work verifier.
#[derive(SimpleObject, Clone, Debug)]
pub struct VerifierParameters {
    /// Seconds from issue to the last block that may include the solution.
    window: i32,
    /// Seconds after a missed challenge before the next.
    cooldown: i32,
    /// Seconds from one audit round to the earliest time of the next.
    audit_interval: i32,
    /// Seconds, at most, that the next preimage adds to that.
    jitter: i32,
    /// Seconds until anyone may open a round without its preimage.
    reveal_window: i32,
    /// Seconds after the window for solutions whose hash was posted in time.
    late_window: i32,
    /// Hashes that count as power, by resource type.
    calibrations: Vec<Calibration>,
}

/// Parameters of the dispute court; amounts in AIIGO wei, durations in seconds.
#[derive(SimpleObject, Clone, Debug)]
pub struct CourtParameters {
    /// The smallest position to join the jurors with.
    min_position: BigInt,
    /// What penalties are shares of.
    seat_stake: BigInt,
    /// A vote further from the final ruling is incoherent, basis points.
    tolerance_bps: i32,
    /// Of a seat's stake, basis points.
    incoherence_penalty_bps: i32,
    /// Of a seat's stake, basis points.
    silence_penalty_bps: i32,
    /// Jurors of the first jury; an appeal has twice as many and one.
    jury_size: i32,
    /// Times in a round that silent jurors are replaced.
    max_replacements: i32,
    /// Of each side.
    case_fee: BigInt,
    /// Of the appellant.
    appeal_fee: BigInt,
    /// Blocks from fixing a draw to its random block.
    draw_delay: i32,
    /// To draw a jury.
    draw_period: i32,
    /// To seal a vote.
    commit_period: i32,
    /// To open it.
    reveal_period: i32,
    /// To appeal against the first ruling.
    appeal_window: i32,
    /// From leaving the jurors until the position can be released.
    hold_period: i32,
}

/// How many hashes count as power.
#[derive(SimpleObject, Clone, Debug)]
pub struct Calibration {
    /// The resource type.
    resource_type: enums::ResourceType,
    /// Hashes/s that count as one TFLOPS.
    hashes_per_tflops: BigInt,
}

/// The reward schedule.
#[derive(SimpleObject, Clone, Debug)]
pub struct RewardSchedule {
    /// When epoch 0 begins, Unix seconds.
    start: BigInt,
    /// Seconds.
    epoch_length: BigInt,
    /// Seconds of the whole schedule.
    duration: BigInt,
    /// AIIGO wei that it releases.
    total: BigInt,
}

object! {
    /// Whether a token may pay for tasks.
    PaymentToken over rows::PaymentToken {
        fields {
            /// The token; zero is ETH.
            token: Bytes,
            /// Whether it may.
            allowed: bool,
            /// The enforcer's tip per possible timeout, smallest units.
            timeout_tip: BigInt,
        }
    }
}

object! {
    /// What fees in a token weigh in rewards.
    RewardRate over rows::RewardRate {
        fields {
            /// The token; zero is ETH.
            token: Bytes,
            /// AIIGO wei per 1e18 smallest units of fee.
            rate: BigInt,
            /// When it ends, Unix seconds.
            expires_at: BigInt,
        }
    }
}

/// A set of parameters as the contract's struct.
pub(crate) async fn stored<T: DeserializeOwned>(ctx: &Context<'_>, name: &str) -> Result<Option<T>> {
    let row = snapshot(ctx)?.get::<rows::Parameter>(&key![name.to_owned()]).await;
    let row = row.map_err(|error| failure(error.into()))?;
    // Written by this program; what an older one wrote differently counts as never announced.
    Ok(row.and_then(|row| serde_json::from_str(&row.value).ok()))
}

/// Every row of a table that governance keeps small.
async fn all<R: Row, T: From<R>>(ctx: &Context<'_>) -> Result<Vec<T>> {
    let order = vec![Order { column: R::TABLE.columns[0], descending: false }];
    let found = snapshot(ctx)?.list::<R>(Condition::EVERYTHING, order, MAX_PAGE).await;
    Ok(found.map_err(|error| failure(error.into()))?.into_iter().map(T::from).collect())
}
