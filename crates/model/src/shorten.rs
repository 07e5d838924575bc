//! From a sequence that shows a difference to the shortest that does: every call that it does without is left out, with
//! those that speak of what it made, and every wait that it does without.

use crate::{
    Prepared,
    call::{Call, Kind},
    cast::{Holder, NODES},
    pair::{Difference, Entry, Pair},
};

/// The shortest sequence that still shows a difference, and that difference. `None` if the entries show none.
pub(crate) fn shorten(prepared: &Prepared, entries: &[Entry]) -> Option<Difference> {
    let (mut best, mut difference) = failing(prepared, entries.to_vec())?;
    loop {
        let before = best.clone();
        // From the end: what is left out there is least likely to be spoken of.
        for index in (0..before.len()).rev() {
            if index >= best.len() {
                continue;
            }
            let ways = [Without::Waiting, Without::Sooner, Without::Blocks];
            let left_out = ways.into_iter().map(|way| without(&best, index, way));
            if let Some((shorter, found)) =
                left_out.filter(|shorter| *shorter != best).find_map(|shorter| failing(prepared, shorter))
            {
                (best, difference) = (shorter, found);
                continue;
            }
            let mut sooner = best.clone();
            sooner[index].seconds = sooner[index].seconds.min(1);
            if sooner != best
                && let Some((sooner, found)) = failing(prepared, sooner)
            {
                (best, difference) = (sooner, found);
            }
        }
        if best == before {
            return Some(difference);
        }
    }
}

/// The entries up to the first difference, with what came of each.
fn failing(prepared: &Prepared, entries: Vec<Entry>) -> Option<(Vec<Entry>, Difference)> {
    let mut pair = Pair::new(prepared);
    for entry in entries {
        if let Err(difference) = pair.make(entry.seconds, entry.caller, entry.call) {
            return Some((pair.into_history(), difference));
        }
    }
    None
}

/// What is left of an entry that is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Without {
    /// Its time: the others when they were.
    Waiting,
    /// Nothing.
    Sooner,
    /// Its time and its blocks: who draws by a block goes on drawing the same.
    Blocks,
}

/// All entries but one, and but those that speak of what it made.
fn without(entries: &[Entry], index: usize, way: Without) -> Vec<Entry> {
    let mut rest = entries.to_vec();
    let removed = rest.remove(index);
    if let Some(next) = rest.get_mut(index)
        && way == Without::Waiting
    {
        next.seconds += removed.seconds;
    }
    let index = if way == Without::Blocks { keep_blocks(&mut rest, index, &removed) } else { index };
    let made = if removed.done { removed.call.makes() } else { None };
    let Some((kind, count)) = made else { return rest };
    let first = made_before(&rest[..index], kind);
    let mut at = index;
    while at < rest.len() {
        let mut speaks = false;
        for (of, place) in rest[at].call.speaks_of() {
            if of == kind && *place >= first + count {
                *place -= count;
            } else if of == kind && *place >= first {
                speaks = true;
            }
        }
        if speaks {
            rest = without(&rest, at, way);
        } else {
            at += 1;
        }
    }
    rest
}

/// In the place of an entry that made blocks, blocks; where the next entry is then.
fn keep_blocks(rest: &mut Vec<Entry>, index: usize, removed: &Entry) -> usize {
    let blocks = |seconds: u64| u64::from(seconds > 0);
    if let Some(Entry { seconds, call: Call::Mine { blocks: mined }, .. }) =
        index.checked_sub(1).map(|at| &mut rest[at])
    {
        let own = if let Call::Mine { blocks } = removed.call { blocks } else { 0 };
        *mined += own + blocks(*seconds) + blocks(removed.seconds) - blocks(*seconds + removed.seconds);
        *seconds += removed.seconds;
        return index;
    }
    let call = if let Call::Mine { .. } = removed.call { removed.call.clone() } else { Call::Mine { blocks: 0 } };
    rest.insert(index, Entry { call, done: true, ..removed.clone() });
    index + 1
}

/// How many things of a kind there are after the entries.
fn made_before(entries: &[Entry], kind: Kind) -> usize {
    let made = entries.iter().filter(|entry| entry.done).filter_map(|entry| entry.call.makes());
    let at_first = match kind {
        Kind::Node => NODES.len(),
        Kind::Position => Holder::JURORS.len(),
        Kind::Task | Kind::Case | Kind::Root => 0,
    };
    at_first + made.filter(|(of, _)| *of == kind).map(|(_, count)| count).sum::<usize>()
}
