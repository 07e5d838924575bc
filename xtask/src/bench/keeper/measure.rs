//! What a keeper costs.

use std::{cell::Cell, fs, path::Path, time::Duration};

use aiigo_devnet::{Devnet, try_until};
use alloy::providers::Provider;

use crate::project::Error;

/// Blocks over which calls are counted.
const BLOCKS: u64 = 30;
const LIMIT: Duration = Duration::from_secs(120);

/// Calls while nothing is due.
pub(super) struct Steady;

impl Steady {
    /// Calls a block, by anvil's own log: a line for each call, with the method's name. Our own are taken off.
    pub(super) async fn watch(devnet: &Devnet, log: &Path) -> Result<f64, Error> {
        let provider = devnet.provider();
        let first = provider.get_block_number().await?;
        let before = calls(log)?;
        let own = Cell::new(0_u64);
        let last = try_until(LIMIT, async || {
            own.set(own.get() + 1);
            provider.get_block_number().await.ok().filter(|number| *number >= first + BLOCKS)
        });
        let last = last.await.ok_or("no blocks come")?;
        let seen = calls(log)? - before;
        #[allow(clippy::cast_precision_loss)] // thousands
        Ok(seen.saturating_sub(own.get()) as f64 / (last - first) as f64)
    }
}

fn calls(log: &Path) -> Result<u64, Error> {
    let text = fs::read_to_string(log)?;
    let methods = ["eth_", "net_", "web3_", "anvil_", "evm_"];
    Ok(text.lines().filter(|line| methods.iter().any(|method| line.starts_with(method))).count() as u64)
}
