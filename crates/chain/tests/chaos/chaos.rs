//! The test.

use std::{
    env,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, Fault, Faults, Line, Postgres};
use alloy::{primitives::U256, providers::ext::AnvilApi};
use futures::future::join_all;
use tokio_util::sync::CancellationToken;

use crate::{
    actor::{Orders, act},
    books::{Before, Books},
    killer::harass,
    weather::Weather,
};

/// Actions of each sender.
const ACTIONS: u64 = 750;
/// How much of a thousand requests goes wrong, for each line of each sender. The first has a file, the other a database.
const LINES: [&[u32]; 2] = [&[30], &[150, 150]];
/// Blocks until a devnet calls a block final, and more.
const FINAL: u64 = 20;
/// Far beyond what it takes: only what never ends is ended by it.
const NEVER: Duration = Duration::from_secs(900);

/// Tells how to repeat a run that failed.
struct Repeat {
    seed: u64,
    logs: Vec<PathBuf>,
}

impl Drop for Repeat {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("AIIGO_CHAOS_SEED={} repeats this", self.seed);
            for log in &self.logs {
                let text = std::fs::read_to_string(log).unwrap_or_default();
                let lines: Vec<&str> = text.lines().collect();
                eprintln!("the end of {}:\n{}", log.display(), lines[lines.len().saturating_sub(30)..].join("\n"));
            }
        }
    }
}

fn setting(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_lands_once_whatever_happens() {
    if let Some(orders) = Orders::read() {
        return act(orders).await;
    }
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().subsec_nanos();
    let seed = setting("AIIGO_CHAOS_SEED").unwrap_or_else(|| clock().into());
    let actions = setting("AIIGO_CHAOS_ACTIONS").unwrap_or(ACTIONS);
    let dir = tempfile::tempdir().unwrap();
    let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
    let devnet = Devnet::start(config).await.expect("a devnet");
    let senders: Vec<_> = (0..LINES.len()).map(|index| devnet.account(3 + index as u32).unwrap()).collect();
    for sender in &senders {
        devnet.send_aiigo(sender.address(), U256::from(actions * actions)).await.unwrap();
    }
    devnet.provider().anvil_set_auto_mine(false).await.unwrap();
    // No reorganisation reaches what was before.
    devnet.mine(FINAL).await.unwrap();

    let file = dir.path().join("outbox.sqlite").to_str().expect("a path in UTF-8").to_owned();
    let postgres = Postgres::shared().expect("a PostgreSQL server");
    let outboxes = [file, postgres.database("chaos").expect("a database").to_string()];
    let log = |index: usize| dir.path().join(format!("actor-{index}.log"));
    let _repeat = Repeat { seed, logs: (0..LINES.len()).map(log).collect() };
    let stop = CancellationToken::new();
    let acts = join_all(senders.iter().zip(LINES).enumerate().map(async |(index, (sender, rates))| {
        let before = Before::look(&devnet, sender).await;
        let seed = seed + 1000 * (index as u64 + 1);
        let lines = join_all(rates.iter().enumerate().map(async |(number, rate)| {
            let line = Line::open(devnet.rpc_url(), seed + number as u64).await.expect("a line");
            line.fail(Faults::mixed(Fault::ALL, *rate));
            line
        }))
        .await;
        let orders = Orders {
            endpoints: lines.iter().map(|line| line.url().clone()).collect(),
            deployment: devnet.deployment_path().to_owned(),
            outbox: outboxes[index].clone(),
            actions,
            key: sender.private_key(),
        };
        let lives = harass(&orders, &lines[0], &log(index), seed).await;
        (before, orders.outbox, lives, lines)
    }));
    let acts = async {
        let acts = tokio::time::timeout(NEVER, acts).await.expect("an end");
        stop.cancel();
        acts
    };
    let (weather, acts) = tokio::join!(Weather::make(&devnet, &senders, seed, stop.clone()), acts);

    devnet.mine(FINAL).await.unwrap();
    eprintln!("seed {seed}: {weather}");
    assert!(weather.reorgs > 0 && weather.strangers > 0, "too calm to prove anything");
    for (sender, (before, outbox, lives, lines)) in senders.iter().zip(acts) {
        let books = Books::check(&devnet, sender, before, actions, &outbox).await;
        eprintln!("{}: {books}; {lives}", sender.address());
        assert!(lives.killed > 0, "nobody was killed");
        for line in lines {
            eprintln!("  {} requests, of which {:?}", *line.requests().borrow(), line.counts());
        }
    }
}
