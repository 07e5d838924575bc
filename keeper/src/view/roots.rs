//! Roots of bonuses: the keeper's own, those that were posted, and the bond for posting one.

use std::collections::VecDeque;

use aiigo_protocol::{
    AIIGOToken::AIIGOTokenEvents,
    Event,
    RewardDistributor::{RewardDistributorEvents, RootPosted},
};
use aiigo_rewards::Ledger;
use alloy::primitives::{Address, B256, U256, uint};
use serde::Serialize;

use super::{
    Accounts,
    journal::{Journaled, Undo, undo_by_parts},
};

/// What posting a root risks, AIIGO wei. `ROOT_BOND` of the distributor.
pub(crate) const BOND: U256 = uint!(10_000_000000000000000000_U256);

/// The keeper's own root of a closed epoch that no reorg can change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnEpoch {
    /// It counts the bonuses of all epochs up to this one.
    pub epoch: u64,
    /// `None`: nobody has earned a bonus.
    pub root: Option<B256>,
}

/// A root that can be posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OwnRoot {
    /// It counts the bonuses of all epochs up to this one.
    pub epoch: u64,
    /// The root.
    pub root: B256,
}

/// A posted root, pending or in force, that differs from the keeper's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WrongRoot {
    /// The number under which it was posted.
    pub id: U256,
    /// The epoch it was posted for.
    pub epoch: u64,
    /// Whose bond burns if it is vetoed.
    pub poster: Address,
    /// What was posted.
    pub root: B256,
    /// What the keeper computed; `None`: nobody had earned a bonus.
    pub own: Option<B256>,
}

/// The keeper's own root of a closed epoch.
#[derive(Clone, Copy, Debug)]
struct Own {
    /// The block that closed the epoch.
    block: u64,
    /// `None`: nobody had earned a bonus.
    root: Option<B256>,
}

/// A root that is pending or in force.
#[derive(Clone, Copy, Debug)]
struct Posted {
    epoch: u64,
    poster: Address,
    root: B256,
    /// When it can be adopted, unix seconds.
    final_at: u64,
}

/// What the keeper knows of roots.
#[derive(Debug)]
pub(super) struct Roots {
    accounts: Accounts,
    history: History,
    /// By closed epoch.
    own: Journaled<u64, Own>,
    posted: Journaled<U256, Posted>,
    /// The id of the root in force.
    present: Journaled<(), U256>,
    /// What the distributor may take from the keeper, AIIGO wei.
    allowance: Journaled<(), U256>,
}

undo_by_parts!(Roots: history, own, posted, present, allowance);

impl Roots {
    pub(super) fn new(accounts: Accounts) -> Self {
        Self {
            accounts,
            history: History::default(),
            own: Journaled::default(),
            posted: Journaled::default(),
            present: Journaled::default(),
            allowance: Journaled::default(),
        }
    }

    /// The latest own one that no reorg can change.
    pub(super) fn settled(&self) -> Option<OwnEpoch> {
        let settled = |own: &Own| own.block <= self.history.settled_to;
        let (epoch, own) = self.own.iter().filter(|(_, own)| settled(own)).last()?;
        Some(OwnEpoch { epoch: *epoch, root: own.root })
    }

    /// The latest own root that no reorg can change, unless it, or a right one of a later epoch, is posted.
    pub(super) fn postable(&self) -> Option<OwnRoot> {
        let OwnEpoch { epoch, root } = self.settled()?;
        let root = root?;
        let present = self.present.get(&()).and_then(|id| self.posted.get(id));
        let is_past = present.is_some_and(|present| present.epoch > epoch);
        let serves = |posted: &Posted| posted.root == root || (posted.epoch > epoch && self.is_right(posted));
        let is_posted = self.posted.iter().any(|(_, posted)| serves(posted));
        (!is_past && !is_posted).then_some(OwnRoot { epoch, root })
    }

    /// Whether the distributor may take the bond from the keeper.
    pub(super) fn may_take_bond(&self) -> bool {
        self.allowance() >= BOND
    }

    /// Those that nobody vetoed in time, but for wrong ones.
    pub(super) fn adoptable(&self, now: u64) -> impl Iterator<Item = U256> {
        let present = self.present.get(&()).copied();
        let pending = self.posted.iter().filter(move |(id, posted)| Some(**id) != present && now >= posted.final_at);
        pending.filter(|(_, posted)| !self.is_wrong(posted)).map(|(id, _)| *id)
    }

    /// Those that differ from the keeper's own.
    pub(super) fn wrong(&self) -> impl Iterator<Item = WrongRoot> {
        self.posted.iter().filter(|(_, posted)| self.is_wrong(posted)).map(|(id, posted)| {
            let Posted { epoch, poster, root, .. } = *posted;
            WrongRoot { id: *id, epoch, poster, root, own: self.own.get(&epoch).and_then(|own| own.root) }
        })
    }

    pub(super) fn apply(&mut self, block: u64, event: &Event) {
        if let Some((epoch, root)) = self.history.apply(block, event) {
            self.own.insert(block, epoch, Own { block, root });
        }
        match event {
            Event::RewardDistributor(event) => self.apply_distributor(block, event),
            Event::AIIGOToken(AIIGOTokenEvents::Approval(e))
                if (e.owner, e.spender) == (self.accounts.keeper, self.accounts.rewards) =>
            {
                self.allowance.insert(block, (), e.value);
            }
            _ => {}
        }
    }

    fn apply_distributor(&mut self, block: u64, event: &RewardDistributorEvents) {
        use RewardDistributorEvents as E;
        match event {
            E::RootPosted(e) => self.post(block, e),
            E::RootFinalized(e) => {
                if let Some(before) = self.present.get(&()).copied() {
                    self.posted.remove(block, &before);
                }
                self.present.insert(block, (), e.rootId);
            }
            E::RootSuperseded(e) => self.posted.remove(block, &e.rootId),
            E::RootVetoed(e) => self.posted.remove(block, &e.rootId),
            _ => {}
        }
    }

    fn post(&mut self, block: u64, event: &RootPosted) {
        let &RootPosted { rootId, poster, root, .. } = event;
        // An epoch's number is the time divided by its length: it fits.
        let (epoch, final_at) = (event.epoch.saturating_to(), event.finalAt.to());
        self.posted.insert(block, rootId, Posted { epoch, poster, root, final_at });
        // The token tells nothing of what is left of an allowance; one without a limit stays.
        let allowance = self.allowance();
        if poster == self.accounts.keeper && allowance != U256::MAX {
            self.allowance.insert(block, (), allowance.saturating_sub(BOND));
        }
    }

    fn allowance(&self) -> U256 {
        self.allowance.get(&()).copied().unwrap_or_default()
    }

    fn is_right(&self, posted: &Posted) -> bool {
        self.own.get(&posted.epoch).is_some_and(|own| own.root == Some(posted.root))
    }

    fn is_wrong(&self, posted: &Posted) -> bool {
        self.own.get(&posted.epoch).is_some_and(|own| own.root != Some(posted.root))
    }
}

/// What nodes have earned. To go back it begins again at the last final block.
#[derive(Debug, Default)]
struct History {
    now: Ledger,
    /// As of the last final block.
    settled: Ledger,
    settled_to: u64,
    /// What came after it, with its block.
    recent: VecDeque<(u64, Event)>,
}

impl History {
    /// If the event closes an epoch, that and its root.
    fn apply(&mut self, block: u64, event: &Event) -> Option<(u64, Option<B256>)> {
        if !Ledger::concerns(event) {
            return None;
        }
        self.recent.push_back((block, event.clone()));
        let closed = self.now.apply(event)?;
        Some((closed.number, closed.tree().map(|tree| tree.root())))
    }
}

impl Undo for History {
    fn retract(&mut self, block: u64) {
        self.recent.retain(|(at, _)| *at <= block);
        self.now = self.settled.clone();
        for (_, event) in &self.recent {
            self.now.apply(event);
        }
    }

    fn settle(&mut self, block: u64) {
        self.settled_to = block;
        while let Some((_, event)) = self.recent.pop_front_if(|(at, _)| *at <= block) {
            self.settled.apply(&event);
        }
    }
}
