//! From a block on the chain to its rows in the answers and its event at a subscriber.

use std::{path::Path, time::Instant};

use aiigo_devnet::{Devnet, Postgres, Subscription};
use aiigo_protocol::{AIIGOToken, ContractName};
use alloy::{
    primitives::{B256, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
    rpc::types::TransactionRequest,
    sol_types::SolCall,
};
use reqwest::Client;
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
    let cursor = &meta(&client, &indexer).await?["cursor"];
    let subscribe = format!("subscription {{ blocks(after: {cursor}) {{ number }} }}");
    let mut told = Subscription::start(&client, indexer.url.clone(), &subscribe).await;
    let mut latencies = Latencies::default();
    // The first block is for warming up.
    for block in 0..=BLOCKS {
        let (number, mined) = mine(&provider, transfer.clone()).await?;
        until(&mut told, number).await?;
        if block > 0 {
            latencies.add(mined.elapsed());
        }
        let indexed: u64 = meta(&client, &indexer).await?["indexedBlock"].as_str().unwrap_or_default().parse()?;
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

/// Waits until a block is told.
async fn until(told: &mut Subscription, number: u64) -> Result<(), Error> {
    loop {
        let block: u64 = told.next().await["blocks"]["number"].as_str().unwrap_or_default().parse()?;
        if block >= number {
            return Ok(());
        }
    }
}

async fn meta(client: &Client, indexer: &Indexer) -> Result<Value, Error> {
    let question = json!({ "query": "{ _meta { indexedBlock cursor } }" });
    let mut answer: Value = client.post(indexer.url.clone()).json(&question).send().await?.json().await?;
    Ok(answer["data"]["_meta"].take())
}
