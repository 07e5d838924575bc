//! How rounds open, and what comes of them.

use aiigo_protocol::TaskStatus;

use super::{FITTING, Step, action::Action};
use crate::{call::Call, cast::Holder, model::Model};

impl Step {
    /// While a round runs or has misses, many steps are for it: it is short.
    pub(super) fn is_for_audit(&self, model: &Model) -> bool {
        let round = model.round();
        self.which <= FITTING
            && self.details >> 1 & 1 == 1
            && round.number > 0
            && match model.now() {
                now if now <= round.deadline => model.is_round_searched(),
                now => now > round.finishes_at && self.details >> 2 & 3 == 3,
            }
            && !self.due(model).is_empty()
    }

    /// In few sequences, but then one after the other: each takes a day.
    pub(super) fn opens_round(&self, model: &Model) -> bool {
        let is_audit = matches!(self.action, Action::Audit | Action::ReportMissed);
        let may = match model.round().number {
            0 => is_audit && self.details >> 24 & 3 == 0,
            1..=3 => is_audit || self.details >> 24 & 15 == 0,
            _ => is_audit && self.bit(6),
        };
        may && self.which <= FITTING && model.now() > model.round().finishes_at && !self.is_for_audit(model)
    }

    /// Of the last of the first nodes hardly anybody thinks while the round runs: it misses one after the other.
    fn due(&self, model: &Model) -> Vec<usize> {
        let is_over = model.now() > model.round().finishes_at;
        let is_thought_of = |node: &usize| *node != 2 || is_over || self.details >> 16 & 7 == 0;
        (0..model.node_count()).filter(|node| model.is_due(*node)).filter(is_thought_of).collect()
    }

    pub(super) fn audit(&self, model: &Model) -> (Holder, Call) {
        let round = model.round();
        let node = self.among(&self.due(model), model.node_count());
        if self.opens_round(model) || self.which > FITTING {
            return (self.person(), Call::OpenRound {});
        }
        if model.now() > round.finishes_at {
            return self.report(model);
        }
        let keys = model.keys(node);
        let excusable = model.excusable();
        match self.details >> 5 & 3 {
            0 | 2 if !excusable.is_empty() => {
                let (node, task) = excusable[usize::from(self.which) % excusable.len()];
                (self.person(), Call::Excuse { node, task })
            }
            0 if self.bit(6) => self.excuse(model, node),
            1 => (keys.operator, Call::AnswerRound { node, full: false }),
            _ => (keys.owner, Call::AnswerRound { node, full: true }),
        }
    }

    /// By a task of its own, if it has one.
    fn excuse(&self, model: &Model, node: usize) -> (Holder, Call) {
        let mut tasks = model.tasks_with(TaskStatus::InProgress);
        tasks.extend(model.tasks_with(TaskStatus::Completed));
        tasks.retain(|task| model.node_of(*task) == Some(node));
        (self.person(), Call::Excuse { node, task: self.among(&tasks, model.task_count()) })
    }

    /// Some nodes, now and then one of them twice.
    pub(super) fn report(&self, model: &Model) -> (Holder, Call) {
        let mut nodes: Vec<_> =
            (0..model.node_count()).filter(|node| self.details >> (8 + node % 8) & 3 != 0).collect();
        nodes.extend(nodes.first().copied().filter(|_| self.bit(7)));
        (self.person(), Call::ReportMissed { nodes })
    }
}
