//! Tasks of one node that are not over.

use aiigo_protocol::{NodeId, TaskId, TaskMarketplace::TaskMarketplaceEvents};

use super::journal::{Journaled, undo_by_parts};

/// A task that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiveTask {
    /// Assignments that ended without a result.
    pub attempts: u8,
    /// Where it stands.
    pub stage: Stage,
}

/// Where a live task stands, with the time (unix seconds) until which nobody but its parties can move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for a provider.
    Open {
        /// Last second of the acceptance window.
        accept_by: u64,
    },
    /// Being executed.
    Running {
        /// By whom.
        node: NodeId,
        /// Last second for the result, without the grace.
        deadline: u64,
    },
    /// The result waits for the buyer.
    Reviewed {
        /// Last second of the review window.
        review_until: u64,
    },
}

/// Live tasks by id.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    live: Journaled<TaskId, LiveTask>,
    grace: Journaled<(), u64>,
}

undo_by_parts!(Tasks: live, grace);

impl Tasks {
    pub(super) fn iter(&self) -> impl Iterator<Item = (TaskId, LiveTask)> {
        self.live.iter().map(|(id, task)| (*id, *task))
    }

    pub(super) fn len(&self) -> usize {
        self.live.len()
    }

    pub(super) fn grace(&self) -> u64 {
        self.grace.get(&()).copied().unwrap_or(0)
    }

    pub(super) fn apply(&mut self, block: u64, event: &TaskMarketplaceEvents) {
        use TaskMarketplaceEvents as E;
        match event {
            E::TaskCreated(e) if e.request.replicas == 1 => {
                let stage = Stage::Open { accept_by: e.acceptBy.to() };
                self.live.insert(block, TaskId(e.taskId), LiveTask { attempts: 0, stage });
            }
            E::TaskAccepted(e) => {
                let stage = Stage::Running { node: NodeId(e.nodeId), deadline: e.deadline.to() };
                self.set_stage(block, TaskId(e.taskId), stage);
            }
            E::ResultSubmitted(e) => {
                self.set_stage(block, TaskId(e.taskId), Stage::Reviewed { review_until: e.reviewUntil.to() });
            }
            E::TaskReopened(e) => {
                let stage = Stage::Open { accept_by: e.acceptBy.to() };
                self.live.insert(block, TaskId(e.taskId), LiveTask { attempts: e.attempts, stage });
            }
            E::TaskVerified(e) => self.live.remove(block, &TaskId(e.taskId)),
            E::TaskCancelled(e) => self.live.remove(block, &TaskId(e.taskId)),
            E::TaskExpired(e) => self.live.remove(block, &TaskId(e.taskId)),
            // The court's clock runs now.
            E::TaskDisputed(e) => self.live.remove(block, &TaskId(e.taskId)),
            E::MarketParametersChanged(e) => self.grace.insert(block, (), e.parameters.grace.into()),
            _ => {}
        }
    }

    fn set_stage(&mut self, block: u64, id: TaskId, stage: Stage) {
        let attempts = self.live.get(&id).map_or(0, |task| task.attempts);
        self.live.insert(block, id, LiveTask { attempts, stage });
    }
}
