//! What a job came to: the JSON document of `job run`, and the same for people.

use std::path::PathBuf;

use aiigo_protocol::TaskStatus;
use aiigo_task::Outcome;
use alloy::primitives::{Address, B256, U256};
use serde::Serialize;

use super::{
    delivery::Delivered,
    timeline::{Moment, Timeline},
};
use crate::{
    Chain, CliError, format,
    output::{facts, printable},
};

/// What a job came to. Amounts are decimal strings of the payment token's smallest units; `null`: not settled.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) task_id: B256,
    pub(crate) status: TaskStatus,
    /// Who is paid: the payout address of the node.
    pub(crate) provider: Option<Address>,
    pub(crate) node_id: Option<u64>,
    /// How many nodes do it, each on its own.
    pub(crate) replicas: u8,
    /// Of several nodes, those whose result has the majority: they are paid.
    pub(crate) agreeing_nodes: Vec<u64>,
    pub(crate) escrow_wei: String,
    pub(crate) paid_wei: Option<String>,
    pub(crate) provider_paid_wei: Option<String>,
    pub(crate) fee_wei: Option<String>,
    /// Unused escrow: what was paid and this are the escrow.
    pub(crate) refunded_wei: Option<String>,
    /// Unspent tips, which return beside it.
    pub(crate) tips_returned_wei: Option<String>,
    pub(crate) result_hash: Option<B256>,
    pub(crate) outcome: Option<Outcome>,
    pub(crate) exit_code: Option<i32>,
    pub(crate) result_dir: Option<PathBuf>,
    pub(crate) timeline: Vec<Moment>,
    #[serde(skip)]
    token: Address,
    #[serde(skip)]
    due_dates: Vec<(&'static str, u64)>,
}

impl Report {
    /// Where a task stands on the chain, with what was delivered.
    pub(crate) async fn of(
        chain: &Chain,
        timeline: &Timeline,
        delivered: Option<&Delivered>,
    ) -> Result<Self, CliError> {
        let id = timeline.task_id();
        let (status, task) = chain.task(id).await?;
        let node_id = (task.nodeId != 0).then_some(task.nodeId);
        let provider = match node_id {
            Some(node) => {
                let payout = chain.registry().payoutOf(node).call().await;
                Some(payout.map_err(|error| CliError::call(format!("reading who node {node} pays out to"), error))?)
            }
            None => None,
        };
        let paid = timeline.paid();
        let refunded = paid.map(|paid| paid.refund).or_else(|| timeline.refunded());
        Ok(Self {
            task_id: id.0,
            status,
            provider,
            node_id,
            replicas: task.replicas,
            agreeing_nodes: timeline.paid_replicas(),
            escrow_wei: task.escrow.to_string(),
            paid_wei: paid.map(|paid| paid.due.to_string()),
            provider_paid_wei: paid.map(|paid| paid.providers.to_string()),
            fee_wei: paid.map(|paid| paid.fee.to_string()),
            refunded_wei: refunded.map(|amount| amount.to_string()),
            tips_returned_wei: refunded.map(|_| timeline.unspent_tips().to_string()),
            result_hash: timeline.result().map(|result| result.hash),
            outcome: delivered.map(|delivered| delivered.manifest.outcome),
            exit_code: delivered.map(|delivered| delivered.manifest.exit_code),
            result_dir: delivered.map(|delivered| delivered.dir.clone()),
            timeline: timeline.moments(),
            token: task.paymentToken,
            due_dates: due_dates(status, timeline, task.acceptBy.to()),
        })
    }

    /// The report for people; the timeline only if it was not shown as it happened.
    pub(crate) fn text(&self, timeline: Option<&Timeline>) -> String {
        let amount =
            |wei: &String| wei.parse::<U256>().map_or_else(|_| wei.clone(), |n| format::payment(self.token, n));
        let mut rows = vec![("task", self.task_id.to_string()), ("status", self.status.to_string())];
        rows.extend(self.due_dates.iter().map(|(what, when)| (*what, format::date(*when))));
        if let (Some(node), Some(provider)) = (self.node_id, self.provider) {
            rows.push(("provider", format!("node {node}, paid to {provider}")));
        }
        if self.replicas > 1 {
            rows.push(("nodes", self.replicas.to_string()));
        }
        if !self.agreeing_nodes.is_empty() {
            let ids: Vec<_> = self.agreeing_nodes.iter().map(u64::to_string).collect();
            rows.push(("  agree, paid", ids.join(", ")));
        }
        rows.push(("escrow", amount(&self.escrow_wei)));
        let settled = [
            ("paid", &self.paid_wei),
            ("  to the provider", &self.provider_paid_wei),
            ("  fee", &self.fee_wei),
            ("back to the buyer", &self.refunded_wei),
            ("  and unspent tips", &self.tips_returned_wei),
        ];
        rows.extend(settled.into_iter().filter_map(|(name, wei)| Some((name, amount(wei.as_ref()?)))));
        if let Some(hash) = self.result_hash {
            rows.push(("result hash", hash.to_string()));
        }
        if let Some(outcome) = self.outcome {
            rows.push(("outcome", outcome_text(outcome, self.exit_code)));
        }
        if let Some(dir) = &self.result_dir {
            rows.push(("result", dir.display().to_string()));
        }
        let history = timeline.map(|timeline| {
            let lines = timeline.events().iter().map(|event| {
                format!("{}  {}  tx {}\n", format::date(event.timestamp), printable(&event.describe()), event.tx_hash)
            });
            format!("\n{}", lines.collect::<String>())
        });
        facts(&rows) + &history.unwrap_or_default()
    }
}

/// What the task is waiting for, and until when.
fn due_dates(status: TaskStatus, timeline: &Timeline, accept_by: u64) -> Vec<(&'static str, u64)> {
    match status {
        TaskStatus::Open | TaskStatus::Recruiting => vec![("open until", accept_by)],
        TaskStatus::InProgress | TaskStatus::Replicating => {
            timeline.deadline().map(|deadline| ("to deliver by", deadline)).into_iter().collect()
        }
        TaskStatus::Completed => {
            let until = timeline.result().and_then(|result| result.review_until);
            until.map(|until| ("to approve by", until)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

/// How the program ended, plainly.
pub(crate) fn outcome_text(outcome: Outcome, exit_code: Option<i32>) -> String {
    match outcome {
        Outcome::Exited => match exit_code.unwrap_or_default() {
            0 => "the program ended well (exit code 0)".into(),
            code => format!("the program failed with exit code {code}"),
        },
        Outcome::OutOfFuel => "the program used up its fuel (resources.fuel) and was stopped".into(),
        Outcome::OutOfMemory => "the program wanted more memory than it has (resources.memory) and was stopped".into(),
        Outcome::OutOfTime => "the program took longer than it may (resources.time) and was stopped".into(),
        Outcome::OutputTooLarge => "the program wrote more than it may (resources.output) and was stopped".into(),
        Outcome::Trapped => "the program crashed (a WASM trap), or could not be started".into(),
    }
}
