//! One stream of events that is right, whatever the chain and the line do.

use std::{sync::Arc, time::Duration};

use aiigo_chain::{BlockRef, FollowError, Follower, FollowerConfig, LocatedEvent, Update, rpc::connect_unchecked};
use aiigo_devnet::{Fault, Faults, Line, mined};
use aiigo_protocol::AIIGOToken;
use alloy::{
    primitives::{B256, U256},
    providers::{DynProvider, Provider, ext::AnvilApi},
};

use crate::{
    narrow,
    world::{FINAL, LIMIT, World},
};

/// Someone who keeps what a follower tells, and takes back what it retracts.
struct Reader {
    follower: Follower,
    /// All blocks, as far as single ones were told.
    journal: Vec<BlockRef>,
    events: Vec<LocatedEvent>,
    retractions: usize,
    updates: usize,
}

impl Reader {
    fn new(world: &World, provider: DynProvider, journal: Vec<BlockRef>) -> Self {
        let config = FollowerConfig { poll_interval: Duration::from_millis(20), max_range: 7, finality_depth: 64 };
        let deployment = Arc::new(world.devnet.deployment().clone());
        let follower = Follower::new(provider, deployment, config, journal.clone());
        Self { follower, journal, events: Vec::new(), retractions: 0, updates: 0 }
    }

    fn fresh(world: &World) -> Self {
        Self::new(world, world.devnet.provider(), Vec::new())
    }

    async fn step(&mut self) -> Result<Update, FollowError> {
        let update = tokio::time::timeout(LIMIT, self.follower.next()).await.expect("an update in time")?;
        self.updates += 1;
        match &update {
            Update::Applied { block, from, events, .. } => {
                let next = self.journal.last().map_or(*from, |last| last.number + 1);
                assert_eq!(*from, next, "no block is left out or told twice");
                assert!(events.iter().all(|event| (*from..=block.number).contains(&event.block.number)));
                if *from <= block.number {
                    self.journal.push(*block);
                }
                self.events.extend(events.iter().cloned());
            }
            Update::Retracted { to } => {
                self.retractions += 1;
                self.journal.retain(|block| block.number <= to.number);
                self.events.retain(|event| event.block.number <= to.number);
            }
        }
        Ok(update)
    }

    /// Reads until it has the chain's present head.
    async fn catch_up(&mut self, world: &World) {
        let head = world.provider.get_block_by_number(alloy::eips::BlockNumberOrTag::Latest).await.unwrap().unwrap();
        while self.journal.last().is_none_or(|last| last.hash != head.header.hash) {
            self.step().await.expect("an update");
        }
    }

    /// The events without what only live blocks tell.
    fn story(&self) -> Vec<LocatedEvent> {
        let mut events = self.events.clone();
        for event in &mut events {
            event.block.parent_hash = B256::ZERO;
        }
        events
    }
}

/// Makes `count` blocks with a transfer each.
async fn transfers(world: &World, count: u64) {
    let token = AIIGOToken::new(world.token(), world.devnet.provider_as(&world.devnet.account(3).unwrap()));
    for _ in 0..count {
        mined(token.transfer(world.receiver, U256::from(1))).await;
    }
}

#[tokio::test]
async fn history_tells_what_was_told_live() {
    let world = World::new().await;
    let mut live = Reader::fresh(&world);
    live.catch_up(&world).await;
    for _ in 0..3 {
        transfers(&world, 4).await;
        world.mine(2).await;
        live.catch_up(&world).await;
    }
    world.mine(2 * FINAL).await;
    let mut later = Reader::fresh(&world);
    later.catch_up(&world).await;
    live.catch_up(&world).await;
    assert_eq!(live.story(), later.story());
    assert!(live.events.iter().any(|event| event.event.is_some()));
    assert!(later.updates < live.updates, "history comes in ranges");
    assert_eq!(live.retractions + later.retractions, 0);
}

#[tokio::test]
async fn a_reader_at_the_head_is_told_that_it_is() {
    let world = World::new().await;
    let mut first = Reader::fresh(&world);
    first.catch_up(&world).await;
    let mut again = Reader::new(&world, world.devnet.provider(), first.journal.clone());
    let Update::Applied { block, from, live, .. } = again.step().await.unwrap() else { panic!("no reorg") };
    assert!(live && from == block.number + 1);
}

#[tokio::test]
async fn after_a_reorg_the_story_is_that_of_the_new_chain() {
    let world = World::new().await;
    let mut reader = Reader::fresh(&world);
    transfers(&world, 5).await;
    reader.catch_up(&world).await;
    for depth in 1..=4 {
        let before = reader.retractions;
        world.devnet.reorg(depth).await.unwrap();
        transfers(&world, depth).await;
        reader.catch_up(&world).await;
        assert!(reader.retractions > before);
    }
    let mut fresh = Reader::fresh(&world);
    fresh.catch_up(&world).await;
    assert_eq!(reader.story(), fresh.story());
}

#[tokio::test]
async fn a_reorg_while_nobody_read_is_found_at_the_next_start() {
    let world = World::new().await;
    let mut reader = Reader::fresh(&world);
    transfers(&world, 6).await;
    reader.catch_up(&world).await;
    let (journal, events) = (reader.journal.clone(), reader.events.clone());
    drop(reader);

    world.devnet.reorg(3).await.unwrap();
    transfers(&world, 2).await;
    let mut reader = Reader::new(&world, world.devnet.provider(), journal.clone());
    reader.events = events;
    let expected = journal[journal.len() - 4];
    assert_eq!(reader.step().await.unwrap(), Update::Retracted { to: expected });
    reader.catch_up(&world).await;
    let mut fresh = Reader::fresh(&world);
    fresh.catch_up(&world).await;
    assert_eq!(reader.story(), fresh.story());
}

#[tokio::test]
async fn a_reorg_that_became_final_while_nobody_read_is_found_too() {
    let world = World::new().await;
    let mut reader = Reader::fresh(&world);
    transfers(&world, 6).await;
    reader.catch_up(&world).await;
    let (journal, events) = (reader.journal.clone(), reader.events.clone());
    world.devnet.reorg(3).await.unwrap();
    transfers(&world, 2).await;
    world.mine(2 * FINAL).await;
    let mut reader = Reader::new(&world, world.devnet.provider(), journal);
    reader.events = events;
    reader.catch_up(&world).await;
    assert_eq!(reader.retractions, 1);
    let mut fresh = Reader::fresh(&world);
    fresh.catch_up(&world).await;
    assert_eq!(reader.story(), fresh.story());
}

#[tokio::test]
async fn an_endpoint_that_falls_behind_is_waited_for() {
    let world = World::new().await;
    let mut reader = Reader::fresh(&world);
    transfers(&world, 5).await;
    reader.catch_up(&world).await;
    // The same chain, three blocks shorter: as an endpoint shows it that was restarted.
    world.provider.anvil_rollback(Some(3)).await.unwrap();
    let told = tokio::time::timeout(Duration::from_millis(500), reader.follower.next()).await;
    assert!(told.is_err(), "nothing is retracted, but {told:?}");
    // Only other blocks at these heights are a reorg.
    transfers(&world, 4).await;
    reader.catch_up(&world).await;
    assert_eq!(reader.retractions, 1);
    let mut fresh = Reader::fresh(&world);
    fresh.catch_up(&world).await;
    assert_eq!(reader.story(), fresh.story());
}

#[tokio::test]
async fn a_chain_that_is_replaced_below_what_is_final_stops_the_reader() {
    let world = World::new().await;
    let mut reader = Reader::fresh(&world);
    world.mine(3 * FINAL).await;
    reader.catch_up(&world).await;
    world.devnet.reorg(2 * FINAL).await.unwrap();
    world.mine(1).await;
    let error = loop {
        match reader.step().await {
            Ok(update) => assert!(matches!(update, Update::Applied { .. }), "{update:?}"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, FollowError::TooDeep { .. }));
}

#[tokio::test]
async fn an_endpoint_that_refuses_wide_ranges_is_asked_for_less() {
    let world = World::new().await;
    transfers(&world, 12).await;
    world.mine(2 * FINAL).await;
    let mut reader = Reader::new(&world, narrow::endpoint(world.devnet.rpc_url()), Vec::new());
    reader.catch_up(&world).await;
    let mut fresh = Reader::fresh(&world);
    fresh.catch_up(&world).await;
    assert_eq!(reader.story(), fresh.story());
}

#[tokio::test]
async fn a_line_that_fails_now_and_then_leaves_nothing_out() {
    let world = World::new().await;
    let line = Line::open(world.devnet.rpc_url(), 1).await.expect("a line");
    line.fail(Faults::mixed([Fault::LostRequest], 125));
    let mut reader = Reader::new(&world, connect_unchecked(&[line.url().clone()]).unwrap(), Vec::new());
    for _ in 0..3 {
        transfers(&world, 3).await;
        reader.catch_up(&world).await;
        world.devnet.reorg(2).await.unwrap();
        transfers(&world, 1).await;
        reader.catch_up(&world).await;
    }
    let mut fresh = Reader::fresh(&world);
    fresh.catch_up(&world).await;
    assert_eq!(reader.story(), fresh.story());
}
