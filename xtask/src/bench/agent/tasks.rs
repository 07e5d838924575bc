//! Many tasks at once, each with a program that does next to nothing.

use std::{fs, path::Path, time::Duration};

use aiigo_devnet::{Market, Program, try_until};
use aiigo_protocol::{ContractName, TaskMarketplace};
use alloy::{
    primitives::{Address, B256},
    providers::Provider,
    rpc::types::Filter,
    sol_types::SolEvent,
};

use crate::project::Error;

/// How long all of them may take.
const LIMIT: Duration = Duration::from_secs(900);
/// Writes nothing and exits.
const PROGRAM: &[u8] = b"\0asm\x01\0\0\0\x01\x04\x01\x60\0\0\x03\x02\x01\0\x05\x03\x01\0\x01\x07\x13\x02\x06memory\x02\0\x06_start\0\0\x0a\x04\x01\x02\0\x0b";
/// What each takes, which is worth more than its gas.
const JOB: &str = "module: program.wasm
resources: {type: CPU, power: 0.001, memory: 1MiB, fuel: 1e6, output: 1KiB, time: 10s}
price: 2
accept-within: 1h
review: 1h
";

/// Orders the tasks as a buyer does, while the provider pauses, and waits until the last result is on the chain.
pub(super) async fn done_per_minute(market: &mut Market, provider: usize, count: u32) -> Result<f64, Error> {
    let (desk, buyer, dir) = (market.desk(), market.buyer()?, market.dir().join("jobs"));
    let folder = market.agent(provider)?.dir.clone();
    let tell = async |word: &str| {
        let args = [word.as_ref(), "--data-dir".as_ref(), folder.as_os_str()];
        Ok::<_, Error>(desk.run(Program::Agent, None, args).await?.success()?)
    };
    tell("pause").await?;
    for number in 0..count {
        let job = write_job(&dir, number)?;
        let args = ["job".as_ref(), "submit".as_ref(), job.as_os_str(), "--yes".as_ref(), "--json".as_ref()];
        desk.run(Program::Aiigo, Some(&buyer), args).await?.success()?;
    }
    tell("resume").await?;
    let chain = market.devnet().provider();
    let marketplace = market.devnet().deployment().address(ContractName::TaskMarketplace);
    let first = market.devnet().deployment().block;
    let done = try_until(LIMIT, async || {
        let results = times(&chain, marketplace, first, TaskMarketplace::ResultSubmitted::SIGNATURE_HASH).await.ok()?;
        (results.len() >= count as usize).then_some(results)
    });
    let done = done.await.ok_or("not all tasks were done in time")?;
    let accepted = times(&chain, marketplace, first, TaskMarketplace::TaskAccepted::SIGNATURE_HASH).await?;
    let (Some(begun), Some(ended)) = (accepted.iter().min(), done.iter().max()) else {
        return Err("nothing was accepted".into());
    };
    Ok(f64::from(count) * 60.0 / ended.saturating_sub(*begun).max(1) as f64)
}

/// A job like all the others, and no other.
fn write_job(dir: &Path, number: u32) -> Result<std::path::PathBuf, Error> {
    let dir = dir.join(number.to_string());
    fs::create_dir_all(&dir)?;
    fs::write(dir.join("program.wasm"), PROGRAM)?;
    let job = dir.join("job.yaml");
    fs::write(&job, format!("name: nothing-{number}\n{JOB}"))?;
    Ok(job)
}

/// When events of a kind happened, unix seconds.
async fn times(provider: &impl Provider, marketplace: Address, first: u64, event: B256) -> Result<Vec<u64>, Error> {
    let filter = Filter::new().address(marketplace).event_signature(event).from_block(first);
    let logs = provider.get_logs(&filter).await?;
    logs.iter().map(|log| log.block_timestamp.ok_or_else(|| "the chain tells no time".into())).collect()
}
