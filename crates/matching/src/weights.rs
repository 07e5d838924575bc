//! How much each term counts.

use serde::{Deserialize, Serialize};

use crate::Term;

/// How much each term counts. Only the proportions matter.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Weights {
    /// Of the price.
    pub price: f64,
    /// Of the reputation.
    pub reputation: f64,
    /// Of the latency.
    pub latency: f64,
    /// Of the uptime.
    pub uptime: f64,
    /// Of the verified power.
    pub power: f64,
}

/// Weights that can't be used.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum WeightsError {
    /// One is negative or no number.
    #[error("the weight of {} is {weight}: expected a number from 0 to {MAX_WEIGHT}", term.name())]
    Invalid {
        /// Whose weight it is.
        term: Term,
        /// The weight.
        weight: f64,
    },
    /// All are zero.
    #[error("all weights are 0: at least one must be greater")]
    AllZero,
}

/// Large enough for any proportion, small enough that sums stay exact.
const MAX_WEIGHT: f64 = 1e9;

impl Default for Weights {
    /// Price and reputation first; latency hardly matters to a batch job.
    fn default() -> Self {
        Self { price: 0.35, reputation: 0.25, latency: 0.05, uptime: 0.15, power: 0.2 }
    }
}

impl Weights {
    /// The weight of a term.
    pub fn of(&self, term: Term) -> f64 {
        match term {
            Term::Price => self.price,
            Term::Reputation => self.reputation,
            Term::Latency => self.latency,
            Term::Uptime => self.uptime,
            Term::Power => self.power,
        }
    }

    /// Checks weights that a user gave.
    ///
    /// # Errors
    /// If one is negative, too large or no number, or all are zero.
    pub fn check(&self) -> Result<(), WeightsError> {
        for term in Term::ALL {
            let weight = self.of(term);
            if !(0.0..=MAX_WEIGHT).contains(&weight) {
                return Err(WeightsError::Invalid { term, weight });
            }
        }
        if self.sum() > 0.0 { Ok(()) } else { Err(WeightsError::AllZero) }
    }

    /// The same proportions, adding up to 1. Weights that [`Self::check`] refuses become the default ones.
    #[must_use]
    pub fn normalised(&self) -> Self {
        let weights = if self.check().is_ok() { *self } else { Self::default() };
        let share = |term| weights.of(term) / weights.sum();
        Self {
            price: share(Term::Price),
            reputation: share(Term::Reputation),
            latency: share(Term::Latency),
            uptime: share(Term::Uptime),
            power: share(Term::Power),
        }
    }

    fn sum(&self) -> f64 {
        Term::ALL.into_iter().map(|term| self.of(term)).sum()
    }
}
