//! `aiigo job run`: order a job and stay until its result is checked and paid for.

use std::process::ExitCode;

use clap::Args;

use super::{
    approval::Approve,
    follow::SettleArgs,
    settle::{Buyer, Settlement},
    submit::OrderArgs,
    timeline::Timeline,
};
use crate::{CliError, cli::Session, progress::Progress};

/// Order a job, wait for its result, check it, and approve it.
///
/// Cut short, the same command goes on where it stopped.
#[derive(Args, Debug)]
pub(crate) struct RunCommand {
    #[command(flatten)]
    order: OrderArgs,
    #[command(flatten)]
    settle: SettleArgs,
    /// Tell every step, with its transaction, as it happens
    #[arg(long)]
    follow: bool,
    /// Show what would be ordered and what it would cost; store and send nothing
    #[arg(long)]
    dry_run: bool,
}

impl RunCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<ExitCode, CliError> {
        let progress = Progress::new(self.follow);
        let job = self.order.read()?;
        if self.dry_run {
            self.order.dry_run(&job, &progress, session).await?;
            return Ok(ExitCode::SUCCESS);
        }
        let approve = Approve::resolve(self.settle.approve, job.job.replicas)?;
        let prepared = self.order.prepare(&job, &progress).await?;
        let wallet = self.order.wallet.open().await?;
        let order = self.order.order(&prepared, &wallet, &progress, session).await?;
        let mut timeline = Timeline::new(wallet.chain().clone(), order.task_id);
        let store = self.order.store_dir();
        let (buyer, results) = (Buyer::Payer(wallet), self.settle.results);
        let settlement = Settlement { session, progress: &progress, buyer, approve, store, results };
        let ended = settlement.finish(&mut timeline).await;
        // Cut short, or without an answer, it is still under way, and the same command comes back to it.
        if ended.as_ref().map_or_else(CliError::is_final, |_| true) {
            order.run.finish()?;
        }
        ended
    }
}
