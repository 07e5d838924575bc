//! The five terms.

use serde::{Deserialize, Serialize};

use crate::{Candidate, Requirements, Weights};

/// What a term is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Term {
    /// How much of the budget is left over.
    Price,
    /// The node's history.
    Reputation,
    /// How near it is.
    Latency,
    /// How reliably it answers audits.
    Uptime,
    /// How much stronger it is than needed.
    Power,
}

impl Term {
    /// Every term, in the order of the formula.
    pub const ALL: [Self; 5] = [Self::Price, Self::Reputation, Self::Latency, Self::Uptime, Self::Power];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Price => "price",
            Self::Reputation => "reputation",
            Self::Latency => "latency",
            Self::Uptime => "uptime",
            Self::Power => "power",
        }
    }
}

/// One term of a score.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TermScore {
    /// What it is about.
    pub term: Term,
    /// 0 to 1, more is better.
    pub value: f64,
    /// Its share in the score; the shares add up to 1.
    pub weight: f64,
}

/// The five terms of a score, in the order of [`Term::ALL`].
pub type Terms = [TermScore; 5];

/// What is not known counts as average: neither does hiding pay, nor is a newcomer shut out.
const UNKNOWN: f64 = 0.5;
/// The latency that halves its term, milliseconds.
const HALF_LATENCY: f64 = 100.0;
const BPS: f64 = 10_000.0;

/// The terms of an eligible candidate, by normalised weights.
pub(crate) fn terms(wanted: &Requirements, candidate: &Candidate, weights: &Weights) -> Terms {
    Term::ALL.map(|term| {
        let value = match term {
            Term::Price => price(wanted.max_price_per_hour, candidate.price_per_hour),
            Term::Reputation => f64::from(candidate.reputation) / BPS,
            Term::Latency => {
                candidate.latency_millis.map_or(UNKNOWN, |millis| HALF_LATENCY / (HALF_LATENCY + f64::from(millis)))
            }
            Term::Uptime => candidate.uptime_bps.map_or(UNKNOWN, |bps| f64::from(bps) / BPS),
            Term::Power => power(wanted.milli_tflops, candidate.free_milli_tflops),
        };
        TermScore { term, value: value.clamp(0.0, 1.0), weight: weights.of(term) }
    })
}

/// The weighted sum, 0 to 1.
pub(crate) fn score(terms: &Terms) -> f64 {
    terms.iter().map(|term| term.weight * term.value).sum::<f64>().clamp(0.0, 1.0)
}

/// The share of the budget that is left over. Who names no price takes the whole budget.
fn price(budget: u128, asked: Option<u128>) -> f64 {
    match asked {
        Some(asked) if asked < budget => 1.0 - asked as f64 / budget as f64,
        _ => 0.0,
    }
}

/// 0 for just enough, ½ for twice as much, towards 1 without end: strength helps, but less and less.
fn power(wanted: u64, free: u64) -> f64 {
    if free <= wanted { 0.0 } else { 1.0 - wanted as f64 / free as f64 }
}
