//! The command line.

use std::{
    collections::BTreeMap,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use aiigo_chain::{OutboxDatabase, SignerArgs, rpc::RpcArgs};
use aiigo_protocol::units::parse_eth;
use aiigo_telemetry::{Checkup, ListenArgs, LogArgs, ManualCommand, Shutdown};
use alloy::primitives::U256;
use clap::{Args, CommandFactory, Parser, Subcommand};
use reqwest::Url;
use serde::Serialize;

use crate::{
    code::Code,
    command,
    duties::DutyName,
    error::KeeperError,
    policy::{DutySetting, Policy, parse_seconds, policies},
    report::Visit,
};

/// Moves the protocol along when time passes: late tasks, silent buyers, open tasks that nobody took, challenges that
/// nobody answered, audit rounds, reward epochs. Everything it does anyone may do; several keepers break nothing.
#[derive(Parser, Debug)]
#[command(name = "aiigo-keeper", version, disable_help_subcommand = true, max_term_width = 100)]
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
    /// Watch and act until stopped
    Run(RunArgs),
    /// Do what is due now, once, and leave
    Once(KeeperArgs),
    /// Ask the running keeper how it stands
    Status(StatusArgs),
    /// List the duties, and what each may do
    Duties(DutyArgs),
    /// Make the challenger's secrets, which open audit rounds at times that nobody else knows
    #[command(subcommand)]
    Secrets(SecretsCommand),
    /// Check chain, key, balance and folders, and say how to fix what is wrong
    Doctor(KeeperArgs),
    #[command(flatten)]
    Manual(ManualCommand),
}

#[derive(Subcommand, Debug)]
enum SecretsCommand {
    /// Write a new seed; back it up: without it, rounds open at times that anybody knows
    New {
        /// The file, readable by its owner only; never overwritten [default: `secrets` in the data folder]
        #[arg(value_name = "FILE", env = "AIIGO_SECRETS")]
        file: Option<PathBuf>,
        /// The keeper's data folder
        #[arg(long, env = "AIIGO_DATA_DIR", value_name = "DIR", default_value_os_t = default_data_dir())]
        data_dir: PathBuf,
    },
}

/// What every command that acts needs to know.
#[derive(Args, Debug)]
pub(crate) struct KeeperArgs {
    #[command(flatten)]
    pub(crate) rpc: RpcArgs,
    #[command(flatten)]
    pub(crate) signer: SignerArgs,
    /// Folder for transactions under way and what was spent; one keeper each
    #[arg(long, env = "AIIGO_DATA_DIR", value_name = "DIR", default_value_os_t = default_data_dir())]
    pub(crate) data_dir: PathBuf,
    /// Where transactions under way are recorded: a file, or a PostgreSQL database as postgres://USER@HOST/NAME, its password
    /// in PGPASSWORD or ~/.pgpass [default: `outbox.db` in the data folder]
    #[arg(long, env = "AIIGO_OUTBOX", value_name = "FILE|URL", hide_env_values = true)]
    outbox: Option<OutboxDatabase>,
    /// The challenger's secrets, as `aiigo-keeper secrets new` made them [default: `secrets` in the data folder, if it is there]
    #[arg(long, env = "AIIGO_SECRETS", value_name = "FILE")]
    pub(crate) secrets: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) duties: DutyArgs,
    /// An indexer whose roots of bonuses are compared with the keeper's own, e.g. http://127.0.0.1:4350
    #[arg(long, visible_alias = "indexer", env = "AIIGO_INDEXER_URL", value_name = "URL")]
    pub(crate) indexer_url: Option<Url>,
    /// Try everything and send nothing; needs no key
    #[arg(long, env = "AIIGO_DRY_RUN")]
    pub(crate) dry_run: bool,
    /// Give out no secret sooner after another than so many seconds by this machine's clock, whatever the chain says
    /// [default: 43200, half a day; 0 on a devnet, whose clock jumps]
    #[arg(long, env = "AIIGO_MIN_ROUND_INTERVAL", value_name = "SECONDS", value_parser = parse_seconds)]
    pub(crate) min_round_interval: Option<Duration>,
    /// Offer at most so many gwei per gas
    #[arg(long, env = "AIIGO_MAX_FEE_PER_GAS", value_name = "GWEI", default_value_t = 100)]
    pub(crate) max_fee_per_gas: u64,
    /// Spend at most so much ETH on one transaction
    #[arg(long, env = "AIIGO_MAX_COST", value_name = "ETH", default_value = "0.02", value_parser = parse_eth)]
    pub(crate) max_cost: U256,
    /// Spend at most so much ETH in 24 hours
    #[arg(long, env = "AIIGO_DAILY_BUDGET", value_name = "ETH", default_value = "0.2", value_parser = parse_eth)]
    pub(crate) daily_budget: U256,
}

/// Which duties, and what each may do.
#[derive(Args, Debug)]
pub(crate) struct DutyArgs {
    /// The duties to have, comma-separated, and no others [default: those that `aiigo-keeper duties` shows as on]
    #[arg(long, env = "AIIGO_DUTIES", value_name = "NAMES", value_delimiter = ',')]
    duties: Vec<DutyName>,
    /// A setting of one duty, as in expire-tasks.max-cost=0.01; in a settings file a table [duty.expire-tasks].
    /// There are enabled, max-cost and min-profit (ETH), retry-after and retry-every (seconds), attempts
    #[arg(long, env = "AIIGO_DUTY", value_name = "DUTY.SETTING=VALUE", value_delimiter = ',')]
    duty: Vec<DutySetting>,
}

/// Where the running keeper is.
#[derive(Args, Debug)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) keeper: KeeperArgs,
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// Begin each action after a random part of so many seconds: other keepers see the same
    #[arg(long, env = "AIIGO_JITTER", value_name = "SECONDS", default_value = "3", value_parser = parse_seconds)]
    pub(crate) jitter: Duration,
}

impl KeeperArgs {
    /// Where the challenger's secrets are, if there are any.
    pub(crate) fn secrets_file(&self) -> PathBuf {
        secrets_file(self.secrets.as_deref(), &self.data_dir)
    }

    /// Where the outbox is.
    pub(crate) fn outbox(&self) -> OutboxDatabase {
        self.outbox.clone().unwrap_or_else(|| self.data_dir.join(OUTBOX).into())
    }
}

impl DutyArgs {
    /// Every duty, whether it is on, and what it may do.
    pub(crate) fn all(&self) -> impl Iterator<Item = (DutyName, bool, Policy)> {
        policies(&self.duty).into_iter().map(|(duty, policy)| {
            let is_on = match self.duties.is_empty() {
                true => policy.enabled.unwrap_or(duty.is_default()),
                false => self.duties.contains(&duty),
            };
            (duty, is_on, policy)
        })
    }

    /// The duties that are on, and what each may do.
    pub(crate) fn enabled(&self) -> BTreeMap<DutyName, Policy> {
        self.all().filter(|(_, is_on, _)| *is_on).map(|(duty, _, policy)| (duty, policy)).collect()
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

    fn run(self) -> Result<ExitCode, KeeperError> {
        match &self.command {
            Command::Duties(args) => return self.print(&command::duties::list(args), command::duties::table),
            Command::Secrets(SecretsCommand::New { file, data_dir }) => {
                let file = secrets_file(file.as_deref(), data_dir);
                return self.print(&command::secrets::new(&file)?, command::secrets::Report::text);
            }
            Command::Manual(command) => {
                let written = command.run(Self::command());
                let written = written.map_err(KeeperError::because(Code::Settings, "cannot write the manual"))?;
                return self.print(&written, Clone::clone);
            }
            _ => {}
        }
        aiigo_telemetry::init_logs(&self.logs).map_err(KeeperError::because(Code::Settings, "cannot start the log"))?;
        let runtime = tokio::runtime::Runtime::new()
            .map_err(KeeperError::because(Code::Settings, "cannot start the async runtime"))?;
        runtime.block_on(async {
            let shutdown = Shutdown::on_signals();
            let token = shutdown.map_err(KeeperError::because(Code::Settings, "cannot leave in order"))?.token();
            match &self.command {
                Command::Run(args) => {
                    command::run::run(args, token).await?;
                    Ok(ExitCode::SUCCESS)
                }
                Command::Once(args) => {
                    let report = command::once::once(args, token).await?;
                    self.print(&report, Visit::table)?;
                    Ok(report.exit_code())
                }
                Command::Status(args) => {
                    let status = command::status::status(args).await?;
                    self.print(&status, command::status::table)
                }
                Command::Doctor(args) => {
                    let report = command::doctor::doctor(args).await;
                    self.print(&report, Checkup::text)?;
                    Ok(report.exit_code())
                }
                Command::Duties(_) | Command::Secrets(_) | Command::Manual(_) => Ok(ExitCode::SUCCESS), // returned above
            }
        })
    }

    /// The result on stdout: text for people, or JSON.
    fn print<T: Serialize>(&self, result: &T, text: impl FnOnce(&T) -> String) -> Result<ExitCode, KeeperError> {
        let text = match self.json {
            true => serde_json::to_string_pretty(result)
                .map_err(KeeperError::because(Code::Settings, "cannot write the result as JSON"))?,
            false => text(result),
        };
        match writeln!(std::io::stdout(), "{}", text.trim_end()) {
            // Whoever reads has seen enough (`| head`).
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(ExitCode::SUCCESS),
            Err(error) => Err(KeeperError::because(Code::Settings, "cannot write to stdout")(error)),
            Ok(()) => Ok(ExitCode::SUCCESS),
        }
    }
}

/// The outbox, in the data folder.
const OUTBOX: &str = "outbox.db";
/// The challenger's secrets, in the data folder.
const SECRETS: &str = "secrets";

fn secrets_file(named: Option<&Path>, data_dir: &Path) -> PathBuf {
    named.map_or_else(|| data_dir.join(SECRETS), Path::to_owned)
}

fn default_data_dir() -> PathBuf {
    PathBuf::from("aiigo-keeper-data")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_wrong_duty_is_wrong_usage() {
        let error = Cli::try_parse_from(["aiigo-keeper", "once", "--duties", "expire-tasks,nap"]).expect_err("no duty");
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("nap"), "{error}");
    }

    #[test]
    fn a_duty_is_on_by_default_by_its_setting_or_by_name_alone() {
        let on = |args: &[&str]| {
            let cli = Cli::try_parse_from([&["aiigo-keeper", "duties"], args].concat()).expect("a command line");
            let Command::Duties(args) = cli.command else { panic!("it is `duties`") };
            args.enabled().into_keys().collect::<Vec<_>>()
        };
        assert_eq!(on(&[]), DutyName::defaults());
        let tuned = on(&["--duty", "expire-tasks.enabled=false,reset-weights.enabled=true"]);
        assert!(!tuned.contains(&DutyName::ExpireTasks) && tuned.contains(&DutyName::ResetWeights));
        let named = ["--duties", "close-epochs,expire-tasks", "--duty", "expire-tasks.enabled=false"];
        assert_eq!(on(&named), [DutyName::ExpireTasks, DutyName::CloseEpochs]);
    }
}
