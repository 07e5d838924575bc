//! `aiigo court cases`.

use aiigo_protocol::CaseStatus;
use alloy::primitives::{Address, U256};
use clap::Args;
use serde::Serialize;

use super::case::{Case, in_words};
use crate::{CliError, args::ChainArgs, cli::Session, format, output::table};

/// List cases, the newest first.
#[derive(Args, Debug)]
pub(crate) struct CasesCommand {
    /// Only those that are not closed
    #[arg(long)]
    open: bool,
    /// Only those in which this account has, or had, a seat
    #[arg(long, value_name = "ADDRESS")]
    juror: Option<Address>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    first: u16,
    #[command(flatten)]
    chain: ChainArgs,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    status: &'static str,
    round: &'static str,
    /// The task, or what stands for an appeal about a replicated one.
    subject: String,
    node_id: u64,
    deadline: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    ruling: Option<u16>,
    #[serde(skip)]
    now: u64,
}

impl CasesCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let chain = self.chain.connect().await?;
        let count = chain.court().caseCount().call().await;
        let count: u64 = count.map_err(|error| CliError::call("counting the cases", error))?.saturating_to();
        let mut rows = Vec::new();
        for id in (1..=count).rev() {
            if rows.len() == usize::from(self.first) {
                break;
            }
            let case = Case::read(&chain, U256::from(id)).await?;
            let seated = |juror| case.seats.iter().any(|seat| seat.juror == juror);
            if (self.open && case.status == CaseStatus::Closed) || self.juror.is_some_and(|juror| !seated(juror)) {
                continue;
            }
            rows.push(Row {
                id: case.id.to_string(),
                status: case.status.name(),
                round: case.round.name(),
                subject: case.raw.taskId.to_string(),
                node_id: case.raw.nodeId,
                deadline: case.deadline,
                ruling: case.ruling(),
                now: case.now,
            });
        }
        session.output.result(&rows, || {
            if rows.is_empty() {
                return "No cases".into();
            }
            let mut text = table(["CASE", "STATUS", "JURY", "NODE", "UNTIL", "RULING", "ABOUT"]);
            text.add_rows(rows.iter().map(|row| {
                [
                    row.id.clone(),
                    row.status.to_owned(),
                    row.round.to_owned(),
                    row.node_id.to_string(),
                    format::relative(row.deadline, row.now),
                    row.ruling.map(in_words).unwrap_or_default(),
                    row.subject.clone(),
                ]
            }));
            format!("{text}\n{} of {count}", rows.len())
        })
    }
}
