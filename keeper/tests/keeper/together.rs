//! Several keepers with keys of their own: they do everything once, and waste little.

use std::time::Duration;

use aiigo_devnet::{BlockTime, eventually};
use alloy::{consensus::Transaction as _, network::TransactionResponse, primitives::Address, providers::Provider};

use crate::support::Stage;

const LIMIT: Duration = Duration::from_secs(120);
/// Tasks that nobody takes.
const TASKS: u8 = 60;

#[tokio::test]
async fn three_keepers_do_everything_once_and_waste_at_most_one_transaction_in_twenty() {
    let stage = Stage::with_blocks(BlockTime::Every(Duration::from_secs(1))).await;
    stage.open_tasks(TASKS).await;
    let (mut first, mut second, mut third) =
        tokio::join!(stage.keeper(0, &[]), stage.keeper(1, &[]), stage.keeper(2, &[]));
    stage.pass(61).await;
    eventually("a refund for every task", LIMIT, async || (stage.expired().await == usize::from(TASKS)).then_some(()))
        .await;
    for keeper in [&mut first, &mut second, &mut third] {
        assert!(keeper.exit_status().expect("a state").is_none(), "nothing broke");
    }
    let keepers = [0, 1, 2].map(|index| stage.keeper_account(index).address());
    let work = Work::of(&stage, &keepers).await;
    eprintln!("{work:?}");
    assert!(work.by_keeper.iter().all(|sent| *sent > 0), "each has its part: {work:?}");
    assert!(work.wasted() * 20 <= work.sent(), "{work:?}");
}

/// What keepers sent, as the chain tells it.
#[derive(Debug)]
struct Work {
    by_keeper: Vec<usize>,
    reverted: usize,
    /// Landed and changed nothing.
    idle: usize,
}

impl Work {
    async fn of(stage: &Stage, keepers: &[Address]) -> Self {
        let provider = stage.devnet.provider();
        let mut work = Self { by_keeper: vec![0; keepers.len()], reverted: 0, idle: 0 };
        let head = provider.get_block_number().await.expect("a head");
        for number in stage.devnet.deployment().block..=head {
            let block = provider.get_block_by_number(number.into()).full().await.expect("an answer");
            for transaction in block.expect("a block").transactions.into_transactions() {
                let Some(keeper) = keepers.iter().position(|keeper| *keeper == transaction.from()) else { continue };
                assert!(transaction.to().is_some());
                let receipt = provider.get_transaction_receipt(transaction.tx_hash()).await.expect("an answer");
                let receipt = receipt.expect("a receipt");
                work.by_keeper[keeper] += 1;
                work.reverted += usize::from(!receipt.status());
                work.idle += usize::from(receipt.status() && receipt.logs().is_empty());
            }
        }
        work
    }

    fn sent(&self) -> usize {
        self.by_keeper.iter().sum()
    }

    fn wasted(&self) -> usize {
        self.reverted + self.idle
    }
}
