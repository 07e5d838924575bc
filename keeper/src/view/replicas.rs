//! Tasks of several nodes, and nodes whose slot such a task still holds.

use aiigo_protocol::{NodeId, TaskId, TaskMarketplace::TaskMarketplaceEvents};

use super::journal::{Journaled, undo_by_parts};

/// Seconds to reveal after the last one for sealing. `REVEAL_WINDOW` of the market.
const REVEAL_WINDOW: u64 = 3_600;

/// A replicated task that is not settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicatedTask {
    /// Counted from 1.
    pub round: u8,
    /// How many nodes work on it.
    pub seats: u8,
    /// Where it stands.
    pub stage: ReplicaStage,
}

/// Where a replicated task stands; times are unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplicaStage {
    /// Nodes apply.
    Recruiting {
        /// Last second to apply.
        accept_by: u64,
    },
    /// The candidates are fixed.
    Drawing {
        /// The block whose randomness decides.
        block: u64,
    },
    /// The drawn nodes work.
    Working {
        /// Last second to seal a result.
        seal_until: u64,
        /// Last second to reveal it.
        reveal_until: u64,
        /// Results that are sealed.
        sealed: u8,
        /// Results that are revealed.
        revealed: u8,
    },
    /// The majority is paid, not unanimously.
    Counted {
        /// Last second to appeal.
        settle_after: u64,
        /// Appeals that the court has not decided.
        appeals: u8,
    },
}

/// Replicated tasks by id, and applications that hold a slot of their node, by the round that they were made in.
#[derive(Debug, Default)]
pub(super) struct Replicas {
    tasks: Journaled<TaskId, ReplicatedTask>,
    candidates: Journaled<(TaskId, NodeId), u8>,
}

undo_by_parts!(Replicas: tasks, candidates);

impl Replicas {
    pub(super) fn iter(&self) -> impl Iterator<Item = (TaskId, ReplicatedTask)> {
        self.tasks.iter().map(|(id, task)| (*id, *task))
    }

    pub(super) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// Candidates that were not drawn, or whose task is over.
    pub(super) fn releasable(&self) -> impl Iterator<Item = (TaskId, NodeId)> {
        self.candidates.iter().filter(|((task, _), round)| !self.may_draw(task, **round)).map(|(key, _)| *key)
    }

    fn may_draw(&self, task: &TaskId, round: u8) -> bool {
        let waits = |stage| matches!(stage, ReplicaStage::Recruiting { .. } | ReplicaStage::Drawing { .. });
        self.tasks.get(task).is_some_and(|task| task.round == round && waits(task.stage))
    }

    pub(super) fn apply(&mut self, block: u64, event: &TaskMarketplaceEvents) {
        use TaskMarketplaceEvents as E;
        match event {
            E::TaskCreated(e) if e.request.replicas != 1 => {
                let stage = ReplicaStage::Recruiting { accept_by: e.acceptBy.to() };
                let task = ReplicatedTask { round: 1, seats: e.request.replicas, stage };
                self.tasks.insert(block, TaskId(e.taskId), task);
            }
            E::ReplicaApplied(e) => {
                self.candidates.insert(block, (TaskId(e.taskId), NodeId(e.nodeId)), e.round);
            }
            E::ReplicaReleased(e) => self.candidates.remove(block, &(TaskId(e.taskId), NodeId(e.nodeId))),
            E::ReplicaWindowExtended(e) => self.change(block, TaskId(e.taskId), |task| {
                task.stage = ReplicaStage::Recruiting { accept_by: e.acceptBy.to() };
            }),
            E::ReplicaDrawFixed(e) => self.change(block, TaskId(e.taskId), |task| {
                task.stage = ReplicaStage::Drawing { block: e.drawBlock.to() };
            }),
            E::ReplicasDrawn(e) => {
                for node in &e.nodeIds {
                    self.candidates.remove(block, &(TaskId(e.taskId), NodeId(*node)));
                }
                let seal_until = e.sealUntil.to::<u64>();
                let reveal_until = seal_until.saturating_add(REVEAL_WINDOW);
                self.change(block, TaskId(e.taskId), |task| {
                    task.stage = ReplicaStage::Working { seal_until, reveal_until, sealed: 0, revealed: 0 };
                });
            }
            E::ReplicaSealed(e) => self.change(block, TaskId(e.taskId), |task| {
                if let ReplicaStage::Working { sealed, .. } = &mut task.stage {
                    *sealed = sealed.saturating_add(1);
                }
            }),
            E::ReplicasAllSealed(e) => self.change(block, TaskId(e.taskId), |task| {
                if let ReplicaStage::Working { reveal_until, .. } = &mut task.stage {
                    *reveal_until = e.revealUntil.to();
                }
            }),
            E::ReplicaRevealed(e) => self.change(block, TaskId(e.taskId), |task| {
                if let ReplicaStage::Working { revealed, .. } = &mut task.stage {
                    *revealed = revealed.saturating_add(1);
                }
            }),
            E::ReplicasReopened(e) => self.change(block, TaskId(e.taskId), |task| {
                task.round = e.round;
                task.stage = ReplicaStage::Recruiting { accept_by: e.acceptBy.to() };
            }),
            E::ReplicasJudged(e) => match e.settleAfter.to::<u64>() {
                // Unanimous: settled at once.
                0 => self.tasks.remove(block, &TaskId(e.taskId)),
                settle_after => self.change(block, TaskId(e.taskId), |task| {
                    task.stage = ReplicaStage::Counted { settle_after, appeals: 0 };
                }),
            },
            E::ReplicaAppealed(e) => self.change(block, TaskId(e.taskId), |task| {
                if let ReplicaStage::Counted { appeals, .. } = &mut task.stage {
                    *appeals = appeals.saturating_add(1);
                }
            }),
            E::ReplicaSettled(e) => self.settled(block, TaskId(e.taskId)),
            E::TaskCancelled(e) => self.tasks.remove(block, &TaskId(e.taskId)),
            E::TaskExpired(e) => self.tasks.remove(block, &TaskId(e.taskId)),
            _ => {}
        }
    }

    /// A seat has its last word: of a counted task the end of its appeal, or, when none is open, the settlement of all.
    fn settled(&mut self, block: u64, id: TaskId) {
        match self.tasks.get(&id).map(|task| task.stage) {
            Some(ReplicaStage::Counted { appeals: 0, .. }) => self.tasks.remove(block, &id),
            Some(ReplicaStage::Counted { settle_after, appeals }) => self.change(block, id, |task| {
                task.stage = ReplicaStage::Counted { settle_after, appeals: appeals - 1 };
            }),
            _ => {}
        }
    }

    fn change(&mut self, block: u64, id: TaskId, change: impl FnOnce(&mut ReplicatedTask)) {
        if let Some(mut task) = self.tasks.get(&id).copied() {
            change(&mut task);
            self.tasks.insert(block, id, task);
        }
    }
}
