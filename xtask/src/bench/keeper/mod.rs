//! `cargo xtask bench keeper`: a round over thousands of nodes, those who miss it, and as many late tasks as that, against the real
//! keeper, built as a release is, on a devnet with a block a second.

pub(super) mod crowd;
mod measure;

use std::{fs, path::PathBuf};

use aiigo_devnet::{Devnet, DevnetConfig, Market, MarketConfig, Program};
use clap::Args;
use serde::Serialize;

use self::{crowd::Crowd, measure::Steady};
use crate::{
    bench::{
        memory,
        sender::{self, Blocks},
    },
    project::{Error, bin_dir, state_dir},
    setup,
    shell::heading,
};

#[derive(Args)]
pub(crate) struct KeeperArgs {
    /// Print one JSON document on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
    /// Nodes in the round; every tenth misses it.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(10..=20_000))]
    nodes: u64,
    /// Tasks that their nodes don't deliver, one each.
    #[arg(long, default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=2_000))]
    tasks: u64,
}

/// What was measured.
#[derive(Serialize)]
struct Numbers {
    nodes: u64,
    misses: u64,
    /// Seconds from when the round's misses could be reported to the last of them on the chain.
    misses_seconds: u64,
    tasks: u64,
    /// Seconds from the first moment that all tasks were late to the last time-out on the chain.
    timeouts_seconds: u64,
    /// The keeper's largest resident memory, megabytes.
    rss_mb: f64,
    /// What the keeper asks of its endpoint while nothing is due.
    rpc_calls_per_block: f64,
    /// Transactions that landed and failed.
    reverted: usize,
}

pub(crate) fn run(args: &KeeperArgs) -> Result<(), Error> {
    if args.tasks > args.nodes {
        return Err("--tasks may be no more than --nodes: each node takes one".into());
    }
    setup::everything()?;
    let keeper = setup::release("aiigo-keeper")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let numbers = runtime.block_on(play(args, keeper))?;
    #[allow(clippy::print_stdout)] // the result
    if args.json {
        println!("{}", serde_json::to_string(&numbers)?);
    } else {
        println!(
            "{} nodes, {} missed the round: all reported {} s after it was over",
            numbers.nodes, numbers.misses, numbers.misses_seconds
        );
        println!("{} late tasks: all timed out after {} s", numbers.tasks, numbers.timeouts_seconds);
        println!("{} of the keeper's transactions reverted", numbers.reverted);
        println!(
            "memory at most {:.0} MB, {:.1} RPC calls a block while nothing is due",
            numbers.rss_mb, numbers.rpc_calls_per_block
        );
    }
    Ok(())
}

async fn play(args: &KeeperArgs, keeper: PathBuf) -> Result<Numbers, Error> {
    let dir = state_dir().join("bench-keeper");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let devnet = Devnet::start(DevnetConfig::new(dir.join("chain"))).await?;
    let mut config = MarketConfig::new(bin_dir()?, dir.join("market"));
    config.instead.push((Program::Keeper, keeper));
    config.keeper_args = ["--daily-budget", "1000", "--jitter", "0"].map(str::to_owned).to_vec();
    let mut market = Market::new(devnet, config)?;

    heading(&format!("{} nodes", args.nodes));
    let mut crowd = Crowd::new(market.devnet(), Blocks::ByTheClock).await?;
    crowd.join(args.nodes).await?;
    heading(&format!("{} tasks", args.tasks));
    crowd.take_tasks(&market.buyer()?, args.tasks).await?;

    heading("A keeper with secrets of its own");
    let secrets = market.dir().join("keeper/secrets");
    market.desk().run(Program::Keeper, None, ["secrets", "new", &secrets.to_string_lossy()]).await?.success()?;
    let process = market.start_keeper().await?.process().id();
    let keeper = market.keeper_account()?.address();
    crowd.until_committed().await?;
    let log = market.devnet().dir().join("anvil.log");
    let rpc_calls_per_block = Steady::watch(market.devnet(), &log).await?;

    heading("A round");
    let round = crowd.round(market.devnet()).await?;
    let misses = crowd.answer(&round).await?;
    let misses_seconds = crowd.until_reported(market.devnet(), &round, misses).await?;
    heading("Late tasks");
    let timeouts_seconds = crowd.until_timed_out(market.devnet(), args.tasks).await?;

    let numbers = Numbers {
        nodes: args.nodes,
        misses,
        misses_seconds,
        tasks: args.tasks,
        timeouts_seconds,
        rss_mb: memory::largest(process)?,
        rpc_calls_per_block,
        reverted: sender::failed(&market.provider(), keeper, market.devnet().deployment().block).await?.len(),
    };
    market.stop().await?;
    Ok(numbers)
}
