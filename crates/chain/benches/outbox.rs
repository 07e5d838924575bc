//! Intents a second: 200 that do nothing are submitted at once, to a node on this machine that makes a block with every
//! transaction.
//!
//! `cargo bench -p aiigo-chain --bench outbox -- [--intents N] [--json]`

#![allow(clippy::print_stdout, clippy::expect_used)] // its result is what it prints

use std::time::Instant;

use aiigo_chain::{Intent, Outbox, OutboxConfig, Outcome, Priority};
use aiigo_devnet::{BlockTime, Devnet, DevnetConfig};
use alloy::{
    primitives::{Bytes, U256},
    providers::Provider,
};
use tokio_util::sync::CancellationToken;

#[tokio::main]
async fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |flag: &str| arguments.iter().skip_while(|argument| *argument != flag).nth(1);
    let intents = after("--intents").map_or(200, |text| text.parse::<u32>().expect("--intents takes a whole number"));

    let dir = tempfile::tempdir().expect("a folder");
    let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
    let devnet = Devnet::start(config).await.expect("a devnet");
    let sender = devnet.account(3).expect("an account");
    let (file, config) =
        (dir.path().join("outbox.sqlite"), OutboxConfig { max_in_flight: 16, ..OutboxConfig::default() });
    let outbox = Outbox::open(&file, devnet.provider(), sender.signer().clone(), config).await.expect("an outbox");
    let before = devnet.provider().get_transaction_count(sender.address()).await.expect("a nonce");
    for number in 0..intents {
        let intent = Intent {
            key: number.to_string(),
            label: "nothing".into(),
            to: sender.address(),
            data: Bytes::new(),
            value: U256::ZERO,
            deadline: None,
            max_fee_per_gas: None,
            max_cost: None,
            priority: Priority::Normal,
        };
        outbox.submit(intent).await.expect("a record");
    }

    let started = Instant::now();
    let driver = tokio::spawn({
        let outbox = outbox.clone();
        async move { outbox.run(CancellationToken::new()).await }
    });
    for number in 0..intents {
        let outcome = outbox.wait(&number.to_string()).await.expect("an outcome");
        assert!(matches!(outcome, Outcome::Landed { .. }), "{outcome:?}");
    }
    let seconds = started.elapsed().as_secs_f64();
    driver.abort();
    let after = devnet.provider().get_transaction_count(sender.address()).await.expect("a nonce");
    assert_eq!(after - before, u64::from(intents), "each once");
    let rate = f64::from(intents) / seconds;
    if arguments.iter().any(|argument| argument == "--json") {
        let result = serde_json::json!({
            "bench": "outbox", "intents": intents, "seconds": seconds, "intentsPerSecond": rate.round(),
        });
        println!("{result}");
    } else {
        println!("{intents} intents landed in {seconds:.2} s: {rate:.0} a second");
    }
}
