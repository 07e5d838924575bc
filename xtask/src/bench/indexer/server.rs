//! A running indexer.

use std::{
    fs,
    path::Path,
    time::{Duration, Instant},
};

use aiigo_devnet::{Devnet, Process, ProcessCommand};
use url::Url;

use crate::{bench::memory, project::Error};

/// How long it may take to catch up.
const LIMIT: Duration = Duration::from_secs(600);
const GRACE: Duration = Duration::from_secs(15);

/// An indexer that was told to be one.
pub(super) struct Indexer {
    process: Process,
    /// Where it listens.
    pub(super) url: Url,
    /// Seconds from its start until it was ready: everything indexed.
    pub(super) seconds: f64,
}

impl Indexer {
    /// Starts it and waits until it has caught up with the chain.
    pub(super) async fn start(program: &Path, devnet: &Devnet, database: &str, dir: &Path) -> Result<Self, Error> {
        let (address, log) = (dir.join("address"), dir.join("indexer.log"));
        if address.exists() {
            fs::remove_file(&address)?;
        }
        let started = Instant::now();
        let mut process = ProcessCommand::new("aiigo-indexer", program, log)
            .args(["run", "--listen", "127.0.0.1:0", "--poll-interval", "10"])
            .args(["--rpc-url", devnet.rpc_url().as_str(), "--database", database, "--deployment"])
            .arg(devnet.deployment_path())
            .arg("--address-file")
            .arg(&address)
            .spawn()?;
        let listens = process.wait_for_address(&address, LIMIT).await?;
        let url: Url = format!("http://{listens}").parse()?;
        process.wait_until_ready(&url, LIMIT).await?;
        Ok(Self { process, url: url.join("graphql")?, seconds: started.elapsed().as_secs_f64() })
    }

    /// The most memory it ever held, megabytes.
    pub(super) fn memory(&self) -> Result<f64, Error> {
        memory::largest(self.process.id())
    }

    pub(super) async fn stop(mut self) -> Result<(), Error> {
        self.process.terminate(GRACE).await?;
        Ok(())
    }
}
