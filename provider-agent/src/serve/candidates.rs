//! Which of the open tasks to go for next.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use aiigo_protocol::TaskId;
use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};

use super::offers::Offers;
use crate::{
    error::{AgentError, Context, read_error},
    market::Market,
    policy::{Offer, Order, Policy, Refusal, Standing},
};

/// How long a refusal that may change stands.
const LOOK_AGAIN: Duration = Duration::from_secs(10);

/// Refusals, so that a task is looked at once and not at every block.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    standing: HashMap<TaskId, Noted>,
}

#[derive(Debug)]
struct Noted {
    reason: String,
    /// `None`: for good.
    until: Option<Instant>,
}

impl Refusals {
    /// Notes a refusal; whether it is news: it is said once, not at every look.
    #[must_use]
    pub(super) fn add(&mut self, task: TaskId, refusal: &Refusal) -> bool {
        let Refusal { reason, may_change } = refusal;
        let news = self.standing.get(&task).is_none_or(|noted| noted.reason != *reason);
        if news {
            tracing::info!(%task, reason, may_change, "not taking a task");
            metrics::counter!("aiigo_agent_refused_total").increment(1);
        }
        let until = may_change.then(|| Instant::now() + LOOK_AGAIN);
        self.standing.insert(task, Noted { reason: reason.clone(), until });
        news
    }

    /// Another policy: look at everything again.
    pub(super) fn clear(&mut self) {
        self.standing.clear();
    }

    /// The task changed: look at it again.
    pub(super) fn forget(&mut self, task: TaskId) {
        self.standing.remove(&task);
    }

    pub(super) fn stands(&self, task: TaskId) -> bool {
        self.standing.get(&task).is_some_and(|noted| noted.until.is_none_or(|until| Instant::now() < until))
    }

    /// Forgets refusals of tasks that are no more.
    pub(super) fn retain(&mut self, offers: &Offers) {
        self.standing.retain(|task, _| offers.get(*task).is_some());
    }
}

/// The node's state now.
pub(super) async fn standing(market: &Market, node: aiigo_protocol::NodeId, now: u64) -> Result<Standing, AgentError> {
    let registry = market.registry();
    let failed = |error| read_error(format!("cannot read the state of node {node}"), error);
    let limits = registry.tokenLimits(Address::ZERO).call().await.map_err(failed)?;
    let state = market.node(node).await?;
    Ok(Standing {
        free_slots: registry.freeSlots(node.0).call().await.map_err(failed)?,
        escrow_cap: U256::from(limits.cap(state.trustLevel)),
        open_escrow: registry.openEscrowOf(node.0, Address::ZERO).call().await.map_err(failed)?,
        node: state,
        now,
        gas_price: market.provider().get_gas_price().await.context("cannot read the gas price")?,
    })
}

/// In the order in which the provider wants them.
pub(super) fn ordered(mut open: Vec<(TaskId, Offer)>, policy: &Policy) -> Vec<(TaskId, Offer)> {
    match policy.order {
        Order::Fifo => {}
        // A stable order: of equals the oldest.
        Order::BestPaying => open.sort_by_key(|(_, offer)| std::cmp::Reverse(offer.request.pricePerHour)),
    }
    open
}
