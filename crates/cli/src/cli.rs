//! The command line.

use std::process::ExitCode;

use aiigo_telemetry::{LogArgs, ManualCommand, Shutdown};
use clap::{CommandFactory, Parser, Subcommand};
use tokio_util::sync::CancellationToken;

use crate::{
    CliError, config::ConfigCommand, court::CourtCommand, deploy::DeployCommand, doctor::DoctorCommand, error::Context,
    gov::GovCommand, job::JobCommand, node::NodeCommand, output::Output, protocol::ProtocolCommand,
    provider::ProviderCommand, reward::RewardCommand, stake::StakeCommand, store::StoreCommand, wallet::WalletCommand,
};

/// Buy computing power: run jobs on other people's machines, check their results, pay for them.
#[derive(Parser, Debug)]
#[command(name = "aiigo", version, disable_help_subcommand = true, max_term_width = 100)]
#[command(mut_arg("log_filter", |arg| arg.default_value("warn")))] // its talk is for people, not for an operator's log
pub struct Cli {
    /// Print the result as one JSON document on stdout, and nothing else there
    #[arg(long, global = true)]
    json: bool,
    #[command(flatten)]
    logs: LogArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Jobs: run, follow, check, approve
    #[command(subcommand)]
    Job(Box<JobCommand>),
    /// The store from which providers fetch, and to which they deliver
    #[command(subcommand)]
    Store(StoreCommand),
    /// The machines of the market
    #[command(subcommand)]
    Provider(ProviderCommand),
    /// Own a node: its stake, its keys, its earnings
    #[command(subcommand)]
    Node(NodeCommand),
    /// Keys, in Foundry-compatible keystores, and the money of their accounts
    #[command(subcommand)]
    Wallet(WalletCommand),
    /// Lock AIIGO in the staking pool, for rewards and votes
    #[command(subcommand)]
    Stake(StakeCommand),
    /// Propose, vote, carry out: how the protocol is changed
    #[command(subcommand)]
    Gov(GovCommand),
    /// Judge disputes as a juror, or appeal as a party
    #[command(subcommand)]
    Court(CourtCommand),
    /// What providers earn in AIIGO
    #[command(subcommand)]
    Reward(RewardCommand),
    /// Parameters, contracts, and what the market comes to
    #[command(subcommand)]
    Protocol(ProtocolCommand),
    Deploy(DeployCommand),
    /// The settings of this program
    #[command(subcommand)]
    Config(ConfigCommand),
    Doctor(DoctorCommand),
    #[command(flatten)]
    Manual(ManualCommand),
}

/// What a running command has at hand.
#[derive(Debug)]
pub(crate) struct Session {
    pub(crate) output: Output,
    /// Cancelled by Ctrl-C and SIGTERM.
    pub(crate) stop: CancellationToken,
}

impl Cli {
    /// Runs the command to its end; tells a failure on stderr, and with `--json` also on stdout.
    pub fn execute(self) -> ExitCode {
        let output = Output { json: self.json };
        match self.run(output) {
            Ok(code) => code,
            Err(error) => {
                // Should stdout be gone too, stderr still has it.
                let _ = output.failure(&error);
                let _ = aiigo_telemetry::report_and_exit_code(&error);
                ExitCode::from(error.exit_code())
            }
        }
    }

    fn run(self, output: Output) -> Result<ExitCode, CliError> {
        if let Command::Manual(command) = &self.command {
            return manual(command, output);
        }
        aiigo_telemetry::init_logs(&self.logs).context(|| "starting the log".into())?;
        let runtime = tokio::runtime::Runtime::new().context(|| "starting the async runtime".into())?;
        let ended = runtime.block_on(async {
            let shutdown = Shutdown::on_signals().context(|| "waiting for signals".into())?;
            let session = Session { output, stop: shutdown.token() };
            self.command.run(&session).await
        });
        // A thread may still wait for a line on stdin: nobody needs it any more.
        runtime.shutdown_background();
        ended
    }
}

impl Command {
    async fn run(self, session: &Session) -> Result<ExitCode, CliError> {
        match self {
            Self::Job(command) => return command.run(session).await,
            Self::Reward(command) => return command.run(session).await,
            Self::Doctor(command) => return command.run(session).await,
            Self::Store(command) => command.run(session).await?,
            Self::Provider(command) => command.run(session).await?,
            Self::Node(command) => command.run(session).await?,
            Self::Wallet(command) => command.run(session).await?,
            Self::Stake(command) => command.run(session).await?,
            Self::Gov(command) => command.run(session).await?,
            Self::Court(command) => command.run(session).await?,
            Self::Protocol(command) => command.run(session).await?,
            Self::Deploy(command) => command.run(session).await?,
            Self::Config(command) => command.run(session)?,
            // Needs none of this, and was run before.
            Self::Manual(command) => return manual(&command, session.output),
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn manual(command: &ManualCommand, output: Output) -> Result<ExitCode, CliError> {
    let written = command.run(Cli::command()).context(|| "writing the manual".into())?;
    output.result(&written, || written.clone())?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
