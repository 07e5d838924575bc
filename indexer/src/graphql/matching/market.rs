//! The nodes as the ranking sees them, and the contracts' rules that it doesn't know.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use aiigo_matching::{Candidate, Ranked, Refusal, Refused, Requirements, Weights};
use aiigo_protocol::{INodeRegistry, NodeRegistry::TokenLimits, NodeStatus, ResourceType};
use alloy::primitives::{Address, B256, U256};
use async_graphql::{Context, Result};
use tokio::sync::Mutex;

use crate::{
    graphql::{failure, loaders::snapshot, objects::protocol::stored},
    ingest::projections::parameters,
    store::{Column, Condition, Order, PrimaryKey, key, rows},
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

/// The first nodes of a ranking, and the first that were refused with their reasons.
pub(super) struct Ranking {
    pub(super) ranked: Vec<(Arc<rows::Node>, Ranked)>,
    /// How many there are in all.
    pub(super) eligible: usize,
    pub(super) refused: Vec<(Arc<rows::Node>, Vec<Reason>)>,
    /// How many there are in all.
    pub(super) refused_count: usize,
}

/// The nodes of a resource type as of a block.
#[derive(Debug)]
struct Market {
    nodes: Vec<Arc<rows::Node>>,
    /// The same, as the ranking sees them.
    candidates: Vec<Candidate>,
    /// Open escrows of these nodes by token, as far as somebody asked.
    open: Mutex<HashMap<Address, OpenEscrows>>,
}

/// Open escrows, in the order of the nodes.
type OpenEscrows = Arc<Vec<U256>>;

/// The markets of a block.
type OfBlock = BTreeMap<u8, Arc<Market>>;

/// The markets as of the newest block that somebody asked about. However many ask, the nodes are read once a block.
#[derive(Debug, Default)]
pub(in crate::graphql) struct Markets {
    newest: Mutex<Option<(B256, OfBlock)>>,
}

impl Markets {
    /// The market of a resource type, as of the request's block.
    async fn of(&self, ctx: &Context<'_>, resource_type: ResourceType) -> Result<Arc<Market>> {
        let state = snapshot(ctx)?.state().await.map_err(|error| failure(error.into()))?;
        let block = state.and_then(|state| state.indexed_hash).unwrap_or_default();
        let mut newest = self.newest.lock().await;
        let markets = match &mut *newest {
            Some((of, markets)) if *of == block => markets,
            newest => &mut newest.insert((block, OfBlock::new())).1,
        };
        if let Some(market) = markets.get(&resource_type.into()) {
            return Ok(Arc::clone(market));
        }
        let market = Arc::new(Market::read(ctx, resource_type).await?);
        markets.insert(resource_type.into(), Arc::clone(&market));
        Ok(market)
    }
}

impl Market {
    async fn read(ctx: &Context<'_>, resource_type: ResourceType) -> Result<Self> {
        let limits: Option<INodeRegistry::Parameters> = stored(ctx, parameters::REGISTRY).await?;
        let min_stake = U256::from(limits.unwrap_or_default().minStake);
        let condition = Condition::equals("resource_type", resource_type.value());
        let order = vec![Order { column: "power", descending: true }];
        let nodes = snapshot(ctx)?.list::<rows::Node>(condition, order, MAX_CANDIDATES).await;
        let nodes: Vec<_> = nodes.map_err(|error| failure(error.into()))?.into_iter().map(Arc::new).collect();
        let candidates = nodes.iter().map(|node| candidate(node, min_stake)).collect();
        Ok(Self { nodes, candidates, open: Mutex::default() })
    }

    async fn open_escrows(&self, ctx: &Context<'_>, token: Address) -> Result<OpenEscrows> {
        let mut open = self.open.lock().await;
        if let Some(open) = open.get(&token) {
            return Ok(Arc::clone(open));
        }
        let keys: Vec<PrimaryKey> = self.nodes.iter().map(|node| key![node.id, token]).collect();
        let found = snapshot(ctx)?.get_many::<rows::NodeEscrow>(&keys).await.map_err(|error| failure(error.into()))?;
        let of = |key: &PrimaryKey| found.get(key).map_or(U256::ZERO, |escrow| escrow.open);
        let found = Arc::new(keys.iter().map(of).collect());
        open.insert(token, Arc::clone(&found));
        Ok(found)
    }
}

/// Ranks the nodes of the resource type, and tells the first `size` of both lists.
pub(super) async fn rank(ctx: &Context<'_>, wanted: &Wanted, weights: &Weights, size: usize) -> Result<Ranking> {
    let market = ctx.data::<Markets>()?.of(ctx, wanted.resource_type).await?;
    let open = market.open_escrows(ctx, wanted.token).await?;
    let token_limits: Option<TokenLimits> = stored(ctx, &parameters::limits_of(wanted.token)).await?;
    let token_limits = token_limits.unwrap_or_default();

    let owned_by_buyer = |node: &rows::Node| {
        let owned = wanted.buyer.is_some_and(|buyer| [node.owner, node.operator, node.payout].contains(&buyer));
        owned.then_some(Reason::Refusal(Refusal::OwnedByBuyer))
    };
    let over_cap = |index: usize| {
        let cap = U256::from(token_limits.cap(market.nodes[index].trust_level));
        let open = open[index].saturating_add(wanted.escrow);
        (open > cap).then_some(Reason::EscrowCap { open, cap })
    };
    let (requirements, candidates) = (requirements(wanted), &market.candidates);
    let node = |index: usize| Arc::clone(&market.nodes[index]);
    let aiigo_matching::Ranking { eligible, mut refused } = aiigo_matching::rank(&requirements, candidates, weights);
    let barred = |index: &usize| owned_by_buyer(&market.nodes[*index]).is_some() || over_cap(*index).is_some();
    let (barred, eligible): (Vec<usize>, Vec<usize>) = eligible.into_iter().partition(barred);
    refused.extend(barred);
    refused.sort_unstable_by_key(|index| market.nodes[*index].id);
    let explained = |index: usize| {
        let reasons = Refused::of(&requirements, candidates, index).reasons.into_iter().map(Reason::Refusal);
        reasons.chain(owned_by_buyer(&market.nodes[index])).chain(over_cap(index)).collect()
    };
    let ranked = |index: usize| Ranked::of(&requirements, candidates, index, weights);
    Ok(Ranking {
        ranked: eligible.iter().take(size).map(|index| (node(*index), ranked(*index))).collect(),
        eligible: eligible.len(),
        refused: refused.iter().take(size).map(|index| (node(*index), explained(*index))).collect(),
        refused_count: refused.len(),
    })
}

fn requirements(wanted: &Wanted) -> Requirements {
    Requirements {
        resource_type: wanted.resource_type.into(),
        milli_tflops: wanted.min_power,
        trust: wanted.trust,
        max_price_per_hour: wanted.price_per_hour.saturating_to(),
        // The marketplace refuses a node if any of its keys is the buyer's, not only the owner's.
        buyer: None,
        regions: Vec::new(),
        min_uptime_bps: None,
        excluded: wanted.excluded.clone(),
    }
}

fn candidate(node: &rows::Node, min_stake: U256) -> Candidate {
    Candidate {
        node_id: node.id,
        owner: format!("{:#x}", node.owner),
        active: node.status == NodeStatus::Active,
        resource_type: node.resource_type.into(),
        free_milli_tflops: node.power.saturating_sub(node.running_power).saturating_to(),
        free_slots: free_slots(node, min_stake),
        trust: node.trust_level,
        reputation: node.reputation,
        price_per_hour: None,
        latency_millis: None,
        uptime_bps: node.uptime_bps(),
        region: None,
    }
}

/// stake / minimum stake - running tasks, and no more than the registry can count.
fn free_slots(node: &rows::Node, min_stake: U256) -> u64 {
    let backed: u64 = node.stake.checked_div(min_stake).unwrap_or_default().saturating_to();
    let countable = u64::from(u16::MAX).saturating_sub(node.reviewing.into());
    backed.min(countable).saturating_sub(node.running.into())
}
