//! `cargo xtask bench indexer`: the indexer, built as a release is, on a history made through the deployed contracts, in
//! SQLite and in PostgreSQL.

mod backfill;
mod disk;
mod history;
mod latency;
mod live;
mod queries;
mod server;

use std::{fmt, fs, path::PathBuf};

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, Postgres};
use clap::{Args, ValueEnum};
use serde::Serialize;

use self::{
    backfill::{Backfill, Fetched, Filled},
    history::History,
    live::{Delay, Delays},
    queries::{Answers, Asked, Queries},
};
use crate::{
    project::{Error, state_dir},
    setup,
    shell::heading,
};

#[derive(Args)]
pub(crate) struct IndexerArgs {
    /// Print one JSON document on stdout, and nothing else there.
    #[arg(long)]
    json: bool,
    /// Events of the history, at least.
    #[arg(long, default_value_t = 120_000, value_parser = clap::value_parser!(u64).range(1_000..=1_000_000))]
    events: u64,
    /// Tasks of the market that is asked about.
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=10_000_000))]
    tasks: u64,
    /// Nodes of that market.
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(100..=1_000_000))]
    nodes: u64,
    /// Measure only this; all if nothing is said.
    #[arg(long)]
    only: Option<Part>,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    /// Indexing a history.
    Backfill,
    /// New blocks.
    Live,
    /// Questions.
    Queries,
}

/// What was measured.
#[derive(Serialize)]
struct Numbers {
    #[serde(flatten)]
    indexed: Option<Indexed>,
    live: Option<Delays>,
    queries: Option<Asked>,
}

/// A history, and how fast it is indexed.
#[derive(Serialize)]
struct Indexed {
    events: u64,
    kinds: u64,
    /// Seconds to only read and decode the events.
    fetch_seconds: f64,
    sqlite: Filled,
    postgres: Filled,
}

pub(crate) fn run(args: &IndexerArgs) -> Result<(), Error> {
    setup::npm_packages()?;
    setup::postgresql()?;
    let programs = setup::release_with("aiigo-indexer", &["fetch", "fill"])?;
    let bench = Bench {
        dir: state_dir().join("bench-indexer"),
        indexer: programs.join("aiigo-indexer"),
        fetch: programs.join("examples/fetch"),
        fill: programs.join("examples/fill"),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let numbers = runtime.block_on(bench.measure(args))?;
    #[allow(clippy::print_stdout)] // the result
    match args.json {
        true => println!("{}", serde_json::to_string(&numbers)?),
        false => println!("{numbers}"),
    }
    Ok(())
}

/// What everything is measured with.
struct Bench {
    dir: PathBuf,
    indexer: PathBuf,
    fetch: PathBuf,
    fill: PathBuf,
}

impl Bench {
    async fn measure(&self, args: &IndexerArgs) -> Result<Numbers, Error> {
        let wanted = |part| args.only.is_none_or(|only| only == part);
        self.empty_folder()?;
        let indexed = if wanted(Part::Backfill) { Some(self.index(args).await?) } else { None };
        self.empty_folder()?;
        let live = if wanted(Part::Live) { Some(self.follow().await?) } else { None };
        self.empty_folder()?;
        let queries = if wanted(Part::Queries) { Some(self.ask(args).await?) } else { None };
        fs::remove_dir_all(&self.dir)?;
        Ok(Numbers { indexed, live, queries })
    }

    async fn index(&self, args: &IndexerArgs) -> Result<Indexed, Error> {
        heading(&format!("A history of {} events", args.events));
        let (devnet, server) = (self.chain().await?, Postgres::durable()?);
        History::begin(&devnet).await?.write(usize::try_from(args.events)?).await?;
        heading("Indexing it");
        let (indexer, fetch, dir) = (&self.indexer, &self.fetch, &self.dir);
        let (fetched, sqlite, postgres) =
            Backfill { devnet: &devnet, indexer, fetch, dir, server: &server }.run().await?;
        devnet.stop().await?;
        let Fetched { events, kinds, seconds } = fetched;
        Ok(Indexed { events, kinds, fetch_seconds: seconds, sqlite, postgres })
    }

    async fn follow(&self) -> Result<Delays, Error> {
        heading("New blocks");
        let (devnet, server) = (self.chain().await?, Postgres::durable()?);
        let delays = live::measure(&devnet, &self.indexer, &self.dir, &server).await?;
        devnet.stop().await?;
        Ok(delays)
    }

    async fn ask(&self, args: &IndexerArgs) -> Result<Asked, Error> {
        heading(&format!("Asking about {} tasks and {} nodes", args.tasks, args.nodes));
        let (devnet, server) = (self.chain().await?, Postgres::durable()?);
        let (indexer, fill, dir) = (&self.indexer, &self.fill, &self.dir);
        let (tasks, nodes) = (args.tasks, args.nodes);
        let asked = Queries { devnet: &devnet, indexer, fill, dir, server: &server, tasks, nodes }.run().await?;
        devnet.stop().await?;
        Ok(asked)
    }

    async fn chain(&self) -> Result<Devnet, Error> {
        let config = DevnetConfig::new(self.dir.join("chain")).block_time(BlockTime::PerTransaction);
        Ok(Devnet::start(config).await?)
    }

    fn empty_folder(&self) -> Result<(), Error> {
        if self.dir.exists() {
            fs::remove_dir_all(&self.dir)?;
        }
        Ok(fs::create_dir_all(&self.dir)?)
    }
}

impl fmt::Display for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(indexed) = &self.indexed {
            let Indexed { events, kinds, fetch_seconds, .. } = indexed;
            writeln!(f, "{events} events of {kinds} kinds, read and decoded in {fetch_seconds:.2} s")?;
            for (name, filled) in [("SQLite", indexed.sqlite), ("PostgreSQL", indexed.postgres)] {
                let Filled { seconds, events_per_second, ratio_to_fetch, rss_mb } = filled;
                writeln!(
                    f,
                    "{name}: indexed in {seconds:.2} s, {events_per_second:.0} events/s, {ratio_to_fetch:.2} x reading; \
                     {rss_mb:.0} MB"
                )?;
            }
        }
        if let Some(Delays { sqlite, postgres }) = self.live {
            for (name, Delay { p50_ms, p99_ms }) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
                writeln!(f, "{name}: a new block is told after {p50_ms:.1} ms (p50), {p99_ms:.1} ms (p99)")?;
            }
        }
        if let Some(Asked { tasks, nodes, sqlite, postgres }) = &self.queries {
            writeln!(f, "Of {tasks} tasks and {nodes} nodes, milliseconds:")?;
            for (name, Answers { page, r#match: ranked }) in [("SQLite", sqlite), ("PostgreSQL", postgres)] {
                writeln!(f, "{name}: a page of tasks {page}; a match {ranked}")?;
            }
        }
        Ok(())
    }
}
