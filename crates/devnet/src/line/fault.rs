//! What can go wrong with a request, and when it does.

use alloy::primitives::keccak256;

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// It does not reach the chain, and the connection is closed.
    LostRequest,
    /// It reaches the chain, and the connection is closed before the answer.
    LostAnswer,
    /// It reaches the chain, and the connection is closed in the middle of the answer.
    TornAnswer,
    /// It reaches the chain; no answer comes, and only the server's half of the connection is closed.
    HalfClosed,
    /// It does not reach the chain, and the connection stays open without a word.
    Silence,
    /// The answer comes late.
    Delay,
    /// It reaches the chain twice.
    Duplicate,
    /// It reaches the chain, and the answer says that it failed.
    FalseFailure,
    /// It does not reach the chain, and the answer says that it did. What is no transaction is lost instead.
    FalseSuccess,
    /// It reaches the chain after requests that came later, and is answered with a gateway's time-out.
    Overtaken,
    /// The answer is the one to the same question a moment ago, as of an endpoint that lags. A transaction is lost instead.
    Stale,
    /// 429: it does not reach the chain.
    RateLimit,
    /// 500, 502 or 503: it does not reach the chain.
    ServerError,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::LostRequest,
        Self::LostAnswer,
        Self::TornAnswer,
        Self::HalfClosed,
        Self::Silence,
        Self::Delay,
        Self::Duplicate,
        Self::FalseFailure,
        Self::FalseSuccess,
        Self::Overtaken,
        Self::Stale,
        Self::RateLimit,
        Self::ServerError,
    ];
}

/// How often which faults come.
#[derive(Clone, Debug, Default)]
pub struct Faults {
    kinds: Vec<Fault>,
    per_mille: u32,
    only: Option<&'static str>,
    saying: Option<&'static str>,
}

impl Faults {
    /// A line without faults.
    pub fn none() -> Self {
        Self::default()
    }

    /// Every request fails in this way.
    pub fn always(fault: Fault) -> Self {
        Self::mixed([fault], 1000)
    }

    /// So many requests of a thousand fail, each in one of these ways, all equally often.
    pub fn mixed(kinds: impl IntoIterator<Item = Fault>, per_mille: u32) -> Self {
        Self { kinds: kinds.into_iter().collect(), per_mille, ..Self::default() }
    }

    /// Only requests of this method fail.
    #[must_use]
    pub fn only(self, method: &'static str) -> Self {
        Self { only: Some(method), ..self }
    }

    /// What false failures of transactions say, instead of one of [`REFUSALS`](super::REFUSALS).
    #[must_use]
    pub fn saying(self, refusal: &'static str) -> Self {
        Self { saying: Some(refusal), ..self }
    }

    /// What a false failure says.
    pub(super) fn refusal(&self, dice: Dice) -> &'static str {
        let all = super::REFUSALS;
        self.saying.or_else(|| all.get(dice.index("refusal", all.len())).copied()).unwrap_or_default()
    }

    /// Whether and how the request of this number fails: by the seed alone.
    pub(super) fn draw(&self, method: &str, dice: Dice) -> Option<Fault> {
        if self.kinds.is_empty() || self.only.is_some_and(|only| only != method) {
            return None;
        }
        let strikes = dice.below("strikes", 1000) < u64::from(self.per_mille);
        strikes.then(|| self.kinds.get(dice.index("kind", self.kinds.len())).copied()).flatten()
    }
}

/// The chance in one request: the same seed and number throw the same.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dice {
    pub(super) seed: u64,
    pub(super) number: u64,
}

impl Dice {
    /// A number below `limit`, which is not 0.
    pub(super) fn below(self, what: &str, limit: u64) -> u64 {
        let hash = keccak256([&self.seed.to_be_bytes()[..], &self.number.to_be_bytes(), what.as_bytes()].concat());
        let mut word = [0; 8];
        word.copy_from_slice(&hash[..8]);
        u64::from_be_bytes(word) % limit
    }

    /// A position in a list that is not empty.
    pub(super) fn index(self, what: &str, length: usize) -> usize {
        usize::try_from(self.below(what, u64::try_from(length).unwrap_or(u64::MAX))).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_itself_and_strikes_as_often_as_it_should() {
        let faults = Faults::mixed(Fault::ALL, 200);
        let drawn = |seed| (0..5000).map(|number| faults.draw("eth_call", Dice { seed, number })).collect::<Vec<_>>();
        let first = drawn(1);
        assert_eq!(first, drawn(1));
        assert_ne!(first, drawn(2));
        let struck = first.iter().flatten().count();
        assert!((900..1100).contains(&struck), "{struck} of 5000");
        assert!(Fault::ALL.iter().all(|fault| first.contains(&Some(*fault))));
    }

    #[test]
    fn a_fault_of_one_method_leaves_the_others_alone() {
        let faults = Faults::always(Fault::Silence).only("eth_sendRawTransaction");
        let dice = Dice { seed: 0, number: 0 };
        assert_eq!(faults.draw("eth_call", dice), None);
        assert_eq!(faults.draw("eth_sendRawTransaction", dice), Some(Fault::Silence));
    }
}
