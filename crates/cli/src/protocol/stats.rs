//! `aiigo protocol stats`.

use aiigo_protocol::units::format_power;
use alloy::primitives::{Address, U256};
use clap::Args;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    CliError,
    args::IndexerArgs,
    cli::Session,
    format,
    indexer::{U256Text, number},
    output::{facts, table},
};

/// Show what the market comes to: nodes, tasks, stakes, money.
#[derive(Args, Debug)]
pub(crate) struct StatsCommand {
    #[command(flatten)]
    indexer: IndexerArgs,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Stats {
    /// Nothing has happened yet without it.
    totals: Option<Totals>,
    tokens: Vec<Token>,
}

macro_rules! totals {
    ($($field:ident),* ; $($wei:ident),*) => {
        #[derive(Debug, Serialize, Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Totals {
            $(#[serde(deserialize_with = "number")] $field: u64,)*
            $($wei: U256Text,)*
        }
    };
}

totals! {
    nodes, nodes_pending, nodes_verified, nodes_active, nodes_inactive, nodes_slashed, active_power,
    tasks, tasks_open, tasks_in_progress, tasks_completed, tasks_verified, tasks_cancelled, tasks_expired, tasks_disputed,
    tasks_resolved;
    node_stake, node_unbonding, slashed, pool_staked, minted, burned, rewards_claimed
}

/// What tasks moved in one payment token, in its smallest units.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Token {
    token: Address,
    escrowed: U256Text,
    deposited: U256Text,
    paid: U256Text,
    fees: U256Text,
    refunded: U256Text,
}

const FIELDS: &str = "totals { nodes nodesPending nodesVerified nodesActive nodesInactive nodesSlashed activePower tasks \
                      tasksOpen tasksInProgress tasksCompleted tasksVerified tasksCancelled tasksExpired tasksDisputed \
                      tasksResolved nodeStake nodeUnbonding slashed poolStaked minted burned rewardsClaimed } \
                      tokens { token escrowed deposited paid fees refunded }";

impl StatsCommand {
    pub(crate) async fn run(self, session: &Session) -> Result<(), CliError> {
        let indexer = self.indexer.required("`aiigo protocol stats`")?;
        let query = format!("{{ protocol {{ {FIELDS} }} }}");
        let stats: Stats = indexer.ask(&query, json!({}), "protocol").await?;
        session.output.result(&stats, || stats.text())
    }
}

impl Stats {
    fn text(&self) -> String {
        let Some(totals) = &self.totals else { return "Nothing has happened yet".into() };
        let mut text = facts(&[
            (
                "nodes",
                format!(
                    "{}: {} active, {} inactive, {} verified, {} pending, {} banned",
                    totals.nodes,
                    totals.nodes_active,
                    totals.nodes_inactive,
                    totals.nodes_verified,
                    totals.nodes_pending,
                    totals.nodes_slashed
                ),
            ),
            ("active power", format_power(totals.active_power)),
            (
                "tasks",
                format!(
                    "{}: {} open, {} in progress, {} to approve, {} before a jury",
                    totals.tasks,
                    totals.tasks_open,
                    totals.tasks_in_progress,
                    totals.tasks_completed,
                    totals.tasks_disputed
                ),
            ),
            (
                "tasks over",
                format!(
                    "{} paid, {} split by a ruling, {} cancelled, {} expired",
                    totals.tasks_verified, totals.tasks_resolved, totals.tasks_cancelled, totals.tasks_expired
                ),
            ),
            ("staked by nodes", format::aiigo(totals.node_stake.0)),
            ("leaving nodes", format::aiigo(totals.node_unbonding.0)),
            ("slashed", format::aiigo(totals.slashed.0)),
            ("staked in the pool", format::aiigo(totals.pool_staked.0)),
            ("minted", format::aiigo(totals.minted.0)),
            ("burned", format::aiigo(totals.burned.0)),
            ("base rewards claimed", format::aiigo(totals.rewards_claimed.0)),
        ]);
        if !self.tokens.is_empty() {
            let mut money = table(["PAID IN", "IN ESCROW", "EVER ESCROWED", "TO PROVIDERS", "FEES", "BACK TO BUYERS"]);
            money.add_rows(self.tokens.iter().map(|token| {
                let amount = |amount: U256| match token.token.is_zero() {
                    true => format::eth(amount),
                    false => amount.to_string(),
                };
                let name = if token.token.is_zero() { "ETH".to_owned() } else { token.token.to_string() };
                [
                    name,
                    amount(token.escrowed.0),
                    amount(token.deposited.0),
                    amount(token.paid.0),
                    amount(token.fees.0),
                    amount(token.refunded.0),
                ]
            }));
            text.push_str(&format!("\n{money}"));
        }
        text
    }
}
