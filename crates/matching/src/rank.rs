//! The ranking.

use serde::{Deserialize, Serialize};

use crate::{
    Candidate, Refusal, Requirements, Terms, Weights,
    filter::refusals,
    score::{score, terms},
};

/// Eligible candidates, the best first, and those that were refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ranking {
    /// Who can do the task, the best first; among equals, the smaller node id.
    pub ranked: Vec<Ranked>,
    /// Who can't, by node id.
    pub refused: Vec<Refused>,
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

/// Ranks candidates for a task.
pub fn rank(wanted: &Requirements, candidates: &[Candidate], weights: &Weights) -> Ranking {
    let mut ranking = Ranking::default();
    for (index, candidate) in candidates.iter().enumerate() {
        let node_id = candidate.node_id;
        let reasons = refusals(wanted, candidate);
        if reasons.is_empty() {
            let terms = terms(wanted, candidate, weights);
            ranking.ranked.push(Ranked { candidate: index, node_id, score: score(&terms), terms });
        } else {
            ranking.refused.push(Refused { candidate: index, node_id, reasons });
        }
    }
    ranking.ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.node_id.cmp(&b.node_id)));
    ranking.refused.sort_by_key(|refused| refused.node_id);
    ranking
}

#[cfg(test)]
mod tests;
