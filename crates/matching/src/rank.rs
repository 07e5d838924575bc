//! The ranking.

use serde::{Deserialize, Serialize};

use crate::{
    Candidate, Refusal, Requirements, Terms, Weights,
    filter::refusals,
    score::{score, terms},
};

/// Candidates by their indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranking {
    /// Who can do the task, the best first; among equals, the smaller node id.
    pub eligible: Vec<usize>,
    /// Who can't, by node id.
    pub refused: Vec<usize>,
}

/// An eligible candidate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranked {
    /// Its index among the candidates.
    pub candidate: usize,
    /// The node.
    pub node_id: u64,
    /// 0 to 1, more is better.
    pub score: f64,
    /// What the score is made of.
    pub terms: Terms,
}

/// A candidate that can't do the task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Refused {
    /// Its index among the candidates.
    pub candidate: usize,
    /// The node.
    pub node_id: u64,
    /// Every reason against it, at least one.
    pub reasons: Vec<Refusal>,
}

impl Ranked {
    /// What an eligible candidate has to say for itself.
    pub fn of(wanted: &Requirements, candidates: &[Candidate], index: usize, weights: &Weights) -> Self {
        let candidate = &candidates[index];
        let terms = terms(wanted, candidate, &weights.normalised());
        Self { candidate: index, node_id: candidate.node_id, score: score(&terms), terms }
    }
}

impl Refused {
    /// What speaks against a candidate.
    pub fn of(wanted: &Requirements, candidates: &[Candidate], index: usize) -> Self {
        let candidate = &candidates[index];
        Self { candidate: index, node_id: candidate.node_id, reasons: refusals(wanted, candidate).collect() }
    }
}

/// Ranks candidates for a task. [`Ranked::of`] and [`Refused::of`] explain a candidate's place.
pub fn rank(wanted: &Requirements, candidates: &[Candidate], weights: &Weights) -> Ranking {
    let weights = weights.normalised();
    let (mut scored, mut refused) = (Vec::with_capacity(candidates.len()), Vec::new());
    for (index, candidate) in candidates.iter().enumerate() {
        match refusals(wanted, candidate).next() {
            None => scored.push((score(&terms(wanted, candidate, &weights)), candidate.node_id, index)),
            Some(_) => refused.push(index),
        }
    }
    scored.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    refused.sort_unstable_by_key(|index| candidates[*index].node_id);
    Ranking { eligible: scored.into_iter().map(|(_, _, index)| index).collect(), refused }
}

#[cfg(test)]
mod tests;
