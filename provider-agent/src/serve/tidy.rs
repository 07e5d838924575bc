//! Folders of tasks that an earlier run did not live to remove.

use super::Desk;
use crate::{error::AgentError, store::Stage};

/// Removes the files of tasks that are over, or that nothing was promised for. Those of an outvoted node are evidence, and go
/// with the last word about its task.
pub(super) async fn tidy(desk: &Desk) -> Result<(), AgentError> {
    for task in desk.data.tasks()? {
        let is_left_over = match desk.store.work(task).await? {
            None => true,
            Some(work) => work.stage.is_over() && (work.stage != Stage::Failed || work.round.is_none()),
        };
        if is_left_over {
            tracing::info!(%task, "removing the files of a task that is over");
            desk.data.task(task).remove();
        }
    }
    Ok(())
}
