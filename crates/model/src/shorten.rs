//! From a sequence that shows a difference to the shortest that does: every call that it does without is left out, with
//! those that speak of what it made, and every wait that it does without.

use crate::{
    Prepared,
    call::Kind,
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
            let left_out = [true, false].map(|waiting| without(&best, index, waiting));
            if let Some((shorter, found)) = left_out.into_iter().find_map(|shorter| failing(prepared, shorter)) {
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

/// All entries but one, and but those that speak of what it made; `waiting`: the others when they were.
fn without(entries: &[Entry], index: usize, waiting: bool) -> Vec<Entry> {
    let mut rest = entries.to_vec();
    let removed = rest.remove(index);
    if let Some(next) = rest.get_mut(index)
        && waiting
    {
        next.seconds += removed.seconds;
    }
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
            rest = without(&rest, at, waiting);
        } else {
            at += 1;
        }
    }
    rest
}

/// How many things of a kind there are after the entries.
fn made_before(entries: &[Entry], kind: Kind) -> usize {
    let made = entries.iter().filter(|entry| entry.done).filter_map(|entry| entry.call.makes());
    let at_first = match kind {
        Kind::Node => NODES.len(),
        Kind::Position => Holder::JURORS.len(),
        Kind::Task | Kind::Case => 0,
    };
    at_first + made.filter(|(of, _)| *of == kind).map(|(_, count)| count).sum::<usize>()
}
