//! Open tasks, from the market's events. What is here may be out of date; the chain is asked before anything is done.

use std::collections::BTreeMap;

use aiigo_chain::LocatedEvent;
use aiigo_protocol::{Event, TaskId, TaskMarketplace::TaskMarketplaceEvents};
use alloy::primitives::U256;

use crate::policy::Offer;

/// A task that can still become, or become again, open.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) offer: Offer,
    /// Block and position of its creation: its age.
    created: (u64, u64),
    open: bool,
    /// Last second of the acceptance window.
    accept_by: u64,
    /// The block after which nothing about it can change any more, once it is over.
    over: Option<u64>,
}

/// The tasks of the market that are not over.
#[derive(Debug, Default)]
pub(super) struct Offers {
    tasks: BTreeMap<TaskId, Known>,
}

impl Offers {
    /// Takes an event in.
    pub(super) fn apply(&mut self, located: &LocatedEvent) {
        let Some(Event::TaskMarketplace(event)) = &located.event else { return };
        match event {
            TaskMarketplaceEvents::TaskCreated(created) => {
                // Of a replicated task what concerns a node is its share.
                let seats = U256::from(created.request.replicas.max(1));
                let known = Known {
                    offer: Offer {
                        buyer: created.buyer,
                        request: created.request.clone(),
                        escrow: U256::from(created.escrow) / seats,
                        fee_bps: created.feeBps,
                        open_since: located.block.timestamp,
                    },
                    created: (located.block.number, located.log_index),
                    open: true,
                    accept_by: created.acceptBy.to(),
                    over: None,
                };
                self.tasks.insert(TaskId(created.taskId), known);
            }
            TaskMarketplaceEvents::TaskAccepted(accepted) => self.set(accepted.taskId, |known| known.open = false),
            TaskMarketplaceEvents::TaskReopened(reopened) => self.set(reopened.taskId, |known| {
                known.open = true;
                known.accept_by = reopened.acceptBy.to();
                known.offer.open_since = located.block.timestamp;
            }),
            TaskMarketplaceEvents::ReplicaWindowExtended(extended) => self.set(extended.taskId, |known| {
                known.open = true;
                known.accept_by = extended.acceptBy.to();
            }),
            TaskMarketplaceEvents::ReplicaDrawFixed(fixed) => self.set(fixed.taskId, |known| known.open = false),
            TaskMarketplaceEvents::ReplicasReopened(reopened) => self.set(reopened.taskId, |known| {
                known.open = true;
                known.accept_by = reopened.acceptBy.to();
            }),
            TaskMarketplaceEvents::ReplicasVerified(over) => self.end(over.taskId, located.block.number),
            TaskMarketplaceEvents::TaskVerified(over) => self.end(over.taskId, located.block.number),
            TaskMarketplaceEvents::TaskCancelled(over) => self.end(over.taskId, located.block.number),
            TaskMarketplaceEvents::TaskExpired(over) => self.end(over.taskId, located.block.number),
            TaskMarketplaceEvents::TaskResolved(over) => self.end(over.taskId, located.block.number),
            _ => {}
        }
    }

    /// Blocks above `block` never happened: their tasks are gone, and any other may be open again.
    pub(super) fn retract(&mut self, block: u64) {
        self.tasks.retain(|_, known| known.created.0 <= block);
        for known in self.tasks.values_mut() {
            if known.over.is_none_or(|over| over > block) {
                (known.open, known.over) = (true, None);
            }
        }
    }

    /// Forgets what is over for good.
    pub(super) fn settle(&mut self, finalized: u64) {
        self.tasks.retain(|_, known| known.over.is_none_or(|over| over > finalized));
    }

    pub(super) fn get(&self, task: TaskId) -> Option<&Offer> {
        self.tasks.get(&task).map(|known| &known.offer)
    }

    /// Tasks that can be taken at a time, the oldest first.
    pub(super) fn open_at(&self, now: u64) -> Vec<(TaskId, Offer)> {
        let mut open: Vec<_> = self.tasks.iter().filter(|(_, known)| known.open && known.accept_by > now).collect();
        open.sort_by_key(|(_, known)| known.created);
        open.into_iter().map(|(task, known)| (*task, known.offer.clone())).collect()
    }

    fn set(&mut self, task: alloy::primitives::B256, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.tasks.get_mut(&TaskId(task)) {
            change(known);
        }
    }

    fn end(&mut self, task: alloy::primitives::B256, block: u64) {
        self.set(task, |known| {
            known.open = false;
            known.over = Some(block);
        });
    }
}
