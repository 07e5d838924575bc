//! `earnings`: what the tasks brought in, day by day.

use std::time::{SystemTime, UNIX_EPOCH};

use aiigo_protocol::units;
use alloy::primitives::{Address, U256};
use clap::Args;
use jiff::Timestamp;
use serde::Serialize;

use super::{CommonArgs, Report};
use crate::{
    error::{AgentError, read_error},
    store::{DAY, Income, total},
};

#[derive(Args, Clone, Debug)]
pub(super) struct EarningsArgs {
    #[command(flatten)]
    common: CommonArgs,
    /// How many days to show, today last.
    #[arg(long, value_name = "COUNT", default_value_t = 7, value_parser = clap::value_parser!(u16).range(1..=3650))]
    days: u16,
}

/// What came in. Days are those of UTC.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EarningsReport {
    node_id: String,
    payout: Address,
    days: Vec<DayReport>,
    total: IncomeReport,
    /// ETH wei that the payout address can withdraw.
    withdrawable: String,
}

#[derive(Debug, Serialize)]
struct DayReport {
    /// As in `2026-11-21`.
    day: String,
    #[serde(flatten)]
    income: IncomeReport,
}

#[derive(Clone, Debug, Serialize)]
pub(super) struct IncomeReport {
    /// Tasks that were paid.
    pub(super) tasks: u64,
    /// ETH wei.
    pub(super) paid: String,
}

impl From<Income> for IncomeReport {
    fn from(income: Income) -> Self {
        Self { tasks: income.tasks, paid: income.paid.to_string() }
    }
}

pub(super) async fn earnings(args: &EarningsArgs) -> Result<EarningsReport, AgentError> {
    let agent = args.common.open().await?;
    let node = args.common.node(&agent).await?;
    let payout = agent.market.node(node).await?.payout;
    let withdrawable = agent.market.escrow().balanceOf(payout, Address::ZERO).call().await;
    let withdrawable = withdrawable.map_err(|error| read_error("cannot read the earnings", error))?;
    let income = agent.store.income(0).await?;
    let today = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()) / DAY * DAY;
    // The chain may be ahead of this machine's clock.
    let last = income.last_key_value().map_or(today, |(day, _)| today.max(*day));
    let days = (0..u64::from(args.days)).rev().map(|back| {
        let day = last.saturating_sub(back * DAY);
        let income = income.get(&day).copied().unwrap_or_default();
        DayReport { day: date(day), income: income.into() }
    });
    Ok(EarningsReport {
        node_id: node.to_string(),
        payout,
        days: days.collect(),
        total: total(income.values()).into(),
        withdrawable: withdrawable.to_string(),
    })
}

fn date(seconds: u64) -> String {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| "?".into(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// ETH wei as people read it.
pub(super) fn eth(wei: &str) -> String {
    format!("{} ETH", units::format_amount(wei.parse().unwrap_or(U256::ZERO)))
}

impl Report for EarningsReport {
    fn text(&self) -> String {
        let mut text = format!("Node {}\n", self.node_id);
        for DayReport { day, income } in &self.days {
            text.push_str(&format!("  {day}  {:>4} tasks  {}\n", income.tasks, eth(&income.paid)));
        }
        text.push_str(&format!("  all time    {:>4} tasks  {}\n", self.total.tasks, eth(&self.total.paid)));
        text.push_str(&format!("{} to withdraw to {}\n", eth(&self.withdrawable), self.payout));
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_told_by_its_date_in_utc() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(951_782_400), "2000-02-29");
    }
}
