//! Only reads and decodes a deployment's events, up to its chain's head, and writes nothing: what the indexer's speed is
//! compared with. `cargo xtask bench indexer` runs it.

use std::{collections::BTreeSet, process::ExitCode, sync::Arc, time::Instant};

use aiigo_chain::{Follower, FollowerConfig, Update, rpc::RpcArgs};
use clap::Parser;

type Error = Box<dyn std::error::Error>;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    rpc: RpcArgs,
}

#[tokio::main]
async fn main() -> ExitCode {
    match fetch(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn fetch(args: &Args) -> Result<(), Error> {
    let started = Instant::now();
    let (provider, deployment) = args.rpc.connect().await?;
    let mut follower = Follower::new(provider, Arc::new(deployment), FollowerConfig::default(), Vec::new());
    let (mut count, mut kinds) = (0, BTreeSet::new());
    loop {
        let Update::Applied { events, live, .. } = follower.next().await? else { continue };
        count += events.len();
        // A kind is a contract's event that was understood.
        let decoded = events.iter().filter(|event| event.event.is_some());
        kinds.extend(decoded.map(|event| (event.address, event.raw.topics().first().copied())));
        if live {
            break;
        }
    }
    let (kinds, seconds) = (kinds.len(), started.elapsed().as_secs_f64());
    #[allow(clippy::print_stdout)] // the result
    {
        println!("{}", serde_json::json!({ "events": count, "kinds": kinds, "seconds": seconds }));
    }
    Ok(())
}
