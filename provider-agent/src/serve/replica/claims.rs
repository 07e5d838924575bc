//! Replicated tasks that the chain's events say this node has something in: what the database may not know of.

use std::collections::BTreeMap;

use aiigo_protocol::{NodeId, TaskId, TaskMarketplace::TaskMarketplaceEvents};
use alloy::primitives::B256;

/// Applications and seats, each with the block of its end, if it has ended.
#[derive(Debug)]
pub(crate) struct Claims {
    node: NodeId,
    tasks: BTreeMap<TaskId, Option<u64>>,
}

impl Claims {
    pub(crate) fn new(node: NodeId) -> Self {
        Self { node, tasks: BTreeMap::new() }
    }

    /// Takes in an event of `block`.
    pub(crate) fn apply(&mut self, block: u64, event: &TaskMarketplaceEvents) {
        use TaskMarketplaceEvents as E;
        match event {
            E::ReplicaApplied(e) => self.set(e.taskId, e.nodeId, None),
            E::ReplicaReleased(e) => self.set(e.taskId, e.nodeId, Some(block)),
            E::ReplicaRevealed(e) => self.set(e.taskId, e.nodeId, Some(block)),
            E::ReplicaTimedOut(e) => self.set(e.taskId, e.nodeId, Some(block)),
            _ => {}
        }
    }

    /// Blocks above `block` never happened.
    pub(crate) fn retract(&mut self, block: u64) {
        for ended in self.tasks.values_mut() {
            *ended = ended.filter(|ended| *ended <= block);
        }
    }

    /// Forgets what has ended for good.
    pub(crate) fn settle(&mut self, finalized: u64) {
        self.tasks.retain(|_, ended| ended.is_none_or(|ended| ended > finalized));
    }

    /// What has not ended.
    pub(crate) fn open(&self) -> impl Iterator<Item = TaskId> {
        self.tasks.iter().filter(|(_, ended)| ended.is_none()).map(|(task, _)| *task)
    }

    fn set(&mut self, task: B256, node: u64, ended: Option<u64>) {
        if node == self.node.0 {
            self.tasks.insert(TaskId(task), ended);
        }
    }
}

/// The replicated task that an event changes, as far as somebody may wait for it.
pub(crate) fn changed(event: &TaskMarketplaceEvents) -> Option<TaskId> {
    use TaskMarketplaceEvents as E;
    let task = match event {
        E::ReplicaWindowExtended(e) => e.taskId,
        E::ReplicaDrawFixed(e) => e.taskId,
        E::ReplicasDrawn(e) => e.taskId,
        E::ReplicaReleased(e) => e.taskId,
        E::ReplicasAllSealed(e) => e.taskId,
        E::ReplicasJudged(e) => e.taskId,
        E::ReplicasDisagreed(e) => e.taskId,
        E::ReplicaPaid(e) => e.taskId,
        E::TaskCancelled(e) => e.taskId,
        E::TaskExpired(e) => e.taskId,
        _ => return None,
    };
    Some(TaskId(task))
}

#[cfg(test)]
mod tests {
    use aiigo_protocol::TaskMarketplace::{ReplicaApplied, ReplicaReleased};
    use alloy::primitives::Address;

    use super::*;

    #[test]
    fn an_application_is_claimed_until_its_end_is_final() {
        let (own, other) = (B256::repeat_byte(1), B256::repeat_byte(2));
        let applied = |task, node| {
            let event = ReplicaApplied { taskId: task, nodeId: node, operator: Address::ZERO, round: 1 };
            TaskMarketplaceEvents::ReplicaApplied(event)
        };
        let mut claims = Claims::new(NodeId(7));
        claims.apply(4, &applied(own, 7));
        claims.apply(4, &applied(other, 8));
        assert_eq!(claims.open().collect::<Vec<_>>(), [TaskId(own)]);
        claims.apply(9, &TaskMarketplaceEvents::ReplicaReleased(ReplicaReleased { taskId: own, nodeId: 7 }));
        assert_eq!(claims.open().count(), 0);
        claims.retract(8);
        assert_eq!(claims.open().count(), 1, "its end never happened");
        claims.apply(9, &TaskMarketplaceEvents::ReplicaReleased(ReplicaReleased { taskId: own, nodeId: 7 }));
        claims.settle(9);
        claims.retract(8);
        assert_eq!(claims.open().count(), 0);
    }
}
