//! The command line.

mod ask;
mod bench;
mod bid;
mod doctor;
mod earnings;
mod exit;
mod logs;
mod mode;
mod run;
mod sending;
mod setup;
mod status;
mod withdraw;

use std::{
    io::{IsTerminal, Write},
    process::ExitCode,
    time::Duration,
};

use aiigo_chain::rpc::RpcArgs;
use aiigo_protocol::{ContractName, NodeId};
use aiigo_telemetry::{LogArgs, ManualCommand, Shutdown};
use clap::{Args, CommandFactory, Parser, Subcommand};
use serde::Serialize;
use tokio_util::sync::CancellationToken;

use crate::{
    data_dir::DataDir,
    error::{AgentError, Context},
    market::Market,
    store::{Mode, Store},
};

/// Gas of some hundred tasks at a few gwei, wei.
const ENOUGH_ETH: u64 = 50_000_000_000_000_000;
/// Less free disk than this is soon too little, bytes.
const ENOUGH_DISK: u64 = 2 << 30;
/// Rest between two looks of `status --watch`.
const WATCH: Duration = Duration::from_secs(2);

/// Earns with this machine: registers it as a node, proves its power, and runs tasks in a sandbox.
#[derive(Parser, Debug)]
#[command(name = "aiigo-agent", version, disable_help_subcommand = true, max_term_width = 100)]
pub struct Cli {
    /// Print the result as one JSON document on stdout, and nothing else there.
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    logs: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Register a node and stake for it, with the owner's key; safe to repeat. Asks for what is not said.
    Setup(Box<setup::SetupArgs>),
    /// Sign what `setup --unsigned` wrote, where the owner's key is; needs no chain.
    Sign(setup::offline::SignArgs),
    /// Prove, go online and work until stopped, with the operator's key.
    Run(Box<run::RunArgs>),
    /// Show the node, its work, and whether all is well.
    Status(status::StatusArgs),
    /// Show what the tasks brought in, day by day.
    Earnings(earnings::EarningsArgs),
    /// Show the end of what a task's program has printed.
    Logs(logs::LogsArgs),
    /// Take no new tasks until `resume`; a running agent obeys at once.
    Pause(mode::FolderArgs),
    /// Take tasks again.
    Resume(mode::FolderArgs),
    /// Sign a bid for an open task: a fixed price, which its buyer may take while it stands.
    Bid(Box<bid::BidArgs>),
    /// Withdraw the earnings, with the payout key.
    Withdraw(withdraw::WithdrawArgs),
    /// Leave the market in order, with the owner's key: no new tasks, end what runs, unstake; safe to repeat.
    Exit(exit::ExitArgs),
    /// Measure how fast this machine proves power, and what that opens; asks no chain.
    Bench(bench::BenchArgs),
    /// Check chain, keys, stake and machine, and say how to fix what is wrong.
    Doctor(doctor::DoctorArgs),
    #[command(flatten)]
    Manual(ManualCommand),
}

/// What every command needs to know.
#[derive(Args, Clone, Debug)]
struct CommonArgs {
    #[command(flatten)]
    rpc: RpcArgs,
    #[command(flatten)]
    folder: mode::FolderArgs,
    /// The node [default: the one that was set up in the data folder].
    #[arg(long, env = "AIIGO_NODE", value_name = "ID")]
    node: Option<NodeId>,
}

/// A connected agent.
struct Agent {
    market: Market,
    data: DataDir,
    store: Store,
}

impl CommonArgs {
    async fn open(&self) -> Result<Agent, AgentError> {
        let (provider, deployment) = self.rpc.connect().await.context("no chain to work on")?;
        let data = DataDir::open(&self.folder.data_dir)?;
        let store = Store::open(&data.database()).await?;
        Ok(Agent { market: Market::new(provider, deployment), data, store })
    }

    /// The node that was named or set up here.
    async fn node(&self, agent: &Agent) -> Result<NodeId, AgentError> {
        self.known_node(agent).await?.ok_or_else(|| {
            AgentError::new(format!(
                "no node was set up in {} for this deployment: run `aiigo-agent setup`, or name one with --node",
                self.folder.data_dir.display()
            ))
        })
    }

    async fn known_node(&self, agent: &Agent) -> Result<Option<NodeId>, AgentError> {
        let registry = agent.market.address(ContractName::NodeRegistry);
        match self.node {
            Some(node) => Ok(Some(node)),
            None => agent.store.node(agent.market.chain_id(), registry).await,
        }
    }
}

/// A result for people and for programs.
trait Report: Serialize {
    /// For people.
    fn text(&self) -> String;

    /// Whether all is well.
    fn is_good(&self) -> bool {
        true
    }
}

impl Cli {
    /// Runs the command to its end; 1 if it failed.
    pub fn execute(self) -> ExitCode {
        match self.run() {
            Ok(code) => code,
            Err(error) => aiigo_telemetry::report_and_exit_code(&error),
        }
    }

    fn run(self) -> Result<ExitCode, AgentError> {
        if let Command::Manual(command) = &self.command {
            let written = command.run(Self::command()).context("cannot write the manual")?;
            return print(&written).map(|()| ExitCode::SUCCESS);
        }
        aiigo_telemetry::init_logs(&self.logs).context("cannot start the log")?;
        let runtime = tokio::runtime::Runtime::new().context("cannot start the async runtime")?;
        let result = runtime.block_on(async {
            let token = Shutdown::on_signals().context("cannot leave in order")?.token();
            match &self.command {
                Command::Setup(args) => self.report(&setup::setup(args, token).await?),
                Command::Sign(args) => self.report(&setup::offline::sign(args).await?),
                Command::Run(args) => run::run(args, token).await.map(|()| ExitCode::SUCCESS),
                Command::Status(args) if args.watch => self.watch(args, token).await,
                Command::Status(args) => self.report(&status::status(args).await?),
                Command::Earnings(args) => self.report(&earnings::earnings(args).await?),
                Command::Logs(args) => logs::logs(args, self.json, token).await,
                Command::Pause(args) => self.report(&mode::set(args, Mode::Paused).await?),
                Command::Resume(args) => self.report(&mode::set(args, Mode::Working).await?),
                Command::Bid(args) => self.report(&bid::bid(args).await?),
                Command::Exit(args) => self.report(&exit::exit(args, token).await?),
                Command::Withdraw(args) => self.report(&withdraw::withdraw(args, token).await?),
                Command::Bench(args) => self.report(&bench::bench(args, token).await?),
                Command::Doctor(args) => self.report(&doctor::doctor(args).await),
                Command::Manual(_) => Ok(ExitCode::SUCCESS), // returned above
            }
        });
        // What still blocks a thread must not keep the process.
        runtime.shutdown_background();
        match result {
            Err(error) if error.is_stop() => Ok(ExitCode::SUCCESS),
            other => other,
        }
    }

    /// Shows the status again and again: on a terminal in place of the one before, as JSON a document a line.
    async fn watch(&self, args: &status::StatusArgs, token: CancellationToken) -> Result<ExitCode, AgentError> {
        let clear = if std::io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" };
        loop {
            let report = status::status(args).await?;
            let text = match self.json {
                true => serde_json::to_string(&report).context("cannot write the result as JSON")?,
                false => format!("{clear}{}", report.text()),
            };
            print(&text)?;
            tokio::select! {
                () = token.cancelled() => return Ok(ExitCode::SUCCESS),
                () = tokio::time::sleep(WATCH) => {}
            }
        }
    }

    fn report<R: Report>(&self, report: &R) -> Result<ExitCode, AgentError> {
        let text = match self.json {
            true => serde_json::to_string_pretty(report).context("cannot write the result as JSON")?,
            false => report.text(),
        };
        print(&text)?;
        Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn print(text: &str) -> Result<(), AgentError> {
    match writeln!(std::io::stdout(), "{}", text.trim_end()) {
        // Whoever reads has seen enough (`| head`).
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        other => other.context("cannot write to stdout"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn wrong_usage_is_told_apart_from_failure() {
        let error = Cli::try_parse_from(["aiigo-agent", "run", "--node", "zero"]).expect_err("no id");
        assert_eq!(error.exit_code(), 2);
    }
}
