//! Roots of bonuses: what is posted, adopted, and taken for wrong.

use aiigo_protocol::{
    AIIGOToken::{AIIGOTokenEvents, Approval},
    RewardDistributor::{RootFinalized, RootPosted, RootVetoed},
};
use aiigo_rewards::Ledger;

use super::*;
use crate::view::{BOND, WrongRoot};

const STRANGER: Address = Address::repeat_byte(4);
/// Final at 500.
const FALSE_ROOT: B256 = B256::repeat_byte(0xff);

/// Two epochs with a fee each, all final, unless the caller leaves the last block open.
fn two_epochs() -> Vec<Event> {
    [0, 1].into_iter().flat_map(|epoch| [fee(epoch, 1_000), closed_with(epoch, 1_000)]).collect()
}

fn closed_with(epoch: u64, weight: u64) -> Event {
    let weight = U256::from(weight);
    rewards(RewardDistributorEvents::EpochClosed(EpochClosed {
        epoch: U256::from(epoch),
        budget: weight,
        providerBudget: weight,
        stakerReward: U256::ZERO,
        totalWeight: weight,
    }))
}

/// The root that the events come to.
fn root_of(events: &[Event]) -> B256 {
    let mut ledger = Ledger::default();
    let closed = events.iter().filter_map(|event| ledger.apply(event)).last();
    closed.expect("a closed epoch").tree().expect("a bonus").root()
}

fn posted_by(poster: Address, id: u64, epoch: u64, root: B256) -> Event {
    rewards(RewardDistributorEvents::RootPosted(RootPosted {
        rootId: U256::from(id),
        epoch: U256::from(epoch),
        poster,
        root,
        finalAt: U40::from(500),
    }))
}

fn finalized(id: u64) -> Event {
    let (root, epoch) = (B256::ZERO, U256::ZERO);
    rewards(RewardDistributorEvents::RootFinalized(RootFinalized {
        rootId: U256::from(id),
        epoch,
        poster: KEEPER,
        root,
    }))
}

fn vetoed(id: u64) -> Event {
    let (epoch, poster, burned) = (U256::ZERO, STRANGER, U256::ZERO);
    let vetoed = RootVetoed { rootId: U256::from(id), epoch, poster, bondBurned: burned };
    rewards(RewardDistributorEvents::RootVetoed(vetoed))
}

fn approved(value: U256) -> Event {
    let approval = Approval { owner: KEEPER, spender: REWARDS, value };
    Event::AIIGOToken(AIIGOTokenEvents::Approval(approval))
}

/// Each event in a block of its own, from 10 on; final is all up to `settled`.
fn grown(events: &[Event], settled: u64) -> View {
    let mut view = view(&[]);
    for (block, event) in (10..).zip(events) {
        view.apply(at(block), event);
    }
    view.settle(settled);
    view
}

/// What there is to post when all is final.
fn to_post(events: &[Event]) -> Vec<String> {
    let duty = DutyName::PostRoots.duty(&means(None));
    duty.due(&grown(events, u64::MAX), 0).into_iter().map(|action| action.subject).collect()
}

fn wrong(events: &[Event]) -> Vec<WrongRoot> {
    grown(events, 0).wrong_roots().collect()
}

fn with(more: &[Event]) -> Vec<Event> {
    [&two_epochs(), more].concat()
}

#[test]
fn the_bond_is_allowed_before_the_root_of_the_last_epoch_is_posted() {
    assert_eq!(to_post(&two_epochs()), ["bond for epoch 1"]);
    assert_eq!(to_post(&with(&[approved(BOND - U256::from(1))])), ["bond for epoch 1"]);
    let root = root_of(&two_epochs());
    assert_eq!(to_post(&with(&[approved(BOND)])), [format!("epoch 1/{root}")]);
}

#[test]
fn a_bond_that_was_taken_is_allowed_anew_for_the_next_root() {
    let next = [fee(2, 1_000), closed_with(2, 1_000)];
    let posted = posted_by(KEEPER, 1, 1, root_of(&two_epochs()));
    let again = with(&[&[approved(BOND), posted.clone()], next.as_slice()].concat());
    assert_eq!(to_post(&again), ["bond for epoch 2"]);
    let for_ever = with(&[&[approved(U256::MAX), posted], next.as_slice()].concat());
    assert!(to_post(&for_ever)[0].starts_with("epoch 2/"));
}

#[test]
fn nobody_posts_what_is_posted_already_or_adds_nothing() {
    let root = root_of(&two_epochs());
    assert!(to_post(&with(&[posted_by(STRANGER, 1, 1, root)])).is_empty());
    assert!(to_post(&with(&[posted_by(STRANGER, 1, 1, root), finalized(1)])).is_empty());
    assert!(to_post(&with(&[posted_by(STRANGER, 1, 1, root), closed(2)])).is_empty(), "nothing was earned since");
    assert!(to_post(&[closed(0)]).is_empty(), "nothing was ever earned");
}

#[test]
fn a_wrong_root_or_a_vetoed_one_holds_nobody_up() {
    let root = root_of(&two_epochs());
    assert_eq!(to_post(&with(&[posted_by(STRANGER, 1, 1, FALSE_ROOT)])).len(), 1);
    assert_eq!(to_post(&with(&[posted_by(STRANGER, 1, 1, root), vetoed(1)])).len(), 1);
}

#[test]
fn a_root_is_posted_once_no_reorg_can_change_it() {
    let duty = DutyName::PostRoots.duty(&means(None));
    // The epochs close in blocks 11 and 13.
    let subjects = |settled| duty.due(&grown(&two_epochs(), settled), 0).into_iter().map(|action| action.subject);
    assert_eq!(subjects(10).count(), 0);
    assert_eq!(subjects(12).collect::<Vec<_>>(), ["bond for epoch 0"]);
    assert_eq!(subjects(13).collect::<Vec<_>>(), ["bond for epoch 1"]);
    let right_one = posted_by(STRANGER, 1, 1, root_of(&two_epochs()));
    assert!(duty.due(&grown(&with(&[right_one]), 12), 0).is_empty(), "a later one is posted");
}

#[test]
fn a_root_that_differs_raises_the_alarm_until_it_is_gone() {
    let root = root_of(&two_epochs());
    assert!(wrong(&with(&[posted_by(STRANGER, 1, 1, root)])).is_empty());
    let alarm = WrongRoot { id: U256::from(1), epoch: 1, poster: STRANGER, root: FALSE_ROOT, own: Some(root) };
    let posted = posted_by(STRANGER, 1, 1, FALSE_ROOT);
    assert_eq!(wrong(&with(std::slice::from_ref(&posted))), [alarm]);
    assert_eq!(wrong(&with(&[posted.clone(), finalized(1)])), [alarm], "in force it is worse");
    assert!(wrong(&with(&[posted.clone(), vetoed(1)])).is_empty());
    let replaced = with(&[posted, finalized(1), posted_by(KEEPER, 2, 1, root), finalized(2)]);
    assert!(wrong(&replaced).is_empty());
    let of_another_epoch = posted_by(STRANGER, 1, 0, root);
    assert_eq!(wrong(&with(&[of_another_epoch])).len(), 1);
    assert_eq!(wrong(&[closed(0), posted_by(STRANGER, 1, 0, FALSE_ROOT)]).len(), 1, "nobody has earned anything");
}

#[test]
fn a_wrong_root_is_not_adopted() {
    let due = |events: &[Event]| due(DutyName::FinalizeRoots, &with(events), 500);
    assert!(due(&[posted_by(STRANGER, 1, 1, FALSE_ROOT)]).is_empty());
    assert_eq!(due(&[posted_by(STRANGER, 1, 1, root_of(&two_epochs()))]), ["root 1"]);
}

#[test]
fn a_reorg_that_takes_a_fee_back_changes_the_root() {
    let (fees, lost) = (two_epochs(), fee(2, 50_000));
    let mut view = grown(&[fees.clone(), vec![lost]].concat(), 13);
    view.retract(13);
    for (block, event) in (14..).zip([fee(2, 1_000), closed_with(2, 1_000)]) {
        view.apply(at(block), &event);
    }
    view.settle(15);
    let stands = [fees, vec![fee(2, 1_000), closed_with(2, 1_000)]].concat();
    assert_eq!(view.root_to_post().expect("a root").root, root_of(&stands));
    // And a closing that never happened is no root.
    view.apply(at(16), &fee(3, 1_000));
    view.apply(at(17), &closed_with(3, 1_000));
    view.retract(16);
    view.settle(16);
    assert_eq!(view.root_to_post().expect("a root").epoch, 2);
}

#[test]
fn a_bond_is_risked_by_nobody_unasked() {
    assert!(!DutyName::defaults().contains(&DutyName::PostRoots));
}
