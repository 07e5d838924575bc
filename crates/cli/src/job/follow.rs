//! `aiigo job follow`: wait for a task's result.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use aiigo_protocol::{TaskId, TaskStatus};
use clap::Args;

use super::{
    approval::Approve,
    settle::{Buyer, Settlement},
    timeline::Timeline,
};
use crate::{
    CliError,
    args::{StoreArgs, WalletArgs, parsed},
    cli::Session,
    format,
    progress::Progress,
};

/// Pause between two looks at the chain.
pub(crate) const INTERVAL: Duration = Duration::from_millis(500);
/// How long the chain may be unreachable before waiting makes no sense.
const PATIENCE: Duration = Duration::from_secs(300);

/// Wait for a task's result, check it, and approve it.
#[derive(Args, Debug)]
pub(crate) struct FollowCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    #[command(flatten)]
    settle: SettleArgs,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    store: StoreArgs,
}

/// What to do with a result.
#[derive(Args, Clone, Debug)]
pub(crate) struct SettleArgs {
    /// Whether a result that passes every check is paid for [default on a terminal: ask]
    #[arg(long, value_enum, env = "AIIGO_APPROVE")]
    pub(crate) approve: Option<Approve>,
    /// Folder for the results [default: results/<task>]
    #[arg(long, value_name = "DIR")]
    pub(crate) results: Option<PathBuf>,
}

impl FollowCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, CliError> {
        let chain = self.wallet.chain.connect().await?;
        let (_, task) = chain.task(self.task).await?;
        let approve = Approve::resolve(self.settle.approve, task.replicas)?;
        let buyer = match approve {
            // Who only looks needs no key.
            Approve::Never => Buyer::Watcher(chain),
            _ => Buyer::Payer(self.wallet.open().await?),
        };
        let store = self.store.dir(&self.wallet.data);
        let progress = Progress::new(true);
        let results = self.settle.results;
        let settlement = Settlement { session, progress: &progress, buyer, approve, store, results };
        settlement.owns(self.task).await?;
        let mut timeline = Timeline::new(settlement.chain().clone(), self.task);
        settlement.finish(&mut timeline).await
    }
}

/// Waits until a task has a result, or can't get one any more; tells each step.
pub(crate) async fn until_settled(
    timeline: &mut Timeline,
    progress: &Progress,
    session: &Session,
) -> Result<TaskStatus, CliError> {
    let id = timeline.task_id();
    let mut answered = tokio::time::Instant::now();
    loop {
        match look(timeline, progress).await {
            Ok(status) if status == TaskStatus::Completed || status.is_final() => return Ok(status),
            Ok(_) => answered = tokio::time::Instant::now(),
            // A task lasts longer than most failures of a network.
            Err(error) if matches!(error, CliError::Caused { .. }) && answered.elapsed() < PATIENCE => {
                progress.waiting(format!("the chain does not answer, trying again: {}", error.causes().join(": ")));
            }
            Err(error) => return Err(error),
        }
        tokio::select! {
            () = tokio::time::sleep(INTERVAL) => {}
            () = session.stop.cancelled() => {
                let resume = format!("The task goes on without you; to come back: aiigo job follow {id}");
                return Err(CliError::Interrupted { resume });
            }
        }
    }
}

/// Tells what is new, and what is being waited for.
pub(crate) async fn look(timeline: &mut Timeline, progress: &Progress) -> Result<TaskStatus, CliError> {
    // The state first: whatever it says, the events read after it tell how it came about.
    let (status, task) = timeline.chain().task(timeline.task_id()).await?;
    let change = timeline.refresh().await?;
    for event in &change.undone {
        progress.note(&format!("undone by a reorganisation of the chain: {}", event.describe()));
    }
    for event in &change.added {
        progress.step_at(event.timestamp, &event.describe(), Some(&event.tx_hash));
    }
    progress.waiting(match status {
        TaskStatus::Open => format!("waiting for a provider, until {}", format::date(task.acceptBy.to())),
        TaskStatus::InProgress => {
            let deadline = timeline.deadline().map(|deadline| format!(", due by {}", format::date(deadline)));
            format!("node {} works on it{}", task.nodeId, deadline.unwrap_or_default())
        }
        TaskStatus::Recruiting => format!("nodes apply until {}", format::date(task.acceptBy.to())),
        TaskStatus::Drawing => {
            let block = timeline.draw_block().map(|block| format!(" by block {block}"));
            format!("the nodes are drawn{}", block.unwrap_or_default())
        }
        TaskStatus::Replicating => {
            let deadline = timeline.deadline().map(|deadline| format!(", due by {}", format::date(deadline)));
            format!("{} nodes work on it{}", task.replicas, deadline.unwrap_or_default())
        }
        _ => String::new(),
    });
    Ok(status)
}
