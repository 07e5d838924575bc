//! Whatever happens on the way, the database ends as if the final chain had been indexed undisturbed.

use crate::support::{chain::Chain, database::Database, events::deployment, story};
use aiigo_indexer::store::{self, StoreError};
use proptest::prelude::*;

/// A database of a server takes longer to make than a file.
pub(crate) const CASES: u32 = if crate::IS_POSTGRES { 12 } else { 40 };

/// What can happen to an indexer.
#[derive(Clone, Debug)]
pub(crate) enum Happening {
    /// Blocks come, one by one.
    Blocks(Vec<Vec<u64>>),
    /// The indexer was away: blocks come in one update.
    Backlog(Vec<Vec<u64>>),
    /// The last blocks are replaced.
    Reorg { depth: u64, blocks: Vec<Vec<u64>> },
    /// The process is killed between two updates.
    Kill,
    /// The process is killed in the middle of an update.
    KillDuring(Vec<u64>),
    /// Blocks become final.
    Finality(u64),
}

fn block() -> impl Strategy<Value = Vec<u64>> {
    prop::collection::vec(any::<u64>(), 0..8)
}

fn blocks() -> impl Strategy<Value = Vec<Vec<u64>>> {
    prop::collection::vec(block(), 1..5)
}

pub(crate) fn happening() -> impl Strategy<Value = Happening> {
    prop_oneof![
        4 => blocks().prop_map(Happening::Blocks),
        1 => blocks().prop_map(Happening::Backlog),
        3 => (1_u64..8, blocks()).prop_map(|(depth, blocks)| Happening::Reorg { depth, blocks }),
        1 => Just(Happening::Kill),
        1 => block().prop_map(Happening::KillDuring),
        1 => (0_u64..6).prop_map(Happening::Finality),
    ]
}

/// An indexer and the chain that it follows.
pub(crate) struct Run {
    pub(crate) chain: Chain,
    pub(crate) database: Database,
    finalized: u64,
}

impl Run {
    pub(crate) async fn start() -> Self {
        let mut run = Self { chain: Chain::new(), database: Database::new().await, finalized: 0 };
        run.follow(1).await;
        run
    }

    /// Applies the chain from a block on, one block at a time.
    async fn follow(&mut self, from: u64) {
        for number in from..=self.chain.height() {
            let update = self.chain.applied(number, number, self.finalized);
            self.database.apply(&update).await.expect("a fitting update");
        }
    }

    pub(crate) async fn meet(&mut self, happening: &Happening) {
        let next = self.chain.height() + 1;
        match happening {
            Happening::Blocks(blocks) => {
                blocks.iter().for_each(|block| self.chain.mine(block));
                self.follow(next).await;
            }
            Happening::Backlog(blocks) => {
                blocks.iter().for_each(|block| self.chain.mine(block));
                let update = self.chain.applied(next, self.chain.height(), self.finalized);
                self.database.apply(&update).await.expect("a fitting update");
            }
            Happening::Reorg { depth, blocks } => {
                let ancestor = self.chain.height().saturating_sub(*depth).max(self.finalized).max(1);
                let retracted = self.chain.retracted(ancestor);
                self.chain.fork_at(ancestor);
                blocks.iter().for_each(|block| self.chain.mine(block));
                self.database.apply(&retracted).await.expect("a reorg above the final blocks");
                self.follow(ancestor + 1).await;
            }
            Happening::Kill => self.database.restart().await,
            Happening::KillDuring(block) => {
                self.chain.mine(block);
                let update = self.chain.applied(next, next, self.finalized);
                self.database.be_killed_during(&update).await;
                self.database.apply(&update).await.expect("the same update again");
            }
            Happening::Finality(depth) => {
                self.finalized = self.finalized.max(self.chain.height().saturating_sub(*depth));
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn a_disturbed_run_ends_like_an_undisturbed_one(happenings in prop::collection::vec(happening(), 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut run = Run::start().await;
            for happening in &happenings {
                run.meet(happening).await;
            }
            let undisturbed = Database::of(&run.chain).await;
            prop_assert_eq!(run.database.dump().await, undisturbed.dump().await);
            // And the window that the follower starts from is the chain's own.
            let window = run.database.writer().blocks().await.expect("the window");
            for block in window {
                prop_assert_eq!(block, run.chain.header(block.number));
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn taking_everything_back_leaves_only_the_first_block() {
    let mut chain = Chain::new();
    let first = Database::of(&chain).await.dump().await;
    let mut database = Database::new().await;
    database.apply(&chain.applied(1, 1, 0)).await.expect("the first block");
    let retracted = chain.retracted(1);
    for block in story::choices(60, 20) {
        chain.mine(&block);
        let number = chain.height();
        database.apply(&chain.applied(number, number, 0)).await.expect("a block");
    }
    assert_ne!(database.dump().await, first);
    assert!(database.count("undo").await > 0);
    database.apply(&retracted).await.expect("a deep reorg");
    assert_eq!(database.dump().await, first);
}

#[tokio::test]
async fn every_table_is_touched_by_the_made_up_market() {
    let dump = Database::of(&story::eventful()).await.dump().await;
    for (table, rows) in dump {
        assert!(!rows.is_empty(), "{table} is empty: the property above proves nothing about it");
    }
}

#[tokio::test]
async fn the_journal_forgets_what_is_final() {
    let mut chain = Chain::new();
    story::choices(10, 20).iter().for_each(|block| chain.mine(block));
    let mut database = Database::new().await;
    for number in 1..=chain.height() {
        database.apply(&chain.applied(number, number, number.saturating_sub(3))).await.expect("a block");
    }
    let window = database.writer().blocks().await.expect("the window");
    let numbers: Vec<u64> = window.iter().map(|block| block.number).collect();
    assert_eq!(numbers, [8, 9, 10, 11], "three blocks that can be replaced, and the final one below");
}

#[tokio::test]
async fn a_reorg_below_finality_stops_loudly_and_changes_nothing() {
    let mut chain = Chain::new();
    story::choices(10, 20).iter().for_each(|block| chain.mine(block));
    let mut database = Database::new().await;
    database.apply(&chain.applied(1, chain.height(), 6)).await.expect("blocks");
    let before = database.dump().await;
    let error = database.apply(&chain.retracted(5)).await.expect_err("block 6 was final");
    assert!(matches!(error, StoreError::TooDeep { to: 5, floor: 6 }), "{error}");
    assert_eq!(database.dump().await, before);
    database.apply(&chain.retracted(6)).await.expect("block 7 was not");
}

#[tokio::test]
async fn a_gap_is_refused() {
    let mut chain = Chain::new();
    story::choices(3, 20).iter().for_each(|block| chain.mine(block));
    let mut database = Database::new().await;
    database.apply(&chain.applied(1, 1, 0)).await.expect("the first block");
    let error = database.apply(&chain.applied(3, 3, 0)).await.expect_err("block 2 is missing");
    assert!(matches!(error, StoreError::Gap { from: 3, indexed: 1 }), "{error}");
}

#[tokio::test]
async fn a_database_of_another_deployment_is_refused() {
    let database = Database::new().await;
    let mut other = deployment();
    other.chain_id = 1;
    let error = store::inspect(database.url(), &other).await.expect_err("it is of chain 31337");
    let text = error.to_string();
    assert!(text.contains("chain 31337") && text.contains("--database"), "{text}");
}
