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

#[cfg(test)]
mod tests {
    use aiigo_protocol::NodeRegistry::NodeInfo;
    use alloy::primitives::B256;

    use super::*;

    #[test]
    fn what_is_promised_counts_as_if_it_ran_until_the_promise_ends() {
        let standing = || Standing {
            node: NodeInfo { verifiedPower: 100, ..NodeInfo::default() },
            free_slots: U256::from(2),
            escrow_cap: U256::from(10),
            open_escrow: U256::ZERO,
            gas_price: 0,
            now: 0,
        };
        let demand = |power: u64, escrow: u64| Demand { power, escrow: U256::from(escrow) };
        let promises = Promises::default();
        let refusal = |wanted| promises.left(standing()).room_for(wanted).err().map(|refusal| refusal.reason);
        assert_eq!(refusal(demand(100, 10)), None);

        let first = promises.keep(TaskId(B256::repeat_byte(1)), demand(60, 4));
        assert_eq!(refusal(demand(40, 6)), None);
        assert!(refusal(demand(41, 6)).is_some_and(|reason| reason.contains("too little power")));
        assert!(refusal(demand(40, 7)).is_some_and(|reason| reason.contains("trust level")));
        let second = promises.keep(TaskId(B256::repeat_byte(2)), demand(1, 1));
        assert!(refusal(demand(1, 1)).is_some_and(|reason| reason.contains("no further task")));
        drop((first, second));
        assert_eq!(refusal(demand(100, 10)), None);
    }
}
