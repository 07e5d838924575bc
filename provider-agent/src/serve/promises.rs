//! What the node goes for and the chain does not count yet. Acceptances may stand in one block: each is tried on a chain
//! that knows nothing of the others, and must leave room for them.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use aiigo_protocol::TaskId;
use alloy::primitives::U256;

use super::{Desk, candidates};
use crate::{
    error::AgentError,
    policy::{Demand, Refusal, Standing},
};

/// Tasks from their commitment to their acceptance.
#[derive(Debug, Default)]
pub(super) struct Promises {
    made: Mutex<HashMap<TaskId, Demand>>,
}

/// A promise; dropped when the chain counts the task, or it is lost.
#[derive(Debug)]
pub(super) struct Promise<'p> {
    promises: &'p Promises,
    task: TaskId,
}

impl Promises {
    /// Promises a task if the node has room for it beside what runs and what is promised already.
    pub(super) async fn make<'d>(
        desk: &'d Desk,
        task: TaskId,
        demand: Demand,
    ) -> Result<Result<Promise<'d>, Refusal>, AgentError> {
        let promises = &desk.promises;
        // A promise that ends while the chain is read may be missing in what was read: it counts until then.
        let before = promises.lock().clone();
        let standing = candidates::standing(&desk.market, desk.node, desk.clock.now().await?).await?;
        let mut made = promises.lock();
        let mut others = before;
        others.extend(made.iter());
        others.remove(&task);
        Ok(beside(standing, others.values()).room_for(demand).map(|()| {
            made.insert(task, demand);
            Promise { promises, task }
        }))
    }

    /// Promises what is under way already.
    pub(super) fn keep(&self, task: TaskId, demand: Demand) -> Promise<'_> {
        self.lock().insert(task, demand);
        Promise { promises: self, task }
    }

    /// What a standing leaves beside the promises.
    pub(super) fn left(&self, standing: Standing) -> Standing {
        beside(standing, self.lock().values())
    }

    /// No code that holds the lock can panic half-way.
    fn lock(&self) -> MutexGuard<'_, HashMap<TaskId, Demand>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Promise<'_> {
    fn drop(&mut self) {
        self.promises.lock().remove(&self.task);
    }
}

fn beside<'p>(standing: Standing, promised: impl Iterator<Item = &'p Demand>) -> Standing {
    promised.fold(standing, |mut standing, demand| {
        standing.free_slots = standing.free_slots.saturating_sub(U256::ONE);
        standing.open_escrow = standing.open_escrow.saturating_add(demand.escrow);
        standing.node.runningPower = standing.node.runningPower.saturating_add(demand.power);
        standing
    })
}
