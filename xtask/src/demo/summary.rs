//! What a demo came to.

use std::{fmt::Write, fs, path::PathBuf};

use aiigo_devnet::Market;
use alloy::primitives::U256;
use comfy_table::{Table, presets::UTF8_FULL_CONDENSED};
use serde_json::{Value, json};
use url::Url;

use super::{
    dispute::Ruling,
    money::{eth, wei},
};
use crate::project::{Error, bin_dir};

/// Everything that the last lines say.
pub(super) struct Summary {
    /// What `aiigo job run --json` printed.
    pub(super) done: Value,
    /// The task as the indexer has it.
    pub(super) task: Value,
    pub(super) dir: PathBuf,
    pub(super) withdrawn: Value,
    /// Of the second run of the job, if it was disputed.
    pub(super) ruling: Option<Ruling>,
    pub(super) graphql: Url,
    pub(super) seconds: f64,
}

impl Summary {
    /// The document of `--json`; amounts are decimal strings of wei.
    pub(super) fn json(&self, chain_id: u64) -> Value {
        let mut document = json!({
            "chainId": chain_id,
            "taskId": self.done["taskId"],
            "status": self.done["status"],
            "provider": self.done["provider"],
            "escrowWei": self.done["escrowWei"],
            "paidWei": self.done["paidWei"],
            "providerPaidWei": self.done["providerPaidWei"],
            "feeWei": self.done["feeWei"],
            "refundedWei": self.done["refundedWei"],
            "resultHash": self.done["resultHash"],
            "resultDir": self.dir,
            "graphql": self.graphql,
            "seconds": (self.seconds * 10.0).round() / 10.0,
        });
        if let Some(ruling) = &self.ruling {
            document["dispute"] = ruling.json();
        }
        document
    }

    pub(super) fn table(&self) -> String {
        let text = |key: &str| self.done[key].as_str().unwrap_or("?").to_owned();
        let amount = |key: &str| eth(wei(&self.done[key]));
        let paid = wei(&self.done["paidWei"]);
        let share = |key: &str| {
            let bps = wei(&self.done[key]) * U256::from(10_000) / paid.max(U256::from(1));
            format!("{} ({}%)", amount(key), bps.saturating_to::<u64>() as f64 / 100.0)
        };
        let mut table = Table::new();
        table.load_preset(UTF8_FULL_CONDENSED);
        table.set_header(["task", &text("taskId")]);
        table.add_row(["status", &text("status")]);
        table.add_row([
            "provider",
            &format!("node {} · {}", self.task["node"]["id"].as_str().unwrap_or("?"), text("provider")),
        ]);
        table.add_row(["escrow", &amount("escrowWei")]);
        table.add_row(["paid", &amount("paidWei")]);
        table.add_row(["  to the provider", &share("providerPaidWei")]);
        table.add_row(["  to the protocol", &share("feeWei")]);
        table.add_row(["back to the buyer", &amount("refundedWei")]);
        table.add_row(["  and unspent tips", &amount("tipsReturnedWei")]);
        table.add_row(["withdrawn", &eth(wei(&self.withdrawn["amount"]))]);
        table.add_row(["result hash", &text("resultHash")]);
        table.add_row(["result", &self.dir.display().to_string()]);
        table.add_row(["time", &format!("{:.1} s", self.seconds)]);
        table.to_string() + &self.report()
    }

    /// The first lines of the first text among the results.
    fn report(&self) -> String {
        let texts = fs::read_dir(&self.dir).into_iter().flatten().flatten().map(|entry| entry.path());
        let markdown = texts.filter(|path| path.extension().is_some_and(|ending| ending == "md")).min();
        let Some(text) = markdown.and_then(|path| fs::read_to_string(path).ok()) else { return String::new() };
        let lines: Vec<_> = text.lines().take(16).map(|line| format!("  {line}")).collect();
        format!("\n\n{}\n", lines.join("\n"))
    }

    /// What stays up, and what to try.
    pub(super) fn what_next(&self, market: &Market) -> Result<String, Error> {
        let task = self.done["taskId"].as_str().unwrap_or_default();
        let (buyer, provider) = (market.buyer()?, &market.agents()[0].owner);
        Ok(format!(
            "The market stays up until Ctrl-C.\n\n  \
             chain     {}\n  GraphQL   {}   (open it in a browser)\n  logs      {}\n\n  \
             buyer     {}  key {}\n  provider  {}  key {}\n\n\
             Try next, in another terminal:\n  . {}\n  \
             aiigo job status {task}\n  aiigo provider list\n  aiigo wallet balance\n",
            market.devnet().rpc_url(),
            self.graphql,
            market.dir().display(),
            buyer.address(),
            buyer.private_key(),
            provider.address(),
            provider.private_key(),
            self.environment(market)?.display(),
        ))
    }

    /// A file for the shell that makes its reader this market's buyer.
    fn environment(&self, market: &Market) -> Result<PathBuf, Error> {
        let desk = market.desk();
        let mut text = format!("export PATH='{}':\"$PATH\"\n", bin_dir()?.display());
        for (name, value) in desk.environment(Some(&market.buyer()?)) {
            writeln!(text, "export {name}='{}'", value.to_string_lossy())?;
        }
        let path = market.dir().join("buyer.env");
        fs::write(&path, text)?;
        Ok(path)
    }
}
