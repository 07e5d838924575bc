//! Fills a database with a made-up market through the indexer's own projections, as if it had been indexed up to a chain's
//! head: what queries are measured on. `cargo xtask bench indexer` runs it.

mod market;

use std::process::ExitCode;

use aiigo_chain::{BlockRef, Update, rpc::RpcArgs};
use aiigo_indexer::{
    ingest::{self, Projector},
    store::{self, DatabaseUrl},
};
use alloy::{eips::BlockNumberOrTag, primitives::keccak256, providers::Provider};
use clap::Parser;

use self::market::Market;

type Error = Box<dyn std::error::Error>;

/// Nodes or tasks of a block.
const A_BLOCK: u64 = 1_000;
/// Seconds between blocks.
const BLOCK_TIME: u64 = 12;

#[derive(Parser)]
struct Args {
    #[command(flatten)]
    rpc: RpcArgs,
    /// The database, empty
    #[arg(long)]
    database: DatabaseUrl,
    /// Nodes, all of one resource type
    #[arg(long)]
    nodes: u64,
    /// Tasks
    #[arg(long)]
    tasks: u64,
}

#[tokio::main]
async fn main() -> ExitCode {
    match fill(&Args::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn fill(args: &Args) -> Result<(), Error> {
    let (provider, deployment) = args.rpc.connect().await?;
    let head = provider.get_block_by_number(BlockNumberOrTag::Latest).await?.ok_or("the chain has no head")?;
    let head = BlockRef::from(&head);
    let (nodes, tasks) = (args.nodes.div_ceil(A_BLOCK), args.tasks.div_ceil(A_BLOCK));
    let first = (head.number + 1).checked_sub(nodes + tasks + 1).filter(|first| *first >= deployment.block);
    let first = first.ok_or_else(|| format!("the chain is too short: it needs {} blocks more", nodes + tasks + 1))?;

    let market = Market::new(&deployment, args.nodes);
    let projector = Projector::new(deployment.clone());
    let mut writer = store::prepare(&args.database).await?.elect(&deployment).await?;
    for number in first..=head.number {
        let block = match number == head.number {
            true => head,
            // The chain's own blocks need not be told: all but the last are final.
            false => BlockRef {
                number,
                hash: keccak256(number.to_be_bytes()),
                parent_hash: keccak256((number - 1).to_be_bytes()),
                timestamp: head.timestamp - (head.number - number) * BLOCK_TIME,
            },
        };
        let ids = |from: u64, all: u64| from * A_BLOCK + 1..=((from + 1) * A_BLOCK).min(all);
        let events = match (number - first).checked_sub(1) {
            None => market.begin(block),
            Some(index) if index < nodes => market.nodes(ids(index, args.nodes), block),
            Some(index) => market.tasks(ids(index - nodes, args.tasks), block),
        };
        let from = if number == first { deployment.block } else { number };
        let update = Update::Applied { block, from, events, head, finalized: head.number, live: number == head.number };
        ingest::apply(&mut writer, &projector, &update).await?;
    }
    Ok(writer.close().await?)
}
