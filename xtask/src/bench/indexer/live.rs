//! From a block on the chain to its rows in the answers and its event at a subscriber.

use std::{path::Path, time::Instant};

use aiigo_devnet::{Devnet, Postgres};
use aiigo_protocol::{AIIGOToken, ContractName};
use alloy::{
    primitives::{B256, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use reqwest::{Client, Response, header::ACCEPT};
use serde::Serialize;
use serde_json::{Value, json};

use super::{latency::Latencies, server::Indexer};
use crate::project::Error;

/// Blocks that are waited for, each with a transfer.
const BLOCKS: usize = 1_000;

/// How soon, from the answer that a block was mined: the indexer's pause between two looks at the head is in it.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Delay {
    pub(super) p50_ms: f64,
    pub(super) p99_ms: f64,
}

/// Of both databases.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Delays {
    pub(super) sqlite: Delay,
    pub(super) postgres: Delay,
}

/// On a chain that makes blocks only when it is told to.
pub(super) async fn measure(devnet: &Devnet, indexer: &Path, dir: &Path, server: &Postgres) -> Result<Delays, Error> {
    devnet.provider().anvil_set_auto_mine(false).await?;
    let file = format!("sqlite:{}", dir.join("live.db").display());
    let sqlite = follow(devnet, Indexer::start(indexer, devnet, &file, dir).await?).await?;
    let database = server.database("live")?;
    let postgres = follow(devnet, Indexer::start(indexer, devnet, database.as_str(), dir).await?).await?;
    Ok(Delays { sqlite, postgres })
}

async fn follow(devnet: &Devnet, indexer: Indexer) -> Result<Delay, Error> {
    let (provider, client) = (devnet.provider(), Client::new());
    let transfer = AIIGOToken::transferCall { to: devnet.account(1)?.address(), value: U256::from(1) };
    let transfer = TransactionRequest::default()
        .from(devnet.account(0)?.address())
        .to(devnet.deployment().address(ContractName::AIIGOToken))
        .input(transfer.abi_encode().into())
        .gas_limit(200_000);
    let subscribe = json!({ "query": "subscription { blocks { number retracted } }" });
    let request = client.post(indexer.url.clone()).header(ACCEPT, "text/event-stream").json(&subscribe);
    let mut told = Told { stream: request.send().await?, text: String::new() };
    let mut latencies = Latencies::default();
    // The first block shows that the subscription has begun.
    for block in 0..=BLOCKS {
        let (number, mined) = mine(&provider, transfer.clone()).await?;
        told.until(number).await?;
        if block > 0 {
            latencies.add(mined.elapsed());
        }
        let question = json!({ "query": "{ _meta { indexedBlock } }" });
        let answer: Value = client.post(indexer.url.clone()).json(&question).send().await?.json().await?;
        let indexed: u64 = answer["data"]["_meta"]["indexedBlock"].as_str().unwrap_or_default().parse()?;
        if indexed < number {
            return Err(format!("block {number} was told before its rows could be read").into());
        }
    }
    indexer.stop().await?;
    Ok(Delay { p50_ms: latencies.percentile(50), p99_ms: latencies.percentile(99) })
}

/// A block's number, and when it was there.
async fn mine(provider: &DynProvider, transaction: TransactionRequest) -> Result<(u64, Instant), Error> {
    let _: B256 = provider.client().request("eth_sendTransaction", (transaction,)).await?;
    let number = provider.get_block_number().await? + 1;
    provider.anvil_mine(Some(1), None).await?;
    Ok((number, Instant::now()))
}

/// What a subscription told, as server-sent events.
struct Told {
    stream: Response,
    text: String,
}

impl Told {
    async fn until(&mut self, number: u64) -> Result<(), Error> {
        loop {
            while let Some((line, rest)) = self.text.split_once('\n') {
                let told =
                    line.strip_prefix("data:").map(|data| serde_json::from_str::<Value>(data.trim())).transpose()?;
                self.text = rest.to_owned();
                let block =
                    told.as_ref().and_then(|told| told["data"]["blocks"]["number"].as_str()?.parse::<u64>().ok());
                if block.is_some_and(|block| block >= number) {
                    return Ok(());
                }
            }
            let chunk = self.stream.chunk().await?.ok_or("the subscription ended")?;
            self.text.push_str(std::str::from_utf8(&chunk)?);
        }
    }
}
