//! What subscribers are told is what happened: whoever applies the feed has the database.

use std::collections::BTreeMap;

use crate::{
    reorgs::{CASES, Happening, Run, happening},
    support::{chain::Chain, database::Database, story},
};
use aiigo_indexer::store::{
    Condition, Order, Reader, Row, Value,
    feed::{Change, Part},
    rows,
};
use proptest::prelude::*;

type Rows = BTreeMap<Vec<Value>, Vec<Value>>;

/// A subscriber's own copy of the tables that it is told of.
#[derive(Default)]
struct Copy {
    position: u64,
    tables: BTreeMap<&'static str, Rows>,
}

/// The rows of a table.
async fn stored<R: Row>(reader: &Reader) -> Rows {
    let order = vec![Order { column: R::TABLE.columns[0], descending: false }];
    let rows = reader.snapshot().list::<R>(Condition::EVERYTHING, order, 100_000).await.expect("a readable table");
    rows.into_iter().map(|row| (row.key().values(), row.values())).collect()
}

async fn tables(reader: &Reader) -> BTreeMap<&'static str, Rows> {
    let mut tables = BTreeMap::from([
        ("tasks", stored::<rows::Task>(reader).await),
        ("nodes", stored::<rows::Node>(reader).await),
        ("cases", stored::<rows::Case>(reader).await),
        ("events", stored::<rows::Event>(reader).await),
    ]);
    tables.retain(|_, rows| !rows.is_empty());
    tables
}

impl Copy {
    /// Begins with what is there, as one does with an answer and its cursor.
    async fn read(reader: &Reader) -> Self {
        let state = reader.snapshot().state().await.expect("a state").expect("a state");
        Self { position: state.sequence, tables: tables(reader).await }
    }

    fn apply(&mut self, change: &Change) {
        assert_eq!(change.sequence, self.position + 1, "nothing is left out");
        self.position = change.sequence;
        let Change { table, before, after, .. } = change;
        let Some(key) = before.as_ref().or(after.as_ref()).map(|row| row[..table.key].to_vec()) else {
            panic!("a change of nothing");
        };
        if table.name == "blocks" {
            return;
        }
        let rows = self.tables.entry(table.name).or_default();
        assert_eq!(rows.get(&key), before.as_ref(), "a change begins with what was told before");
        match after {
            Some(row) => rows.insert(key, row.clone()),
            None => rows.remove(&key),
        };
        self.tables.retain(|_, rows| !rows.is_empty());
    }

    /// Takes all that is new; whether nothing was missing.
    async fn follow(&mut self, reader: &Reader) -> bool {
        loop {
            match reader.snapshot().feed(self.position).await.expect("a readable feed") {
                Part::Next(changes) if changes.is_empty() => return true,
                Part::Next(changes) => changes.iter().for_each(|change| self.apply(change)),
                Part::Cut(_) => return false,
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, ..ProptestConfig::default() })]

    #[test]
    fn whoever_applies_the_feed_has_the_database(happenings in prop::collection::vec(happening(), 1..16)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let mut run = Run::start().await;
            let reader = run.database.reader().await;
            let mut copy = Copy::read(&reader).await;
            for happening in &happenings {
                run.meet(happening).await;
                let whole = copy.follow(&reader).await;
                // Only history is not told: blocks that came together and are final.
                prop_assert!(whole || matches!(happening, Happening::Backlog(_)), "{happening:?}");
                if !whole {
                    copy = Copy::read(&reader).await;
                }
                prop_assert_eq!(&copy.tables, &tables(&reader).await);
            }
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn who_joins_between_two_parts_of_a_history_begins_anew() {
    let mut chain = Chain::new();
    story::choices(4, 20).iter().for_each(|block| chain.mine(block));
    let end = chain.height();
    let mut database = Database::new().await;
    let reader = database.reader().await;
    database.apply(&chain.applied(1, 2, end)).await.expect("a part");
    let mut copy = Copy::read(&reader).await;
    assert!(copy.follow(&reader).await, "nothing is new");
    database.apply(&chain.applied(3, end, end)).await.expect("the next part");
    assert!(!copy.follow(&reader).await, "it was not told what came");
}

#[tokio::test]
async fn a_block_is_told_last_and_taken_back_last() {
    let mut chain = Chain::new();
    let mut database = Database::of(&chain).await;
    let reader = database.reader().await;
    let from = Copy::read(&reader).await.position;
    for block in story::choices(3, 20) {
        chain.mine(&block);
        let number = chain.height();
        database.apply(&chain.applied(number, number, 1)).await.expect("a block");
    }
    let told = changes(&reader, from).await;
    let blocks: Vec<&Change> = told.iter().filter(|change| change.table.name == "blocks").collect();
    assert_eq!(blocks.iter().map(|change| change.block).collect::<Vec<_>>(), [2, 3, 4]);
    for block in &blocks {
        assert!(
            told.iter().filter(|change| change.block == block.block).all(|change| change.sequence <= block.sequence)
        );
    }

    let to = told.last().expect("changes").sequence;
    let retracted = chain.retracted(2);
    database.apply(&retracted).await.expect("a reorg");
    let back = changes(&reader, to).await;
    assert!(back.iter().all(|change| change.retracted));
    let kinds: Vec<(&str, u64)> = back.iter().map(|change| (change.table.name, change.block)).collect();
    assert_eq!(kinds[kinds.len() - 2..], [("blocks", 4), ("blocks", 3)], "the newest first");
    let rows = back.iter().filter(|change| ["tasks", "nodes", "cases"].contains(&change.table.name));
    assert!(rows.clone().count() > 0 && rows.clone().all(|change| change.block == 2), "as of the block that stands");
    let events: Vec<u64> = kinds.iter().filter(|(table, _)| *table == "events").map(|(_, block)| *block).collect();
    assert!(events.is_sorted_by(|a, b| a >= b) && events.contains(&3) && events.contains(&4), "{events:?}");
}

#[tokio::test]
async fn history_cuts_the_feed_and_a_restart_at_the_head_does_not() {
    let mut chain = Chain::new();
    let mut database = Database::of(&chain).await;
    let reader = database.reader().await;
    chain.mine(&[1, 2, 3]);
    database.apply(&chain.applied(2, 2, 1)).await.expect("a block at the head");
    let mut copy = Copy::read(&reader).await;

    // The follower begins by saying where the head is.
    let head = chain.header(2);
    let begun = aiigo_chain::Update::Applied { block: head, from: 3, events: vec![], head, finalized: 2, live: true };
    database.restart().await;
    database.apply(&begun).await.expect("nothing new");
    assert!(copy.follow(&reader).await);

    (0..5).for_each(|_| chain.mine(&[4, 5, 6]));
    database.apply(&chain.applied(3, 6, 7)).await.expect("history");
    assert!(!copy.follow(&reader).await, "it was told nothing of the history");
    let mut copy = Copy::read(&reader).await;
    database.apply(&chain.applied(7, 7, 7)).await.expect("a block at the head");
    assert!(copy.follow(&reader).await);
    assert_eq!(copy.tables, tables(&reader).await);
}

#[tokio::test]
async fn the_feed_keeps_the_newest_changes_only() {
    let mut chain = Chain::new();
    let mut database = Database::of(&chain).await;
    let reader = database.reader().await;
    let mut fresh = Copy::read(&reader).await;
    let mut old = Copy { position: fresh.position, tables: BTreeMap::new() };
    let choices: Vec<u64> = (0..400).map(|choice| choice * 7919).collect();
    while reader.snapshot().state().await.expect("a state").expect("a state").sequence < 25_000 {
        chain.mine(&choices);
        let number = chain.height();
        database.apply(&chain.applied(number, number, number - 1)).await.expect("a block");
        assert!(fresh.follow(&reader).await);
    }
    assert_eq!(database.count("feed").await, 20_000);
    assert!(!old.follow(&reader).await, "what came after it is no longer there");
}

async fn changes(reader: &Reader, mut after: u64) -> Vec<Change> {
    let mut all = Vec::new();
    loop {
        match reader.snapshot().feed(after).await.expect("a readable feed") {
            Part::Next(changes) if changes.is_empty() => return all,
            Part::Next(changes) => all.extend(changes),
            Part::Cut(_) => panic!("the feed is whole"),
        }
        after = all.last().map_or(after, |last: &Change| last.sequence);
    }
}
