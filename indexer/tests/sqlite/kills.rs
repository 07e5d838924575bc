//! The real program, killed at any moment while it loads history, follows the head and takes blocks back.

use std::{path::Path, time::Duration};

use aiigo_devnet::{BlockTime, Devnet, DevnetConfig, Postgres};
use aiigo_indexer::store::DatabaseUrl;
use alloy::{
    primitives::{Address, U256},
    providers::Provider,
};

use crate::{
    IS_POSTGRES,
    support::{
        database::dump,
        program::{Indexer, spawn},
    },
};

/// How often it is killed.
const KILLS: u64 = 24;

/// Blocks with an event each.
async fn transfer(devnet: &Devnet, count: u64, seed: u64) {
    for number in 0..count {
        let to = Address::with_last_byte(u8::try_from((seed * 7 + number) % 40 + 1).expect("small"));
        devnet.send_aiigo(to, U256::from(1_000 + number)).await.expect("a transfer");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_any_moment_it_ends_like_one_that_was_left_alone() {
    let dir = tempfile::tempdir().expect("a folder");
    let config = DevnetConfig::new(dir.path().join("chain")).block_time(BlockTime::PerTransaction);
    let devnet = Devnet::start(config).await.expect("a devnet");
    let server = IS_POSTGRES.then(|| Postgres::shared().expect("a PostgreSQL server"));
    let database = |name: &str| match &server {
        Some(server) => server.database(&format!("kills_{name}")).expect("a database").to_string(),
        None => format!("sqlite:{}", dir.path().join(name).with_extension("db").display()),
    };
    let (disturbed, undisturbed) = (database("disturbed"), database("undisturbed"));

    transfer(&devnet, 120, 0).await;
    // So long a history that indexes wait for its end.
    devnet.mine(256).await.expect("blocks");
    for kill in 0..KILLS {
        let mut process = spawn(&devnet, &disturbed, dir.path(), "disturbed");
        // Sooner or later after its start, which is what this is about.
        let moment = Duration::from_millis(100 + kill * 137 % 900);
        let work = async {
            transfer(&devnet, 2, kill).await;
            if kill % 3 == 0 {
                devnet.reorg(1 + kill % 5).await.expect("a reorg");
                devnet.mine(1).await.expect("a block");
            }
        };
        tokio::join!(work, tokio::time::sleep(moment));
        process.kill();
    }
    let head = devnet.provider().get_block_number().await.expect("a head");
    let told = async |url: &str, name: &str, dir: &Path| {
        let mut indexer = Indexer::start(&devnet, url, dir, name).await;
        indexer.has_come_to(head).await;
        indexer.process.kill();
        dump(&url.parse::<DatabaseUrl>().expect("a database")).await
    };
    let after_kills = told(&disturbed, "after-all", dir.path()).await;
    let alone = told(&undisturbed, "alone", dir.path()).await;
    assert!(alone["accounts"].len() > 40 && alone["events"].len() > 150, "a history worth comparing");
    assert_eq!(after_kills, alone);
}
