//! The status as three panes of text.

use std::fmt::Write;

use aiigo_protocol::units;
use alloy::primitives::U256;

use super::{StatusReport, TaskReport};
use crate::cli::{Report, earnings::eth};

impl Report for StatusReport {
    fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string can't fail.
        let _ = self.node(&mut text).and_then(|()| self.work(&mut text)).and_then(|()| self.well(&mut text));
        text
    }
}

impl StatusReport {
    fn node(&self, text: &mut String) -> std::fmt::Result {
        let power = units::format_power(self.verified_power.parse().unwrap_or_default());
        let running = units::format_power(self.running_power.parse().unwrap_or_default());
        writeln!(text, "Node {}: {} ({})", self.node_id, self.status, self.resource_type)?;
        writeln!(text, "  power      {power} verified, {running} promised to tasks")?;
        writeln!(text, "  stake      {} AIIGO", amount(&self.stake))?;
        writeln!(text, "  trust      level {}, reputation {} of 10000", self.trust_level, self.reputation)?;
        if let Some(next) = &self.next_level {
            let missing = match next.missing.as_slice() {
                [] => "nothing; it counts with the node's next change".into(),
                missing => missing.join(", "),
            };
            writeln!(text, "  level {}    needs {missing}", next.level)?;
        }
        writeln!(text, "  operator   {} with {} for gas", self.operator, eth(&self.operator_balance))
    }

    fn work(&self, text: &mut String) -> std::fmt::Result {
        writeln!(text, "Work: {}", self.mode)?;
        let Self { running, reviewing, tasks_verified, tasks_failed, .. } = self;
        writeln!(
            text,
            "  tasks      {running} running, {reviewing} in review, {tasks_verified} verified, {tasks_failed} failed"
        )?;
        let (today, all) = (&self.earned_today, &self.earned);
        writeln!(text, "  earned     {} today, {} in all", eth(&today.paid), eth(&all.paid))?;
        writeln!(text, "  earnings   {} to withdraw to {}", eth(&self.withdrawable), self.payout)?;
        for TaskReport { task_id, name, stage, progress, paid, note } in &self.tasks {
            let more = match (paid, note) {
                (Some(paid), _) => format!(" {}", eth(paid)),
                (None, Some(note)) => format!(" ({note})"),
                (None, None) => String::new(),
            };
            writeln!(text, "  {task_id}  {stage:<10} {name}{more}")?;
            if let Some(progress) = progress {
                writeln!(text, "    {}", progress.text())?;
            }
        }
        for declined in &self.declined {
            writeln!(text, "  {}  not taken: {}", declined.task_id, declined.reason)?;
        }
        Ok(())
    }

    fn well(&self, text: &mut String) -> std::fmt::Result {
        let bad = self.health.iter().filter(|check| !check.ok).count();
        match bad {
            0 => writeln!(text, "Health: good")?,
            bad => writeln!(text, "Health: {bad} to look at")?,
        }
        for check in &self.health {
            let mark = if check.ok { "ok" } else { "!!" };
            write!(text, "  {mark} {:<7} {}", check.name, check.found)?;
            match &check.fix {
                Some(fix) => writeln!(text, " → {fix}")?,
                None => writeln!(text)?,
            }
        }
        Ok(())
    }
}

fn amount(wei: &str) -> String {
    units::format_amount(wei.parse().unwrap_or(U256::ZERO))
}
