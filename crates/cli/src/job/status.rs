//! `aiigo job status` and `aiigo job show`: a task, from the chain itself.

use aiigo_protocol::{ResourceType, TaskId, TaskMarketplace::TaskRequest, units::format_power};
use alloy::primitives::U256;
use clap::Args;
use serde_json::json;

use super::{follow::look, report::Report, timeline::Timeline};
use crate::{
    CliError,
    args::{ChainArgs, parsed},
    cli::Session,
    format,
    output::{facts, printable},
    progress::Progress,
};

/// Show where a task stands.
#[derive(Args, Debug)]
pub(crate) struct StatusCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    /// And what happened to it, with the transactions
    #[arg(long)]
    timeline: bool,
    #[command(flatten)]
    chain: ChainArgs,
}

impl StatusCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let (timeline, report) = read(&self.chain, self.task).await?;
        session.output.result(&report, || report.text(self.timeline.then_some(&timeline)))
    }
}

/// Show all of a task: where it stands, what was ordered, what happened.
#[derive(Args, Debug)]
pub(crate) struct ShowCommand {
    /// The task's id
    #[arg(value_parser = parsed::<TaskId>)]
    task: TaskId,
    #[command(flatten)]
    chain: ChainArgs,
}

impl ShowCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let (timeline, report) = read(&self.chain, self.task).await?;
        let created = timeline.created();
        let created =
            created.ok_or_else(|| CliError::Failed(format!("the chain's events show no task {}", self.task)))?;
        let (buyer, request) = (created.buyer, &created.request);
        let kind = ResourceType::try_from(request.resourceType)
            .map_err(|error| CliError::caused("naming the kind of machine", error))?;
        let mut document = json!(report);
        document["buyer"] = json!(buyer);
        document["request"] = json!({
            "resourceType": kind.name(),
            "milliTflops": request.minPower,
            "trust": request.minTrustLevel,
            "replicas": request.replicas,
            "seconds": request.duration,
            "pricePerHour": request.pricePerHour.to_string(),
            "paymentToken": request.paymentToken,
            "acceptWindow": request.acceptWindow,
            "reviewWindow": request.reviewWindow,
            "watcher": request.watcher,
            "specHash": request.specHash,
            "specUri": request.specURI,
        });
        session.output.result(&document, || {
            let ordered = facts(&ordered(kind, request));
            format!("buyer: {buyer}\n\n{ordered}\n{}", report.text(Some(&timeline)))
        })
    }
}

/// What a task asks for, as people read it.
fn ordered(kind: ResourceType, request: &TaskRequest) -> Vec<(&'static str, String)> {
    let price = format::payment(request.paymentToken, U256::from(request.pricePerHour));
    vec![
        (
            "machine",
            format!(
                "{kind}, at least {}, trust level {}",
                format_power(request.minPower.into()),
                request.minTrustLevel
            ),
        ),
        ("nodes", request.replicas.to_string()),
        ("price", format!("{price} an hour, for at most {} s", request.duration)),
        ("spec", printable(&request.specURI)),
        ("spec hash", request.specHash.to_string()),
    ]
}

/// A task's history, and what it came to.
async fn read(chain: &ChainArgs, task: TaskId) -> Result<(Timeline, Report), CliError> {
    let chain = chain.connect().await?;
    let mut timeline = Timeline::new(chain.clone(), task);
    // Without a task there is no history to search the whole chain for.
    chain.task(task).await?;
    look(&mut timeline, &Progress::new(false)).await?;
    let report = Report::of(&chain, &timeline, None).await?;
    Ok((timeline, report))
}
