//! `doctor`: what is wrong, and how to fix it.

use std::time::Duration;

use aiigo_chain::SignerArgs;
use aiigo_executor::WasmExecutor;
use aiigo_protocol::{NodeStatus, units};
use aiigo_task::format_bytes;
use alloy::primitives::U256;
use clap::Args;
use serde::Serialize;

use super::{Agent, CommonArgs, Report};
use crate::{
    error::{AgentError, Context},
    machine,
    market::status_of,
};

/// Gas of some hundred tasks at a few gwei, wei.
const ENOUGH_ETH: u64 = 50_000_000_000_000_000;
/// A clock further from the chain's than this is wrong, or the endpoint lags.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

#[derive(Args, Clone, Debug)]
pub(super) struct DoctorArgs {
    #[command(flatten)]
    common: CommonArgs,
    #[command(flatten)]
    signer: SignerArgs,
}

/// The findings.
#[derive(Debug, Default, Serialize)]
pub(super) struct DoctorReport {
    checks: Vec<Check>,
}

#[derive(Debug, Serialize)]
struct Check {
    name: &'static str,
    ok: bool,
    found: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    fix: Option<String>,
}

impl DoctorReport {
    fn good(&mut self, name: &'static str, found: impl Into<String>) {
        self.checks.push(Check { name, ok: true, found: found.into(), fix: None });
    }

    fn bad(&mut self, name: &'static str, found: impl Into<String>, fix: impl Into<String>) {
        self.checks.push(Check { name, ok: false, found: found.into(), fix: Some(fix.into()) });
    }
}

pub(super) async fn doctor(args: &DoctorArgs) -> DoctorReport {
    let mut report = DoctorReport::default();
    let memory = format_bytes(machine::memory_bytes());
    report.good("machine", format!("{} processors, {memory} of memory", machine::cores()));
    match WasmExecutor::new() {
        Ok(_) => report.good("sandbox", "starts"),
        Err(error) => report.bad("sandbox", error.to_string(), "use a processor and system that wasmtime supports"),
    }
    match args.common.open().await {
        Err(error) => {
            let fix = "check --rpc-url, --deployment and --data-dir";
            report.bad("chain and folder", error.full(), fix);
        }
        Ok(agent) => {
            let folder = agent.data.path().display();
            report.good("chain and folder", format!("chain {}, data in {folder}", agent.market.chain_id()));
            if let Err(error) = look(&mut report, args, &agent).await {
                report.bad("chain", error.full(), "see that the endpoint of --rpc-url answers");
            }
        }
    }
    report
}

async fn look(report: &mut DoctorReport, args: &DoctorArgs, agent: &Agent) -> Result<(), AgentError> {
    let head = agent.market.head().await?;
    let now = std::time::UNIX_EPOCH.elapsed().context("the clock stands before 1970")?.as_secs();
    match Duration::from_secs(now.abs_diff(head.timestamp)) {
        apart if apart <= MAX_CLOCK_DIFFERENCE => report.good("clock", "agrees with the chain"),
        apart => report.bad(
            "clock",
            format!("{} s away from the newest block", apart.as_secs()),
            "set the machine's clock, or use an endpoint that is synced",
        ),
    }
    let Some(node) = args.common.known_node(agent).await? else {
        report.bad("node", "none was set up here", "run `aiigo-agent setup` with the owner's key");
        return Ok(());
    };
    let info = agent.market.node(node).await?;
    match status_of(&info)? {
        NodeStatus::Active => report.good("node", format!("{node} is active")),
        NodeStatus::Pending | NodeStatus::Inactive => {
            report.bad("node", format!("{node} is {}", status_of(&info)?), "start `aiigo-agent run`");
        }
        NodeStatus::Verified => {
            let stake = units::format_amount(U256::from(info.stake));
            report.bad("node", format!("{node} has {stake} AIIGO at stake"), "run `aiigo-agent setup --stake AMOUNT`");
        }
        NodeStatus::Slashed | NodeStatus::None => report.bad("node", format!("{node} can't work"), "register another"),
    }
    let gas = agent.market.eth_of(info.operator).await?;
    let found = format!("{} has {} ETH", info.operator, units::format_amount(gas));
    match gas >= U256::from(ENOUGH_ETH) {
        true => report.good("gas", found),
        false => report.bad("gas", found, format!("send {} some ETH", info.operator)),
    }
    if !args.signer.is_given() {
        return Ok(());
    }
    match args.signer.load_async().await {
        Err(error) => report.bad("key", error.to_string(), "give the operator's key"),
        Ok(signer) if signer.address() == info.operator => report.good("key", "it is the operator's"),
        Ok(signer) => report.bad(
            "key",
            format!("{} is not the operator {}", signer.address(), info.operator),
            "use the operator's key, or change it by `aiigo-agent setup --operator`",
        ),
    }
    Ok(())
}

impl Report for DoctorReport {
    fn text(&self) -> String {
        let mut text = String::new();
        for check in &self.checks {
            let sign = if check.ok { "ok " } else { "BAD" };
            text.push_str(&format!("{sign}  {}: {}\n", check.name, check.found));
            if let Some(fix) = &check.fix {
                text.push_str(&format!("     fix: {fix}\n"));
            }
        }
        text
    }

    fn is_good(&self) -> bool {
        self.checks.iter().all(|check| check.ok)
    }
}
