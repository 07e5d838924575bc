//! A keeper whose endpoint fails in every way, and that is killed again and again: what is due is done once, and paid for once.

use std::time::Duration;

use aiigo_devnet::{BlockTime, Fault, Faults, Line, eventually};
use alloy::{consensus::Transaction as _, network::TransactionResponse, providers::Provider};

use crate::support::Stage;

/// Tasks that nobody takes.
const TASKS: u8 = 12;
const LIMIT: Duration = Duration::from_secs(120);

#[tokio::test(flavor = "multi_thread")]
async fn a_keeper_that_is_killed_on_a_bad_line_does_everything_once() {
    let stage = Stage::with_blocks(BlockTime::Every(Duration::from_secs(1))).await;
    stage.open_tasks(TASKS).await;
    stage.pass(61).await;
    let seed =
        std::env::var("AIIGO_CHAOS_SEED").map_or(std::process::id().into(), |text| text.parse().expect("a number"));
    eprintln!("AIIGO_CHAOS_SEED={seed}");
    let line = Line::open(stage.devnet.rpc_url(), seed).await.expect("a line");
    line.fail(Faults::mixed(Fault::ALL, 30));
    let args = ["--jitter", "0", "--duties", "expire-tasks", "--duty", "expire-tasks.retry-after=1"];

    // Killed at points that wander through everything it does.
    let mut requests = line.requests();
    let mut kills = 0;
    for life in 1_u64.. {
        assert!(life < 300, "{} of {TASKS} after {life} lives: {:?}", stage.expired().await, line.counts());
        let mut keeper = stage.keeper_behind(&line, 0, &args);
        let last = *requests.borrow_and_update() + 20 + 7 * life;
        let worked = async { requests.wait_for(|count| *count >= last).await.map(|_| ()) };
        tokio::time::timeout(LIMIT, worked).await.expect("it asks its endpoint").expect("the line is there");
        keeper.kill();
        if stage.expired().await == usize::from(TASKS) {
            break;
        }
        kills += 1;
    }
    assert!(kills > 0, "it was killed in the middle");
    assert!(!line.counts().is_empty(), "the line failed");

    // What it left behind comes to its end, and nothing comes of it twice.
    line.fail(Faults::none());
    let _keeper = stage.keeper(0, &args).await;
    eventually("an end of all transactions", LIMIT, async || {
        let pending = stage.devnet.provider().get_transaction_count(keeper(&stage)).pending().await.ok()?;
        (pending == stage.transactions_of(&stage.keeper_account(0)).await).then_some(())
    })
    .await;
    let (mut landed, mut cancelled) = (0, 0);
    let provider = stage.devnet.provider();
    for number in stage.devnet.deployment().block..=provider.get_block_number().await.expect("a head") {
        let block = provider.get_block_by_number(number.into()).full().await.expect("an answer").expect("a block");
        for transaction in block.transactions.into_transactions().filter(|sent| sent.from() == keeper(&stage)) {
            let receipt = provider.get_transaction_receipt(transaction.tx_hash()).await.expect("an answer");
            assert!(receipt.expect("a receipt").status(), "nothing is sent that fails");
            let is_cancellation = transaction.to() == Some(keeper(&stage));
            *(if is_cancellation { &mut cancelled } else { &mut landed }) += 1;
        }
    }
    assert_eq!(stage.expired().await, usize::from(TASKS));
    assert_eq!(landed, TASKS, "{cancelled} cancelled, {:?}", line.counts());
}

fn keeper(stage: &Stage) -> alloy::primitives::Address {
    stage.keeper_account(0).address()
}
