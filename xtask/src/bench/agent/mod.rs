//! `cargo xtask bench agent`: what the provider's agent, built as a release is, makes of many small tasks on a devnet with a
//! block a second, and what its parts take by themselves.

mod tasks;

use std::{fs, path::PathBuf, time::Duration};

use aiigo_devnet::{Devnet, DevnetConfig, Market, MarketConfig, Program};
use clap::Args;
use serde::{Deserialize, Serialize};

use super::memory;
use crate::{
    project::{Error, bin_dir, state_dir},
    setup,
    shell::{cargo, heading, output},
};

/// How long the agent does nothing before its memory is looked at.
const IDLE: Duration = Duration::from_secs(10);

#[derive(Args)]
pub(crate) struct AgentArgs {
    /// Print one JSON document on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
    /// Small tasks that one agent does, eight at a time.
    #[arg(long, default_value_t = 64, value_parser = clap::value_parser!(u32).range(8..=512))]
    tasks: u32,
}

/// What was measured.
#[derive(Serialize)]
struct Numbers {
    /// A WASM program that does nothing and was compiled before, from the call to its outcome, milliseconds.
    wasm_start_ms: f64,
    /// What the container sandbox takes more than `docker run --rm` of the same command, milliseconds.
    docker_overhead_ms: f64,
    /// From the first acceptance to the last result on the chain.
    tasks_per_minute: f64,
    /// What files are hashed into CIDs with, on one thread, megabytes a second.
    cid_mb_per_s: f64,
    /// As part of what plain SHA-256 takes.
    cid_ratio_to_sha256: f64,
    /// The agent's resident memory while it waits for its first task, megabytes.
    rss_mb: f64,
}

#[derive(Deserialize)]
struct Start {
    warm_ms: f64,
}

#[derive(Deserialize)]
struct Overhead {
    docker_overhead_ms: f64,
}

#[derive(Deserialize)]
struct Hashing {
    cid_mb_per_s: f64,
    ratio: f64,
}

pub(crate) fn run(args: &AgentArgs) -> Result<(), Error> {
    setup::everything()?;
    let agent = setup::release("aiigo-agent")?;
    heading("The sandbox");
    let start: Start = measured(&["run", "--release", "--package", "aiigo-executor", "--example", "start"])?;
    heading("Containers");
    setup::docker()?;
    let overhead: Overhead =
        measured(&["run", "--release", "--package", "aiigo-executor", "--example", "docker_overhead"])?;
    heading("Hashing");
    let hashing: Hashing = measured(&["bench", "--package", "aiigo-storage", "--bench", "cid"])?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let (tasks_per_minute, rss_mb) = runtime.block_on(play(args, agent))?;
    let numbers = Numbers {
        wasm_start_ms: start.warm_ms,
        docker_overhead_ms: overhead.docker_overhead_ms,
        tasks_per_minute,
        cid_mb_per_s: hashing.cid_mb_per_s,
        cid_ratio_to_sha256: hashing.ratio,
        rss_mb,
    };
    #[allow(clippy::print_stdout)] // the result
    if args.json {
        println!("{}", serde_json::to_string(&numbers)?);
    } else {
        println!("a WASM program starts in {:.2} ms", numbers.wasm_start_ms);
        println!("a container costs {:.0} ms more than by `docker run`", numbers.docker_overhead_ms);
        println!("{:.0} small tasks a minute", numbers.tasks_per_minute);
        println!(
            "{:.0} MB/s into CIDs, {:.2} times the speed of SHA-256",
            numbers.cid_mb_per_s, numbers.cid_ratio_to_sha256
        );
        println!("{:.0} MB of memory while idle", numbers.rss_mb);
    }
    Ok(())
}

/// What a program prints that measures something by itself.
fn measured<T: for<'de> Deserialize<'de>>(args: &[&str]) -> Result<T, Error> {
    Ok(serde_json::from_str(&output(cargo().args(args).args(["--quiet", "--locked"]))?)?)
}

async fn play(args: &AgentArgs, agent: PathBuf) -> Result<(f64, f64), Error> {
    let dir = state_dir().join("bench-agent");
    if dir.exists() {
        fs::remove_dir_all(&dir)?;
    }
    let devnet = Devnet::start(DevnetConfig::new(dir.join("chain"))).await?;
    let mut config = MarketConfig::new(bin_dir()?, dir.join("market"));
    config.instead.push((Program::Agent, agent));
    // A slot for each task at one time.
    config.stake *= alloy::primitives::U256::from(8);
    let mut market = Market::new(devnet, config)?;
    market.start_store().await?;
    heading("An agent");
    let index = market.add_agent()?;
    market.fund_agent(index).await?;
    market.set_up_agent(index).await?;
    fs::write(market.agent(index)?.dir.join("policy.toml"), "machine.tasks = 8\nmachine.cores = 8\n")?;
    let process = market.start_agent(index).await?.process().id();
    market.agent(index)?.ready().await?;
    tokio::time::sleep(IDLE).await;
    let rss_mb = memory::now(process)?;
    heading(&format!("{} tasks", args.tasks));
    let tasks_per_minute = tasks::done_per_minute(&mut market, index, args.tasks).await?;
    market.stop().await?;
    Ok((tasks_per_minute, rss_mb))
}
