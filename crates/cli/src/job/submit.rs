//! `aiigo job submit`: order a job and leave.

use std::path::PathBuf;

use aiigo_storage::GatewayUrl;
use clap::Args;
use serde_json::json;

use super::{
    create::{self, Order},
    form::JobArgs,
    prepare::{self, Prepared},
    timeline::Timeline,
};
use crate::{
    CliError,
    args::{IndexerArgs, StoreArgs, WalletArgs},
    cli::Session,
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
}

impl OrderArgs {
    pub(crate) fn store_dir(&self) -> PathBuf {
        self.store.dir(&self.wallet.data)
    }

    /// Reads the job and stores what it needs. Says what is wrong with it before anything is asked of the user.
    pub(crate) async fn prepare(&self, progress: &Progress) -> Result<Prepared, CliError> {
        let job = self.job.read()?;
        let store = self.store_dir();
        let gateway = match &self.gateway {
            Some(gateway) => gateway.clone(),
            None => Contents::of(&store).gateway()?,
        };
        progress.waiting("storing module and inputs");
        let prepared = prepare::store(job, &store, gateway).await?;
        progress.step(&format!("{}: {}", prepared.spec.name, prepared.summary()));
        Ok(prepared)
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
        create::order(prepared, wallet, indexer.as_ref(), &self.store_dir(), progress, session).await
    }
}

impl SubmitCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let progress = Progress::new(true);
        let prepared = self.order.prepare(&progress).await?;
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
