//! `cargo xtask bench cli`: how long a person waits for `aiigo`, built as a release is.

use std::{
    ffi::OsString,
    fmt, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use aiigo_devnet::{Account, Devnet, DevnetConfig, Market, MarketConfig};
use clap::Args;
use serde::Serialize;

use crate::{
    dist::PROGRAMS,
    project::{Error, root, state_dir},
    setup,
    shell::heading,
};

/// The job whose tasks are read.
const JOB: &str = "examples/text-stats/job.yaml";
/// Tasks in the market.
const TASKS: u32 = 8;

#[derive(Args)]
pub(crate) struct CliArgs {
    /// Print one JSON document on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
    /// How often each command is run.
    #[arg(long, default_value_t = 40, value_parser = clap::value_parser!(u32).range(5..=1_000))]
    runs: u32,
}

/// What was measured.
#[derive(Serialize)]
struct Numbers {
    /// A process that does nothing: what the machine takes to start any, milliseconds.
    empty_ms: f64,
    commands: Vec<Waited>,
}

/// How long a command takes from its start to its end.
#[derive(Serialize)]
struct Waited {
    command: String,
    p50_ms: f64,
    p95_ms: f64,
    /// p50 beside an empty process.
    ratio: f64,
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<28} {:>8} {:>8}   {:>6}", "", "p50 ms", "p95 ms", "ratio")?;
        writeln!(f, "{:<28} {:>8.1}", "an empty process", self.empty_ms)?;
        for it in &self.commands {
            writeln!(f, "aiigo {:<22} {:>8.1} {:>8.1}   {:>6.1}", it.command, it.p50_ms, it.p95_ms, it.ratio)?;
        }
        Ok(())
    }
}

pub(crate) fn run(args: &CliArgs) -> Result<(), Error> {
    setup::npm_packages()?;
    setup::examples()?;
    let programs = setup::release_all(&PROGRAMS)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let numbers = runtime.block_on(measure(args, &programs))?;
    #[allow(clippy::print_stdout)] // the result
    match args.json {
        true => println!("{}", serde_json::to_string(&numbers)?),
        false => print!("{numbers}"),
    }
    Ok(())
}

async fn measure(args: &CliArgs, programs: &Path) -> Result<Numbers, Error> {
    let dir = state_dir().join("bench-cli");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    heading("A market");
    let devnet = Devnet::start(DevnetConfig::new(dir.join("chain"))).await?;
    let mut market = Market::new(devnet, MarketConfig::new(programs.to_owned(), dir.join("market")))?;
    market.start_indexer().await?;
    market.start_store().await?;
    let index = market.add_agent()?;
    market.fund_agent(index).await?;
    market.set_up_agent(index).await?;
    let buyer = market.buyer()?;
    let job = root().join(JOB);
    let mut task = String::new();
    for _ in 0..TASKS {
        let order = ["job".into(), "submit".into(), job.clone().into_os_string(), "--yes".into(), "--json".into()];
        let order = market.aiigo::<OsString>(&buyer, order).await?.json()?;
        order["taskId"].as_str().ok_or("an order without a task")?.clone_into(&mut task);
    }
    let node = market.agents()[index].node()?.to_string();
    let own = buyer.address().to_string();

    heading("Commands");
    let desk = Watch { program: programs.join("aiigo"), market: &market, buyer, runs: args.runs };
    let empty_ms = desk.waited(&mut Command::new("true"))?.0;
    let mut commands = Vec::new();
    for command in [
        &["--help"][..],
        &["--version"],
        &["job", "list"],
        &["job", "status", &task],
        &["job", "show", &task],
        &["job", "quote", JOB],
        &["provider", "list"],
        &["provider", "show", &node],
        &["wallet", "balance", &own],
        &["stake", "list", &own],
        &["gov", "list"],
        &["court", "cases"],
        &["reward", "epochs"],
        &["protocol", "params"],
        &["protocol", "addresses"],
        &["protocol", "stats"],
    ] {
        let (p50_ms, p95_ms) = desk.aiigo(command)?;
        let shown = command.iter().filter(|word| word.len() < 20).copied().collect::<Vec<_>>().join(" ");
        commands.push(Waited { command: shown, p50_ms, p95_ms, ratio: p50_ms / empty_ms });
    }
    market.stop().await?;
    fs::remove_dir_all(&dir)?;
    Ok(Numbers { empty_ms, commands })
}

/// Runs commands as their user would, and looks at the clock.
struct Watch<'a> {
    program: PathBuf,
    market: &'a Market,
    buyer: Account,
    runs: u32,
}

impl Watch<'_> {
    fn aiigo(&self, args: &[&str]) -> Result<(f64, f64), Error> {
        let mut command = Command::new(&self.program);
        command.args(args).current_dir(root()).envs(self.market.desk().environment(Some(&self.buyer)));
        self.waited(&mut command).map_err(|error| format!("aiigo {}: {error}", args.join(" ")).into())
    }

    /// Median and 95th percentile, milliseconds.
    fn waited(&self, command: &mut Command) -> Result<(f64, f64), Error> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let mut times = Vec::new();
        for _ in 0..self.runs {
            let begun = Instant::now();
            let status = command.status()?;
            times.push(begun.elapsed());
            if !status.success() {
                return Err(format!("it failed: {status}").into());
            }
        }
        times.sort_unstable();
        let at = |percent: usize| times.get((times.len() - 1) * percent / 100).map_or(0.0, Duration::as_secs_f64);
        Ok((at(50) * 1000.0, at(95) * 1000.0))
    }
}
