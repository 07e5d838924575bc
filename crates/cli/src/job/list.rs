//! `aiigo job list`: tasks, from the indexer.

use aiigo_protocol::TaskStatus;
use alloy::primitives::{Address, U256};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CliError,
    args::IndexerArgs,
    cli::Session,
    format,
    indexer::{Connection, contract_name, graphql_name, number},
    output::{printable, table},
};

/// List tasks, the newest first.
#[derive(Args, Debug)]
pub(crate) struct ListCommand {
    /// Only those of this buyer
    #[arg(long, value_name = "ADDRESS")]
    buyer: Option<Address>,
    /// Only those in this status: Open, InProgress, Completed, Verified, Cancelled, Expired, Disputed, Resolved
    #[arg(long, value_name = "STATUS", value_parser = status)]
    status: Option<TaskStatus>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=100))]
    first: u16,
    #[command(flatten)]
    indexer: IndexerArgs,
}

fn status(text: &str) -> Result<TaskStatus, String> {
    let found = TaskStatus::ALL.iter().skip(1).find(|status| status.name().eq_ignore_ascii_case(text));
    found.copied().ok_or_else(|| format!("`{text}` is no status of a task"))
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: String,
    status: String,
    buyer: Address,
    payment_token: Address,
    escrow: String,
    #[serde(deserialize_with = "number")]
    created_at: u64,
}

impl ListCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let indexer = self.indexer.required("`aiigo job list`")?;
        let terms = [
            self.buyer.map(|buyer| format!("buyer: {{ _eq: \"{buyer:#x}\" }}")),
            self.status.map(|status| format!("status: {{ _eq: {} }}", graphql_name(status.name()))),
        ];
        let query = format!(
            "query($first: Int) {{ tasks(first: $first, where: {{ {} }}, orderBy: [{{ createdAt: DESC }}]) {{ totalCount \
             edges {{ node {{ id status buyer paymentToken escrow createdAt }} }} }} }}",
            terms.into_iter().flatten().collect::<Vec<_>>().join(", ")
        );
        let tasks: Connection<Row> = indexer.ask(&query, json!({ "first": self.first }), "tasks").await?;
        let (total, tasks) = tasks.into_parts();
        session.output.result(&json!({ "totalCount": total, "tasks": tasks }), || {
            let mut rows = table(["TASK", "STATUS", "ESCROW", "CREATED"]);
            rows.add_rows(tasks.iter().map(|task| {
                let escrow = U256::from_str_radix(&task.escrow, 10);
                [
                    printable(&task.id),
                    contract_name(TaskStatus::ALL.iter().map(|status| status.name()), &task.status),
                    escrow.map_or_else(|_| printable(&task.escrow), |wei| format::payment(task.payment_token, wei)),
                    format::date(task.created_at),
                ]
            }));
            format!("{rows}\n{} of {total}", tasks.len())
        })
    }
}
