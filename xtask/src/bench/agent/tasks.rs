//! Many tasks at once, each with a program that does next to nothing.

use std::{collections::BTreeMap, fs, path::Path, time::Duration};

use aiigo_devnet::{Account, Market, Program, try_until};
use aiigo_protocol::{ContractName, TaskMarketplace, TaskMarketplace::TaskRequest};
use aiigo_task::{FileDigest, GatewayUrl, Limits, TaskProgram, TaskSpec, TaskSpecParts};
use alloy::{
    primitives::{Address, U256, aliases::U96},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEvent,
};

use crate::project::Error;

/// How long all of them may take.
const LIMIT: Duration = Duration::from_secs(900);
/// Writes nothing and exits.
const PROGRAM: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b";

/// Creates the tasks in one block, and waits until the last result is on the chain.
pub(super) async fn done_per_minute(market: &mut Market, count: u32) -> Result<f64, Error> {
    let gateway: GatewayUrl = market.store()?.url().as_str().trim_end_matches('/').parse()?;
    let buyer = market.buyer()?;
    let dir = market.dir().join("job");
    fs::create_dir_all(&dir)?;
    let module = put(market, &buyer, &dir.join("program.wasm"), PROGRAM).await?;
    let spec = TaskSpec::new(TaskSpecParts {
        name: "nothing".into(),
        program: TaskProgram::Wasm(module),
        args: Vec::new(),
        env: BTreeMap::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        limits: Limits { memory_bytes: 1 << 20, fuel: Some(1_000_000), cpus: None, seconds: 10, output_bytes: 1 << 10 },
        gateways: vec![gateway.clone()],
    })?;
    let stored = put(market, &buyer, &dir.join("spec.json"), &spec.canonical()).await?;
    let request = TaskRequest {
        resourceType: 1,
        minTrustLevel: 1,
        replicas: 1,
        minPower: 1,
        duration: 600,
        acceptWindow: 3600,
        reviewWindow: 3600,
        maxAuditAge: 0,
        pricePerHour: U96::from(100_000_000_000_000_000_u64),
        paymentToken: Address::ZERO,
        watcher: Address::ZERO,
        specHash: spec.hash(),
        specURI: format!("ipfs://{}?gateway={}", stored.cid, escaped(gateway.as_str())),
    };
    let devnet = market.devnet();
    let marketplace = devnet.deployment().address(ContractName::TaskMarketplace);
    let contract = TaskMarketplace::new(marketplace, devnet.provider_as(&buyer));
    let quote = contract.quote(request.clone()).call().await?;
    let each = U256::from(quote.escrow) + quote.tipDeposit;
    for chunk in vec![request; count as usize].chunks(64) {
        let value = each * U256::from(chunk.len());
        let sent = contract.createTasks(chunk.to_vec(), Vec::new()).value(value).send().await?;
        if !sent.get_receipt().await?.status() {
            return Err("the tasks were refused".into());
        }
    }
    let provider = devnet.provider();
    let first = devnet.deployment().block;
    let done = try_until(LIMIT, async || {
        let results =
            times(&provider, marketplace, first, TaskMarketplace::ResultSubmitted::SIGNATURE_HASH).await.ok()?;
        (results.len() >= count as usize).then_some(results)
    });
    let done = done.await.ok_or("not all tasks were done in time")?;
    let accepted = times(&provider, marketplace, first, TaskMarketplace::TaskAccepted::SIGNATURE_HASH).await?;
    let (Some(begun), Some(ended)) = (accepted.iter().min(), done.iter().max()) else {
        return Err("nothing was accepted".into());
    };
    Ok(f64::from(count) * 60.0 / ended.saturating_sub(*begun).max(1) as f64)
}

fn escaped(address: &str) -> String {
    url::form_urlencoded::byte_serialize(address.as_bytes()).collect()
}

/// When events of a kind happened, unix seconds.
async fn times(
    provider: &impl Provider,
    marketplace: Address,
    first: u64,
    event: alloy::primitives::B256,
) -> Result<Vec<u64>, Error> {
    let filter = Filter::new().address(marketplace).event_signature(event).from_block(first);
    let logs = provider.get_logs(&filter).await?;
    logs.iter().map(|log| log.block_timestamp.ok_or_else(|| "the chain tells no time".into())).collect()
}

/// Puts a file into the buyer's store.
async fn put(market: &Market, buyer: &Account, path: &Path, content: &[u8]) -> Result<FileDigest, Error> {
    fs::write(path, content)?;
    let args = ["store", "put", &path.to_string_lossy(), "--json"].map(str::to_owned);
    let stored = market.desk().run(Program::Aiigo, Some(buyer), args).await?.json()?;
    Ok(serde_json::from_value(stored)?)
}
