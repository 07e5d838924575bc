//! `cargo xtask demo`: a market on this machine, and one real job in it.

mod account;
mod dispute;
mod graphql;
mod money;
mod play;
mod summary;

use std::{fs, path::PathBuf};

use aiigo_devnet::{Devnet, DevnetConfig, Market, MarketConfig};
use aiigo_task::Job;
use clap::Args;
use nix::{sys::signal::kill, unistd::Pid};
use tokio::signal::unix::{Signal, SignalKind, signal};

use self::{account::Account, play::Play, summary::Summary};
use crate::{
    project::{Error, bin_dir, root, state_dir},
    setup,
};

#[derive(Args)]
pub(crate) struct DemoArgs {
    /// Your own file as the job's input, in place of the example's.
    #[arg(long, value_name = "FILE")]
    input: Option<PathBuf>,
    /// Your own job.
    #[arg(long, value_name = "FILE", default_value_os_t = root().join("examples/text-stats/job.yaml"))]
    job: PathBuf,
    /// Run the job a second time, take its result to court, and let jurors rule.
    #[arg(long)]
    dispute: bool,
    /// Build and install nothing: everything is there.
    #[arg(long)]
    built: bool,
    /// Leave after the summary.
    #[arg(long)]
    once: bool,
    /// Print the summary as one JSON document on stdout, everything else on stderr.
    #[arg(long, requires = "once")]
    json: bool,
}

pub(crate) fn run(args: DemoArgs) -> Result<(), Error> {
    let readable = |file: &PathBuf| fs::read(file).map_err(|error| format!("cannot read {}: {error}", file.display()));
    args.input.as_ref().map(readable).transpose()?;
    // A mistake in the job is said at once, not after the market was built around it.
    Job::parse(&String::from_utf8_lossy(&readable(&args.job)?), &args.job.display().to_string())?;
    if !args.built {
        setup::everything()?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut leave = Leave::on_signals()?;
        // Whatever ends the race, the market is dropped with the future: every process it started dies.
        let (market, summary) = tokio::select! {
            told = tell(&args) => told?,
            signal = leave.asked() => return Err(format!("{signal} before the demo was over").into()),
        };
        if args.json {
            #[allow(clippy::print_stdout)] // the result
            {
                println!("{}", serde_json::to_string(&summary.json(market.devnet().deployment().chain_id))?);
            }
        } else {
            eprintln!("\n{}", summary.table());
        }
        if !args.once {
            eprintln!("{}", summary.what_next(&market)?);
            leave.asked().await;
            eprintln!("\nStopping everything.");
        }
        Ok(market.stop().await?)
    })
}

/// The signals that ask a program to leave.
struct Leave {
    interrupt: Signal,
    terminate: Signal,
}

impl Leave {
    fn on_signals() -> Result<Self, Error> {
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    /// Waits for one, and says which.
    async fn asked(&mut self) -> &'static str {
        tokio::select! {
            _ = self.interrupt.recv() => "interrupted",
            _ = self.terminate.recv() => "terminated",
        }
    }
}

/// The demo's folder is of this process alone, so demos run side by side.
fn demo_dir() -> Result<PathBuf, Error> {
    let demos = state_dir().join("demo");
    fs::create_dir_all(&demos)?;
    for old in fs::read_dir(&demos)?.flatten() {
        let pid = old.file_name().to_str().and_then(|name| name.parse::<i32>().ok());
        let running = pid.map(Pid::from_raw).is_some_and(|pid| pid != Pid::this() && kill(pid, None).is_ok());
        if !running {
            // Another demo may be doing the same; what can't be removed is no harm.
            let _ = fs::remove_dir_all(old.path());
        }
    }
    let dir = demos.join(std::process::id().to_string());
    fs::create_dir_all(&dir)?;
    Ok(dir)
}

/// Builds the market and runs the job in it.
async fn tell(args: &DemoArgs) -> Result<(Market, Summary), Error> {
    let account = Account::new();
    let dir = demo_dir()?;
    account.chapter("A chain with the contracts");
    account.waiting("starting anvil, deploying the suite with forge script");
    let devnet = Devnet::start(DevnetConfig::new(dir.join("chain"))).await?;
    account.step(&format!("chain {} at {}, contracts deployed", devnet.deployment().chain_id, devnet.rpc_url()), None);

    let mut market = Market::new(devnet, MarketConfig::new(bin_dir()?, dir.join("market")))?;
    let mut play = Play { market: &mut market, account: &account };
    let told = async {
        play.programs().await?;
        play.providers().await?;
        let jurors = if args.dispute { play.jurors().await? } else { Vec::new() };
        let mut summary = play.job(args).await?;
        if args.dispute {
            summary.ruling = Some(play.dispute(args, &jurors, &summary.done).await?);
            summary.seconds = account.seconds();
        }
        Ok(summary)
    }
    .await;
    account.finish();
    let summary = told.map_err(|error: Error| format!("{error}\n  the programs' logs: {}", dir.display()))?;
    Ok((market, summary))
}
