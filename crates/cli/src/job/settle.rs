//! The end of a job: its result fetched, checked, put in place and paid for.

use std::{path::PathBuf, process::ExitCode, time::Duration};

use aiigo_protocol::{TaskId, TaskStatus};
use aiigo_task::{Outcome, format_bytes};
use alloy::primitives::{B256, U256};

use super::{
    approval::{self, Approve},
    delivery::{Delivered, Delivery},
    follow::{INTERVAL, look, until_settled},
    report::{Report, outcome_text},
    timeline::Timeline,
};
use crate::{Chain, CliError, cli::Session, format, progress::Progress, store::task_is_over, wallet::Wallet};

/// How long another endpoint of the chain may take to know what one has told us.
const LAG: Duration = Duration::from_secs(30);

/// Who is at the keyboard.
#[derive(Debug)]
pub(crate) enum Buyer {
    /// Someone with the buyer's key.
    Payer(Wallet),
    /// Someone who looks.
    Watcher(Chain),
}

/// How a job is brought to its end.
#[derive(Debug)]
pub(crate) struct Settlement<'a> {
    pub(crate) session: &'a Session,
    pub(crate) progress: &'a Progress,
    pub(crate) buyer: Buyer,
    pub(crate) approve: Approve,
    /// The buyer's store.
    pub(crate) store: PathBuf,
    /// Where the results go, unless it is the usual place.
    pub(crate) results: Option<PathBuf>,
}

impl Settlement<'_> {
    pub(crate) fn chain(&self) -> &Chain {
        match &self.buyer {
            Buyer::Payer(wallet) => wallet.chain(),
            Buyer::Watcher(chain) => chain,
        }
    }

    /// Refuses early what could not be approved late.
    pub(crate) async fn owns(&self, id: TaskId) -> Result<(), CliError> {
        let (_, task) = self.chain().task(id).await?;
        match &self.buyer {
            Buyer::Payer(wallet) if wallet.address() != task.buyer => Err(CliError::Usage(format!(
                "task {id} is {}'s, and only they can approve it; the key given is {}'s. To only look: --approve never",
                task.buyer,
                wallet.address()
            ))),
            _ => Ok(()),
        }
    }

    /// Waits for the result, checks it, pays, reports. The exit code is 1 if there is no result or the program failed.
    pub(crate) async fn finish(&self, timeline: &mut Timeline) -> Result<ExitCode, CliError> {
        let status = until_settled(timeline, self.progress, self.session).await?;
        if matches!(status, TaskStatus::Cancelled | TaskStatus::Expired) {
            let report = Report::of(self.chain(), timeline, None).await?;
            self.unpin(timeline).await;
            self.session.output.result(&report, || report.text(None))?;
            self.progress.note(match status {
                TaskStatus::Expired => {
                    "It came to no result in time; the escrow went back to your balance: aiigo wallet withdraw"
                }
                _ => "The task was cancelled; the escrow went back to your balance: aiigo wallet withdraw",
            });
            return Ok(ExitCode::FAILURE);
        }
        let delivered = self.deliver(timeline).await?;
        if status == TaskStatus::Completed {
            self.pay(timeline, delivered.manifest.result_hash()).await?;
        }
        let report = Report::of(self.chain(), timeline, Some(&delivered)).await?;
        if status.is_final() || timeline.paid().is_some() {
            self.unpin(timeline).await;
        }
        self.session.output.result(&report, || report.text(None))?;
        Ok(match delivered.manifest.outcome {
            Outcome::Exited if delivered.manifest.exit_code == 0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        })
    }

    /// What the task needed and brought need not stay in the store. If that fails, the job is done all the same.
    async fn unpin(&self, timeline: &Timeline) {
        let chain_id = self.chain().deployment().chain_id;
        if let Err(error) = task_is_over(&self.store, chain_id, timeline.task_id()).await {
            tracing::warn!(%error, causes = ?error.causes(), "the blobs of the task stay pinned");
        }
    }

    /// Fetches and checks the result. It is not paid for if this fails.
    pub(crate) async fn deliver(&self, timeline: &Timeline) -> Result<Delivered, CliError> {
        let delivery = Delivery { timeline, store: &self.store };
        self.progress.waiting("fetching and checking the result");
        let delivered = delivery.take(self.results.as_deref()).await?;
        let manifest = &delivered.manifest;
        let size = manifest.outputs.iter().map(|output| output.size).sum();
        self.progress.step(&format!(
            "result checked: {} file(s), {}, every CID, size, digest and the result hash; in {}",
            manifest.outputs.len(),
            format_bytes(size),
            delivered.dir.display()
        ));
        self.progress.step(&outcome_text(manifest.outcome, Some(manifest.exit_code)));
        Ok(delivered)
    }

    /// Approves the result that was checked, if that is wanted.
    async fn pay(&self, timeline: &mut Timeline, checked: B256) -> Result<(), CliError> {
        let id = timeline.task_id();
        let (Buyer::Payer(wallet), true) = (&self.buyer, self.wanted(timeline).await?) else {
            let until = timeline.result().and_then(|result| result.review_until).map(format::date).unwrap_or_default();
            self.progress
                .note(&format!("Not approved. To approve: aiigo job approve {id} (from {until} on, anyone can)"));
            return Ok(());
        };
        look(timeline, self.progress).await?;
        if timeline.result().map(|result| result.hash) != Some(checked) {
            return Err(CliError::Failed(format!(
                "a reorganisation of the chain replaced the result that was checked: nothing was approved; to check the \
                 new one: aiigo job follow {id}"
            )));
        }
        self.progress.waiting("approving");
        match approval::approve(wallet, id, self.session).await {
            Ok(_) => {}
            // Whoever finalized it in the meantime has paid it just the same.
            Err(CliError::Refused { .. }) if self.chain().task(id).await?.0 == TaskStatus::Verified => {}
            Err(error) => return Err(error),
        }
        self.until_verified(timeline).await
    }

    /// The approval is on the chain; another endpoint of it may need a moment to know.
    async fn until_verified(&self, timeline: &mut Timeline) -> Result<(), CliError> {
        let watch = async {
            while timeline.paid().is_none() {
                look(timeline, self.progress).await?;
                tokio::time::sleep(INTERVAL).await;
            }
            Ok(())
        };
        tokio::select! {
            seen = watch => seen,
            () = tokio::time::sleep(LAG) => Ok(()),
            () = self.session.stop.cancelled() => Ok(()),
        }
    }

    async fn wanted(&self, timeline: &Timeline) -> Result<bool, CliError> {
        match self.approve {
            Approve::Auto => Ok(true),
            Approve::Never => Ok(false),
            Approve::Ask => {
                let question = self.question(timeline).await?;
                self.progress.pause();
                approval::ask(timeline.task_id(), question, self.session).await
            }
        }
    }

    async fn question(&self, timeline: &Timeline) -> Result<String, CliError> {
        let (_, task) = self.chain().task(timeline.task_id()).await?;
        let elapsed = U256::from(task.submittedAt.to::<u64>().saturating_sub(task.assignedAt.to()));
        let due = self.chain().market().dueFor(task.escrow, task.duration, elapsed).call().await;
        let due = due.map_err(|error| CliError::call("computing what is due", error))?;
        Ok(format!(
            "Approve, and pay {} for the work of node {} (in escrow: {}; the rest comes back)?",
            format::payment(task.paymentToken, due),
            task.nodeId,
            format::payment(task.paymentToken, task.escrow.to())
        ))
    }
}
