//! `aiigo-indexer verify`.

use std::process::ExitCode;

use aiigo_chain::rpc::RpcArgs;
use clap::Args;

use super::{CommandError, print, run::DatabaseArgs};
use crate::{
    store::Reader,
    verify::{Report, verify},
};

/// Compare the index with the contracts as of the indexed block, and report every difference.
#[derive(Args, Clone, Debug)]
pub struct VerifyCommand {
    #[command(flatten)]
    rpc: RpcArgs,
    #[command(flatten)]
    database: DatabaseArgs,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

impl VerifyCommand {
    pub(super) async fn run(self) -> Result<ExitCode, CommandError> {
        let (provider, deployment) = self.rpc.connect().await?;
        let reader = Reader::open(&self.database.database).await?;
        let snapshot = reader.patient_snapshot();
        let report = verify(&snapshot, provider, deployment).await;
        drop(snapshot);
        reader.close().await;
        let report = report?;
        match self.json {
            true => print(&serde_json::json!(report).to_string())?,
            false => print(&text(&report))?,
        }
        Ok(if report.differences.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn text(report: &Report) -> String {
    let mut lines = Vec::new();
    for difference in &report.differences {
        let crate::verify::Difference { kind, id, field, indexed, chain } = difference;
        lines.push(format!("{kind} {id}: {field} is {chain} on the chain, {indexed} in the index"));
    }
    let compared: Vec<String> = report.compared.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    let verdict = match report.differences.len() {
        0 => "nothing differs".to_owned(),
        count => format!("{count} values differ"),
    };
    lines.push(format!("block {}: {verdict} ({})", report.block, compared.join(", ")));
    lines.join("\n")
}
