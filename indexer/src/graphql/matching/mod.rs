//! `match` and `quote`: who can do a task, ranked by the same function that the CLI and the agent use, each score
//! explained term by term and each refusal by its reasons.

mod market;
pub mod objects;

use aiigo_matching::Weights;
use aiigo_protocol::ReplicaStatus;
use alloy::primitives::{Address, U256};
use async_graphql::{Context, InputObject, Object, Result};

pub(super) use self::market::Markets;
use self::market::{Wanted, rank};
pub use self::objects::{Match, Quote};
use super::{
    bad_input,
    connection::MAX_PAGE,
    enums, failure,
    loaders::snapshot,
    objects::protocol::stored,
    scalars::{BigInt, Bytes},
};
use crate::{
    ingest::projections::parameters,
    store::{Condition, Order, key, rows},
};

/// How much each term counts; only the proportions matter. A term that is left out counts as by default.
#[derive(InputObject, Clone, Copy, Debug)]
#[graphql(name = "WeightsInput")]
pub struct WeightsInput {
    /// Of the price; 0.35 by default.
    price: Option<f64>,
    /// Of the reputation; 0.25 by default.
    reputation: Option<f64>,
    /// Of the latency; 0.05 by default.
    latency: Option<f64>,
    /// Of the uptime; 0.15 by default.
    uptime: Option<f64>,
    /// Of the power; 0.2 by default.
    power: Option<f64>,
}

/// A task that might be created.
#[derive(InputObject, Clone, Debug)]
#[graphql(name = "QuoteInput")]
pub struct QuoteInput {
    /// The resource asked for.
    resource_type: enums::ResourceType,
    /// The least power asked for, milli-TFLOPS.
    min_power: BigInt,
    /// Seconds of execution at most.
    duration: u32,
    /// The price of an hour, smallest units of the payment token.
    price_per_hour: BigInt,
    /// The least trust level asked for.
    #[graphql(default)]
    min_trust_level: u8,
    /// The token; ETH if none is given.
    payment_token: Option<Bytes>,
    /// Who would create it: nobody works for himself.
    buyer: Option<Bytes>,
}

/// Assignments that may fail before the buyer is refunded, each with a tip in the deposit: the marketplace's constant.
const MAX_ATTEMPTS: u64 = 4;

/// Who can do what.
#[derive(Debug, Default)]
pub struct Matching;

#[Object]
impl Matching {
    /// The nodes of a task's resource type, ranked for it; null if there is no such task.
    #[graphql(name = "match", complexity = "super::connection::page_cost(first, None, child_complexity)")]
    async fn rank_for(
        &self,
        ctx: &Context<'_>,
        task_id: Bytes,
        #[graphql(desc = "So many candidates and so many refusals, at most 200; 20 if it is not given.")] first: Option<
            i32,
        >,
        weights: Option<WeightsInput>,
    ) -> Result<Option<Match>> {
        let id = task_id.word()?;
        let task = snapshot(ctx)?.get::<rows::Task>(&key![id]).await.map_err(|error| failure(error.into()))?;
        let Some(task) = task else { return Ok(None) };
        let wanted = Wanted {
            resource_type: task.resource_type,
            min_power: task.min_power,
            trust: task.min_trust_level,
            price_per_hour: task.price_per_hour,
            token: task.payment_token,
            escrow: task.share(),
            buyer: Some(task.buyer),
            excluded: excluded(ctx, &task).await?,
        };
        let ranking = rank(ctx, &wanted, &checked(weights)?, size(first)?).await?;
        Ok(Some(Match::new(ranking)))
    }

    /// What a task would cost, and who could do it.
    #[graphql(complexity = "super::connection::page_cost(first, None, child_complexity)")]
    async fn quote(
        &self,
        ctx: &Context<'_>,
        request: QuoteInput,
        #[graphql(desc = "So many candidates and so many refusals, at most 200; 20 if it is not given.")] first: Option<
            i32,
        >,
        weights: Option<WeightsInput>,
    ) -> Result<Quote> {
        let token = request.payment_token.as_ref().map(Bytes::address).transpose()?.unwrap_or(Address::ZERO);
        let escrow = escrow_for(request.price_per_hour.0, request.duration)?;
        let wanted = Wanted {
            resource_type: request.resource_type.into(),
            min_power: request.min_power.saturating_u64(),
            trust: request.min_trust_level,
            price_per_hour: request.price_per_hour.0,
            token,
            escrow,
            buyer: request.buyer.as_ref().map(Bytes::address).transpose()?,
            excluded: Vec::new(),
        };
        let ranking = rank(ctx, &wanted, &checked(weights)?, size(first)?).await?;
        let allowed = snapshot(ctx)?.get::<rows::PaymentToken>(&key![token]).await;
        let allowed = allowed.map_err(|error| failure(error.into()))?.filter(|token| token.allowed);
        let market: Option<aiigo_protocol::ITaskMarketplace::Parameters> = stored(ctx, parameters::MARKET).await?;
        Ok(Quote {
            escrow: BigInt(escrow),
            token_allowed: allowed.is_some(),
            tip_deposit: BigInt(allowed.map_or(U256::ZERO, |token| token.timeout_tip * U256::from(MAX_ATTEMPTS))),
            fee_bps: market.map(|market| market.feeBps.into()),
            ranking: Match::new(ranking),
        })
    }
}

/// Price x duration / 3600, rounded up, as the marketplace reckons.
fn escrow_for(price_per_hour: U256, duration: u32) -> Result<U256> {
    const HOUR: U256 = U256::from_limbs([3_600, 0, 0, 0]);
    let escrow = price_per_hour.checked_mul(U256::from(duration)).map(|product| product.div_ceil(HOUR));
    escrow
        .filter(|escrow| escrow.bit_len() <= 96)
        .ok_or_else(|| bad_input("price x duration is larger than any escrow: at most 2^96 - 1 smallest units"))
}

fn size(first: Option<i32>) -> Result<usize> {
    let first = first.unwrap_or(20);
    usize::try_from(first)
        .ok()
        .filter(|size| *size <= MAX_PAGE as usize)
        .ok_or_else(|| bad_input(format!("`first` is {first}; it must be from 0 to {MAX_PAGE}")))
}

fn checked(input: Option<WeightsInput>) -> Result<Weights> {
    let default = Weights::default();
    let Some(input) = input else { return Ok(default) };
    let weights = Weights {
        price: input.price.unwrap_or(default.price),
        reputation: input.reputation.unwrap_or(default.reputation),
        latency: input.latency.unwrap_or(default.latency),
        uptime: input.uptime.unwrap_or(default.uptime),
        power: input.power.unwrap_or(default.power),
    };
    weights.check().map_err(|error| bad_input(error.to_string()))?;
    Ok(weights)
}

/// Nodes that failed a task and never get it again.
async fn excluded(ctx: &Context<'_>, task: &rows::Task) -> Result<Vec<u64>> {
    use crate::store::Column as _;
    let of_task = || Condition::equals("task_id", task.id.value());
    let first_to_last = |column| vec![Order { column, descending: false }];
    let snapshot = snapshot(ctx)?;
    let tries = snapshot.list::<rows::Assignment>(of_task(), first_to_last("attempt"), MAX_PAGE).await;
    let tries = tries.map_err(|error| failure(error.into()))?.into_iter();
    let failed = tries.filter(|one| one.outcome.is_failure()).map(|one| one.node_id);
    let late = of_task().and(Condition::equals("status", ReplicaStatus::TimedOut.value()));
    let late = snapshot.list::<rows::Replica>(late, first_to_last("round"), MAX_PAGE).await;
    let late = late.map_err(|error| failure(error.into()))?.into_iter().map(|one| one.node_id);
    Ok(failed.chain(late).collect())
}
