//! From an empty database to the chain's head, beside only reading the same events.

use std::{fs, path::Path, time::Duration};

use aiigo_devnet::{Devnet, Postgres, ProcessCommand};
use serde::{Deserialize, Serialize};

use super::{disk, server::Indexer};
use crate::project::Error;

/// Each is measured so often; the median counts.
const RUNS: usize = 3;
/// How long reading may take.
const LIMIT: Duration = Duration::from_secs(600);

/// What `fetch` tells.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Fetched {
    pub(super) events: u64,
    pub(super) kinds: u64,
    pub(super) seconds: f64,
}

/// What a database costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub(super) struct Filled {
    /// From the program's start until everything is in the database.
    pub(super) seconds: f64,
    pub(super) events_per_second: f64,
    /// As many times the seconds of only reading.
    pub(super) ratio_to_fetch: f64,
    /// The program's largest resident memory, megabytes.
    pub(super) rss_mb: f64,
}

/// The programs, and a place for databases.
pub(super) struct Backfill<'a> {
    pub(super) devnet: &'a Devnet,
    pub(super) indexer: &'a Path,
    pub(super) fetch: &'a Path,
    pub(super) dir: &'a Path,
    pub(super) server: &'a Postgres,
}

impl Backfill<'_> {
    /// Reads, and fills both databases, in turn: what disturbs one disturbs the others. None is left for the next to push
    /// out of memory.
    pub(super) async fn run(&self) -> Result<(Fetched, Filled, Filled), Error> {
        let (mut fetched, mut files, mut servers) = (Vec::new(), Vec::new(), Vec::new());
        for run in 0..RUNS {
            fetched.push(self.read().await?);
            let file = self.dir.join("backfill.db");
            files.push(self.fill(&format!("sqlite:{}", file.display())).await?);
            disk::remove_sqlite(&file)?;
            servers.push(self.fill(self.server.database("backfill")?.as_str()).await?);
            self.server.remove("backfill")?;
            eprintln!(
                "  read in {:.2} s, indexed in {:.2} s (SQLite) and {:.2} s (PostgreSQL)",
                fetched[run].seconds, files[run].0, servers[run].0
            );
        }
        fetched.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let fetched = fetched[RUNS / 2];
        Ok((fetched, filled(files, fetched), filled(servers, fetched)))
    }

    async fn read(&self) -> Result<Fetched, Error> {
        let result = self.dir.join("fetched.json");
        let mut process = ProcessCommand::new("fetch", self.fetch, self.dir.join("fetch.log"))
            .args(["--rpc-url", self.devnet.rpc_url().as_str(), "--deployment"])
            .arg(self.devnet.deployment_path())
            .stdout(&result)
            .spawn()?;
        let status = process.wait_for_end(LIMIT).await?;
        if !status.success() {
            return Err(format!("reading the events failed:\n{}", process.last_lines()).into());
        }
        Ok(serde_json::from_str(&fs::read_to_string(result)?)?)
    }

    /// Seconds and megabytes.
    async fn fill(&self, database: &str) -> Result<(f64, f64), Error> {
        disk::settle().await?;
        let indexer = Indexer::start(self.indexer, self.devnet, database, self.dir).await?;
        let measured = (indexer.seconds, indexer.memory()?);
        indexer.stop().await?;
        Ok(measured)
    }
}

#[allow(clippy::cast_precision_loss)] // hundreds of thousands
fn filled(mut runs: Vec<(f64, f64)>, fetched: Fetched) -> Filled {
    runs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let seconds = runs[runs.len() / 2].0;
    Filled {
        seconds,
        events_per_second: fetched.events as f64 / seconds,
        ratio_to_fetch: seconds / fetched.seconds,
        rss_mb: runs.iter().map(|run| run.1).fold(0.0, f64::max),
    }
}
