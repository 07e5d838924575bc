//! The model and the chain, side by side.

use std::{collections::BTreeMap, fmt};

use crate::{
    books::Books,
    call::Call,
    cast::Holder,
    chain::{Chain, Prepared},
    model::Model,
    shorten::shorten,
    step::Step,
};

/// Both, after the same calls.
pub struct Pair<'a> {
    prepared: &'a Prepared,
    model: Model,
    chain: Chain,
    history: Vec<Entry>,
}

/// A call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Since the one before; 0: in the same block.
    pub(crate) seconds: u64,
    pub(crate) caller: Holder,
    pub(crate) call: Call,
    /// Whether the model did it.
    pub(crate) done: bool,
}

/// How many calls there were.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// All.
    pub calls: u64,
    /// Those that both did.
    pub done: u64,
    /// The same, by the call's name.
    pub done_of: BTreeMap<&'static str, u64>,
    /// What came of them, by what it was.
    pub reached: BTreeMap<&'static str, u64>,
}

/// The chain did something else than the model: after which calls, and what.
#[derive(Debug)]
pub struct Difference(String);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'a> Pair<'a> {
    /// Both at the prepared state.
    pub fn new(prepared: &'a Prepared) -> Self {
        Self { prepared, model: prepared.model(), chain: Chain::new(prepared), history: Vec::new() }
    }

    /// Counts the calls so far.
    pub fn count(&self, tally: &mut Tally) {
        tally.calls += self.history.len() as u64;
        for entry in self.history.iter().filter(|entry| entry.done) {
            tally.done += 1;
            *tally.done_of.entry(entry.call.name()).or_default() += 1;
        }
        for (what, times) in self.model.reach() {
            *tally.reached.entry(what).or_default() += times;
        }
    }

    /// Makes a call of the step and gives it to both.
    ///
    /// # Errors
    /// If one refuses what the other does, or a balance differs afterwards.
    pub fn step(&mut self, step: &Step) -> Result<(), Difference> {
        let seconds = step.wait(&self.model);
        self.move_on(seconds);
        let (caller, call) = step.resolve(&self.model);
        self.call(seconds, caller, call)
    }

    /// After a difference: the shortest of the calls so far that show one.
    pub fn shortest(&self) -> Option<Difference> {
        shorten(self.prepared, &self.history)
    }

    pub(crate) fn into_history(self) -> Vec<Entry> {
        self.history
    }

    /// Makes a call so many seconds after the one before.
    pub(crate) fn make(&mut self, seconds: u64, caller: Holder, call: Call) -> Result<(), Difference> {
        self.move_on(seconds);
        self.call(seconds, caller, call)
    }

    fn move_on(&mut self, seconds: u64) {
        self.model.advance(seconds);
        self.chain.advance(seconds);
    }

    fn call(&mut self, seconds: u64, caller: Holder, call: Call) -> Result<(), Difference> {
        let expected = self.model.apply(caller, &call);
        let found = self.chain.apply(caller, &call);
        self.history.push(Entry { seconds, caller, call, done: expected.is_ok() });
        match (expected, found) {
            (Ok(()), Err(reason)) => Err(self.differ(&format!("the model does it, the chain refuses: {reason}"))),
            (Err(refusal), Ok(())) => Err(self.differ(&format!("the chain does it, the model refuses: {refusal}"))),
            _ if self.model.books() == self.chain.books() => Ok(()),
            _ => Err(self.differ(&Books::table(self.model.books(), self.chain.books()))),
        }
    }

    fn differ(&self, what: &str) -> Difference {
        let mut text = format!("the chain differs from the model after {} calls:\n", self.history.len());
        for (index, Entry { seconds, caller, call, .. }) in self.history.iter().enumerate() {
            text += &format!("{:>3}. +{seconds} s, {caller}: {call:?}\n", index + 1);
        }
        Difference(text + what)
    }
}
