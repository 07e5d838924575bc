//! `aiigo job submit`: order a job and leave.

use std::path::PathBuf;

use aiigo_storage::GatewayUrl;
use clap::Args;
use serde_json::json;

use super::{
    create::{self, Order, Terms},
    form::JobArgs,
    prepare::{self, LocalJob, Prepared},
    providers,
    timeline::Timeline,
};
use crate::{
    CliError,
    args::{IndexerArgs, StoreArgs, WalletArgs},
    cli::Session,
    confirm::ConfirmArgs,
    format,
    progress::Progress,
    store::Contents,
    wallet::Wallet,
};

/// Order a job and leave; `aiigo job follow` comes back to it.
#[derive(Args, Debug)]
pub(crate) struct SubmitCommand {
    #[command(flatten)]
    order: OrderArgs,
}

/// A job and where it is ordered.
#[derive(Args, Clone, Debug)]
pub(crate) struct OrderArgs {
    #[command(flatten)]
    job: JobArgs,
    /// Where providers reach this buyer's store [default: as `aiigo store serve` last served it]
    #[arg(long, env = "AIIGO_GATEWAY", value_name = "URL")]
    gateway: Option<GatewayUrl>,
    #[command(flatten)]
    pub(crate) wallet: WalletArgs,
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    indexer: IndexerArgs,
    #[command(flatten)]
    confirm: ConfirmArgs,
}

impl OrderArgs {
    pub(crate) fn store_dir(&self) -> PathBuf {
        self.store.dir(&self.wallet.data)
    }

    /// Reads the job. Says what is wrong with it before anything is asked of the user.
    pub(crate) fn read(&self) -> Result<LocalJob, CliError> {
        self.job.read()
    }

    fn gateway(&self) -> Result<GatewayUrl, CliError> {
        self.gateway.clone().map_or_else(|| Contents::of(&self.store_dir()).gateway(), Ok)
    }

    /// Stores what the job needs, if it can be asked whether it is wanted.
    pub(crate) async fn prepare(&self, job: &LocalJob, progress: &Progress) -> Result<Prepared, CliError> {
        self.confirm.possible()?;
        let gateway = self.gateway()?;
        progress.waiting("storing module and inputs");
        let prepared = prepare::store(job, &self.store_dir(), gateway).await?;
        progress.step(&format!("{}: {}", prepared.spec.name, prepared.summary()));
        Ok(prepared)
    }

    /// Shows what ordering the job would do and cost; stores and sends nothing.
    pub(crate) async fn dry_run(&self, job: &LocalJob, progress: &Progress, session: &Session) -> Result<(), CliError> {
        progress.waiting("hashing module and inputs");
        let prepared = prepare::plan(job, self.gateway()?).await?;
        progress.step(&format!("{}: {}", prepared.spec.name, prepared.summary()));
        let wallet = self.wallet.open().await?;
        let terms = Terms::of(&prepared, &wallet).await?;
        terms.affordable(&wallet).await?;
        let cost = wallet.cost(&terms.call).await?;
        providers::show(self.indexer.optional()?.as_ref(), &prepared.request, wallet.address(), progress).await;
        let document = json!({
            "name": prepared.spec.name,
            "buyer": wallet.address(),
            "specHash": prepared.spec_hash,
            "specUri": prepared.request.specURI,
            "replicas": prepared.request.replicas,
            "seconds": prepared.request.duration,
            "escrowWei": terms.escrow.to_string(),
            "tipDepositWei": terms.tips.to_string(),
            "gas": cost.gas,
            "gasWei": cost.most.to_string(),
        });
        session.output.result(&document, || {
            let gas = format!("Gas: about {}, at most {}", cost.gas, format::eth(cost.most));
            format!("This would:\n  {}\n{gas}\nNothing was stored or sent.", terms.lines(&prepared).join("\n  "))
        })
    }

    /// Orders a prepared job, or takes up the order that was cut short.
    pub(crate) async fn order(
        &self,
        prepared: &Prepared,
        wallet: &Wallet,
        progress: &Progress,
        session: &Session,
    ) -> Result<Order, CliError> {
        let indexer = self.indexer.optional()?;
        let store = self.store_dir();
        create::order(prepared, wallet, indexer.as_ref(), &store, progress, self.confirm, session).await
    }
}

impl SubmitCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let progress = Progress::new(true);
        let prepared = self.order.prepare(&self.order.read()?, &progress).await?;
        let wallet = self.order.wallet.open().await?;
        let order = self.order.order(&prepared, &wallet, &progress, session).await?;
        let id = order.task_id;
        let mut timeline = Timeline::new(wallet.chain().clone(), id);
        super::follow::look(&mut timeline, &progress).await?;
        order.run.finish()?;
        let (status, task) = wallet.chain().task(id).await?;
        let document = json!({
            "taskId": id,
            "status": status,
            "escrowWei": task.escrow.to_string(),
            "specHash": prepared.spec_hash,
            "specUri": prepared.request.specURI,
            "timeline": timeline.moments(),
        });
        session.output.result(&document, || format!("task {id}\n\nTo wait for its result: aiigo job follow {id}"))
    }
}
