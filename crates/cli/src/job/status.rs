//! `aiigo job status`: where a task stands, from the chain itself.

use aiigo_protocol::TaskId;
use clap::Args;

use super::{follow::look, report::Report, timeline::Timeline};
use crate::{
    CliError,
    args::{ChainArgs, parsed},
    cli::Session,
    progress::Progress,
};

/// Show where a task stands, and its history.
#[derive(Args, Debug)]
pub(crate) struct StatusCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    #[command(flatten)]
    chain: ChainArgs,
}

impl StatusCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let mut timeline = Timeline::new(chain.clone(), self.task);
        // Without a task there is no history to search the whole chain for.
        chain.task(self.task).await?;
        look(&mut timeline, &Progress::new(false)).await?;
        let report = Report::of(&chain, &timeline, None).await?;
        session.output.result(&report, || report.text(Some(&timeline)))
    }
}
