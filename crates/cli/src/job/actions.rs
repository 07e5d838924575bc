//! What a buyer does with one task: take its result, approve it, cancel it.

use std::path::PathBuf;

use aiigo_protocol::{ContractName, TaskId, TaskMarketplace, TaskStatus};
use alloy::sol_types::SolCall;
use clap::Args;

use super::{approval, delivery::Delivery, follow::look, report::Report, timeline::Timeline};
use crate::{
    CliError,
    args::{ChainArgs, DataArgs, StoreArgs, WalletArgs, parsed},
    cli::Session,
    confirm::ConfirmArgs,
    output::printable,
    progress::Progress,
};

/// Fetch a task's result and check every byte of it, without paying for it.
#[derive(Args, Debug)]
pub(crate) struct DownloadCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    /// Folder for the results [default: results/<task>]
    #[arg(long, value_name = "DIR")]
    results: Option<PathBuf>,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    store: StoreArgs,
}

impl DownloadCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let progress = Progress::new(false);
        let mut timeline = Timeline::new(chain.clone(), self.task);
        let status = look(&mut timeline, &progress).await?;
        if !matches!(status, TaskStatus::Completed | TaskStatus::Verified | TaskStatus::Disputed | TaskStatus::Resolved)
        {
            return Err(no_result(self.task, status));
        }
        let store = self.store.dir(&self.data);
        let delivery = Delivery { timeline: &timeline, store: &store };
        let delivered = delivery.take(self.results.as_deref()).await?;
        let report = Report::of(&chain, &timeline, Some(&delivered)).await?;
        session.output.result(&report, || report.text(None))
    }
}

/// Print what the program of a task printed.
#[derive(Args, Debug)]
pub(crate) struct LogsCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    #[command(flatten)]
    chain: ChainArgs,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    store: StoreArgs,
}

impl LogsCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let mut timeline = Timeline::new(self.chain.connect().await?, self.task);
        let status = look(&mut timeline, &Progress::new(false)).await?;
        if timeline.result().is_none() {
            return Err(no_result(self.task, status));
        }
        let store = self.store.dir(&self.data);
        let printed = Delivery { timeline: &timeline, store: &store }.printed().await?;
        let [stdout, stderr] = printed.map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()));
        let document = serde_json::json!({ "taskId": self.task, "stdout": stdout, "stderr": stderr });
        session.output.result(&document, || {
            let lines = |text: &str| text.lines().map(|line| printable(line) + "\n").collect::<String>();
            if let Some(text) = &stderr {
                eprint!("{}", lines(text));
            }
            stdout.as_deref().map(lines).unwrap_or_default().trim_end().to_owned()
        })
    }
}

/// Check a task's result and pay for it.
#[derive(Args, Debug)]
pub(crate) struct ApproveCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    /// Pay without fetching and checking the result
    #[arg(long)]
    unchecked: bool,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl ApproveCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let progress = Progress::new(false);
        let mut timeline = Timeline::new(wallet.chain().clone(), self.task);
        let status = look(&mut timeline, &progress).await?;
        if status != TaskStatus::Completed {
            return Err(no_result(self.task, status));
        }
        if !self.unchecked {
            let store = self.store.dir(&self.wallet.data);
            Delivery { timeline: &timeline, store: &store }.check().await?;
        }
        let checked = if self.unchecked { "which nobody has checked" } else { "which passed every check" };
        let line = format!("pay for the result of task {}, {checked}", self.task);
        self.confirm.agree(&wallet, &[line], &[&approval::call(&wallet, self.task)], session).await?;
        approval::approve(&wallet, self.task, session).await?;
        look(&mut timeline, &progress).await?;
        let report = Report::of(wallet.chain(), &timeline, None).await?;
        session.output.result(&report, || report.text(None))
    }
}

fn no_result(id: TaskId, status: TaskStatus) -> CliError {
    CliError::Failed(match status {
        TaskStatus::Open
        | TaskStatus::InProgress
        | TaskStatus::Recruiting
        | TaskStatus::Drawing
        | TaskStatus::Replicating => {
            format!("task {id} is {status}: it has no result yet; to wait for it: aiigo job follow {id}")
        }
        TaskStatus::Verified => format!("task {id} is approved and paid already"),
        TaskStatus::Disputed => format!("task {id} is before the court: its jury decides who is paid"),
        TaskStatus::Resolved => format!("task {id} was split as the court ruled"),
        _ => format!("task {id} is {status}: it has no result"),
    })
}

/// Take an open task back; the whole escrow returns.
#[derive(Args, Debug)]
pub(crate) struct CancelCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    #[command(flatten)]
    wallet: WalletArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl CancelCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let wallet = self.wallet.open().await?;
        let progress = Progress::new(false);
        let mut timeline = Timeline::new(wallet.chain().clone(), self.task);
        let status = look(&mut timeline, &progress).await?;
        if !matches!(status, TaskStatus::Open | TaskStatus::Recruiting) {
            return Err(CliError::Failed(format!(
                "task {} is {status}: only a task that still looks for a provider can be cancelled",
                self.task
            )));
        }
        let data = TaskMarketplace::cancelTaskCall { taskId: self.task.0 }.abi_encode();
        let call = wallet.call(format!("cancelling task {}", self.task), ContractName::TaskMarketplace, data);
        let line = format!("take task {} back; what was escrowed for it returns to your balance", self.task);
        self.confirm.agree(&wallet, &[line], &[&call], session).await?;
        wallet.send_once("cancel", call, &session.stop).await?;
        look(&mut timeline, &progress).await?;
        let report = Report::of(wallet.chain(), &timeline, None).await?;
        session
            .output
            .result(&report, || report.text(None) + "\nTo have the money in your account: aiigo wallet withdraw")
    }
}
