//! anvil, the chain itself.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use alloy::providers::{DynProvider, Provider, ProviderBuilder, ext::AnvilApi};
use url::Url;

use crate::{
    account::{Account, FUNDED, MNEMONIC},
    error::DevnetError,
    process::{Process, ProcessCommand},
    toolchain,
};

/// Blocks behind the head that the chain calls final, halved: anvil counts two epochs.
const SLOTS_IN_AN_EPOCH: u64 = 8;
/// Gas of a block: a whole deployment fits. Anvil drops the transactions behind one that has to wait for the next block.
const BLOCK_GAS: u64 = 1_000_000_000;
/// States of past blocks kept in memory; without a limit anvil writes old ones to the user's home.
const STATES_KEPT: u64 = 512;
/// How long anvil may take to listen, loading a state included.
const START_LIMIT: Duration = Duration::from_secs(30);
const STOP_GRACE: Duration = Duration::from_secs(5);
/// How often a provider asks for receipts: blocks come every second or faster.
const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// When blocks come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockTime {
    /// A block with every transaction, and none without.
    PerTransaction,
    /// A block every so often, as on a real chain; at least one second.
    Every(Duration),
}

impl Default for BlockTime {
    fn default() -> Self {
        Self::Every(Duration::from_secs(1))
    }
}

/// What becomes of the chain's state.
#[derive(Clone, Copy, Debug)]
pub(crate) enum State<'a> {
    /// It begins empty and is gone when anvil stops.
    Fresh,
    /// It begins empty and is saved when anvil stops.
    SavedTo(&'a Path),
    /// It continues a saved one, at the present time.
    LoadedFrom(&'a Path),
}

/// A running anvil.
#[derive(Debug)]
pub(crate) struct Anvil {
    process: Process,
    url: Url,
}

impl Anvil {
    /// Starts anvil on a free port of 127.0.0.1; its log goes to `dir`.
    pub(crate) async fn start(
        project_root: &Path,
        dir: &Path,
        chain_id: u64,
        block_time: BlockTime,
        state: State<'_>,
    ) -> Result<Self, DevnetError> {
        let program = toolchain::find_tool("anvil", project_root)?;
        let log = dir.join("anvil.log");
        remove_old(&log)?;
        let mut command = ProcessCommand::new("anvil", program, &log)
            .args(["--host", "127.0.0.1", "--port", "0", "--order", "fifo", "--mnemonic", MNEMONIC])
            .args(["--accounts".to_owned(), FUNDED.to_string()])
            .args(["--chain-id".to_owned(), chain_id.to_string()])
            .args(["--gas-limit".to_owned(), BLOCK_GAS.to_string()])
            .args(["--slots-in-an-epoch".to_owned(), SLOTS_IN_AN_EPOCH.to_string()])
            .args(["--prune-history".to_owned(), STATES_KEPT.to_string()]);
        if let BlockTime::Every(interval) = block_time {
            command = command.args(["--block-time".to_owned(), interval.as_secs().max(1).to_string()]);
        }
        command = match state {
            State::Fresh => command,
            State::SavedTo(file) => command.arg("--dump-state").arg(file),
            State::LoadedFrom(file) => command.arg("--load-state").arg(file),
        };
        let mut process = command.spawn()?;
        let url = process.wait_for("its listen address", START_LIMIT, async || listen_url(&log)).await?;
        Ok(Self { process, url })
    }

    /// Its JSON-RPC endpoint, HTTP and WebSocket alike.
    pub(crate) fn url(&self) -> &Url {
        &self.url
    }

    /// A provider that only reads.
    pub(crate) fn provider(&self) -> DynProvider {
        let provider = ProviderBuilder::new().connect_http(self.url.clone());
        provider.client().set_poll_interval(POLL_INTERVAL);
        provider.erased()
    }

    /// A provider that signs as `account`.
    pub(crate) fn provider_as(&self, account: &Account) -> DynProvider {
        // Nonces are asked of the chain each time: other programs may use the account too.
        let provider = ProviderBuilder::default()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .fetch_chain_id()
            .wallet(account.wallet())
            .connect_http(self.url.clone());
        provider.client().set_poll_interval(POLL_INTERVAL);
        provider.erased()
    }

    /// Mines blocks at once.
    pub(crate) async fn mine(&self, blocks: u64) -> Result<(), DevnetError> {
        self.provider().anvil_mine(Some(blocks), None).await.map_err(DevnetError::rpc("mining"))
    }

    /// Stops it.
    pub(crate) async fn stop(mut self) -> Result<(), DevnetError> {
        self.process.terminate(STOP_GRACE).await?;
        Ok(())
    }
}

fn remove_old(log: &PathBuf) -> Result<(), DevnetError> {
    match fs::remove_file(log) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(DevnetError::file("replace", log)(error)),
        _ => Ok(()),
    }
}

/// What anvil says of its port: `Listening on 127.0.0.1:38471`.
fn listen_url(log: &Path) -> Option<Url> {
    let text = fs::read_to_string(log).ok()?;
    let (_, after) = text.split_once("Listening on ")?;
    // Only a whole line counts: the rest of the port may not be written yet.
    let (address, _) = after.split_once('\n')?;
    Url::parse(&format!("http://{}", address.trim())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_half_written_port_is_not_read() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = dir.path().join("anvil.log");
        fs::write(&log, "…\nListening on 127.0.0.1:38").expect("a log");
        assert_eq!(listen_url(&log), None);
        fs::write(&log, "…\nListening on 127.0.0.1:38471\n").expect("a log");
        assert_eq!(listen_url(&log).map(|url| url.to_string()).as_deref(), Some("http://127.0.0.1:38471/"));
    }
}
