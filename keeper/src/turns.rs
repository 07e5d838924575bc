//! Whose turn it is, among keepers that never speak with each other.
//!
//! Who does keepers' work is seen on the chain. Each action has its own order of those who were seen at work lately, which
//! all of them compute alike; the first one acts at once, and each next one waits for a turn longer, in case those before it
//! are gone. An unknown keeper costs a collision at most: its transaction makes it known. Whoever works under many names
//! can delay the others by `MOST_WAITED_FOR` turns, and pays for it with the work.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use alloy::primitives::{Address, keccak256};

/// A keeper that was not seen at work for so long is gone.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(3_600);
/// Others that are remembered.
const MOST_KNOWN: usize = 16;
/// Nobody waits for more others.
const MOST_WAITED_FOR: u32 = 4;
/// Blocks in which who has many actions to send at once sends them, they land, and are seen.
const BLOCKS_A_TURN: u32 = 4;
/// A block that took longer says nothing of the next: the chain had a pause, or makes blocks only when needed.
const LONGEST_BLOCK: Duration = Duration::from_secs(30);

/// The keepers that are known, this one among them.
#[derive(Debug)]
pub(crate) struct Turns {
    me: Address,
    /// When each other one was last seen at work.
    seen: BTreeMap<Address, Instant>,
    /// Part of a turn: how much later than another one a keeper may begin by chance.
    jitter: Duration,
    last_block: Option<Instant>,
    block_time: Duration,
}

impl Turns {
    pub(crate) fn new(me: Address, jitter: Duration) -> Self {
        Self { me, seen: BTreeMap::new(), jitter, last_block: None, block_time: Duration::ZERO }
    }

    /// Somebody did what was due.
    pub(crate) fn saw_at_work(&mut self, keeper: Address, now: Instant) {
        let is_known = self.seen.contains_key(&keeper);
        if keeper == self.me || (!is_known && self.seen.len() >= MOST_KNOWN) {
            return;
        }
        if self.seen.insert(keeper, now).is_none() {
            tracing::info!(%keeper, "another keeper is at work");
        }
    }

    /// A block came in, and the others with it.
    pub(crate) fn saw_block(&mut self, now: Instant) {
        self.seen.retain(|_, seen| now.saturating_duration_since(*seen) < FORGOTTEN_AFTER);
        if let Some(last) = self.last_block.replace(now) {
            let took = now.saturating_duration_since(last).min(LONGEST_BLOCK);
            // Most of it from before, so that one late block doesn't matter.
            self.block_time = (self.block_time * 3 + took) / 4;
        }
    }

    /// How long to leave an action to those whose turn is before.
    pub(crate) fn wait_for(&self, action: u64) -> Duration {
        let mine = place(action, self.me);
        let before = self.seen.keys().filter(|other| place(action, **other) < mine).count();
        let turns = u32::try_from(before).unwrap_or(u32::MAX).min(MOST_WAITED_FOR);
        (self.jitter + self.block_time * BLOCKS_A_TURN) * turns
    }
}

/// A number by which all keepers know an action.
pub(crate) fn number(key: &str) -> u64 {
    u64::from_be_bytes(*keccak256(key).first_chunk().unwrap_or(&[0; 8]))
}

/// A keeper's place in the order of an action: evenly spread, and no two are alike. The finalizer of SplitMix64.
fn place(action: u64, keeper: Address) -> (u64, Address) {
    let keeper_number = u64::from_be_bytes(*keeper.last_chunk().unwrap_or(&[0; 8]));
    let mut mixed = action ^ keeper_number;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31), keeper)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JITTER: Duration = Duration::from_secs(3);

    /// Keepers that all know each other.
    fn company(size: u8) -> Vec<Turns> {
        let names: Vec<Address> = (1..=size).map(Address::repeat_byte).collect();
        let mut company: Vec<Turns> = names.iter().map(|name| Turns::new(*name, JITTER)).collect();
        for keeper in &mut company {
            for name in &names {
                keeper.saw_at_work(*name, Instant::now());
            }
        }
        company
    }

    #[test]
    fn each_action_has_one_keeper_that_need_not_wait_and_all_get_a_fair_part() {
        let company = company(3);
        let mut first = [0; 3];
        for action in 0..300 {
            let key = format!("expire-tasks:{action}");
            let mut waits: Vec<_> = company.iter().map(|keeper| keeper.wait_for(number(&key))).collect();
            first[waits.iter().position(Duration::is_zero).expect("a first one")] += 1;
            waits.sort_unstable();
            assert_eq!(waits, [Duration::ZERO, JITTER, JITTER * 2]);
        }
        assert!(first.iter().all(|count| (70..=130).contains(count)), "{first:?}");
    }

    #[test]
    fn a_keeper_alone_never_waits_and_in_a_crowd_not_for_ever() {
        let alone = company(1);
        let crowd = company(40);
        for action in 0..100 {
            let action = number(&action.to_string());
            assert_eq!(alone[0].wait_for(action), Duration::ZERO);
            assert!(crowd.iter().all(|keeper| keeper.wait_for(action) <= JITTER * MOST_WAITED_FOR));
        }
    }

    #[test]
    fn a_turn_is_as_long_as_blocks_take() {
        let mut keeper = company(2).remove(0);
        let waiting =
            (0..).map(|action| number(&action.to_string())).find(|action| keeper.wait_for(*action) > Duration::ZERO);
        let waiting = waiting.expect("half of the actions");
        let mut now = Instant::now();
        for _ in 0..50 {
            keeper.saw_block(now);
            now += Duration::from_secs(12);
        }
        let wait = keeper.wait_for(waiting);
        assert!(wait > Duration::from_secs(50) && wait <= Duration::from_secs(51), "{wait:?}");
    }

    #[test]
    fn who_has_gone_is_waited_for_no_more() {
        let mut keeper = company(2).remove(0);
        keeper.saw_block(Instant::now() + FORGOTTEN_AFTER * 2);
        assert!((0..100).all(|action| keeper.wait_for(number(&action.to_string())).is_zero()));
    }
}
