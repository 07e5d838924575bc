//! How rounds open, and what comes of them.

use aiigo_protocol::TaskStatus;

use super::{FITTING, Step};
use crate::{call::Call, cast::Holder, model::Model};

impl Step {
    /// While a round runs or has misses, many steps are for it: it is short.
    pub(super) fn is_for_audit(&self, model: &Model) -> bool {
        let round = model.round();
        self.which <= FITTING
            && self.details >> 1 & 1 == 1
            && round.number > 0
            && (model.now() <= round.finishes_at || self.details >> 2 & 3 == 3)
            && !self.due(model).is_empty()
    }

    fn due(&self, model: &Model) -> Vec<usize> {
        (0..model.node_count()).filter(|node| model.is_due(*node)).collect()
    }

    pub(super) fn audit(&self, model: &Model) -> (Holder, Call) {
        let round = model.round();
        let node = self.among(&self.due(model), model.node_count());
        if round.number == 0 || (model.now() > round.finishes_at && self.due(model).is_empty()) {
            return (self.person(), Call::OpenRound {});
        }
        if model.now() > round.finishes_at {
            return self.report(model);
        }
        let keys = model.keys(node);
        match self.details >> 5 & 3 {
            0 => self.excuse(model, node),
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
        let mut nodes: Vec<_> = (0..model.node_count()).filter(|node| self.details >> (8 + node % 8) & 3 != 0).collect();
        nodes.extend(nodes.first().copied().filter(|_| self.bit(7)));
        (self.person(), Call::ReportMissed { nodes })
    }
}
