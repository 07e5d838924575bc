//! A ranking as the API shows it.

use aiigo_matching::{Refusal, TermScore};
use async_graphql::{Enum, SimpleObject};

use super::market::{Ranking, Reason};
use crate::graphql::{objects::Node, scalars::BigInt};

/// Who can do a task, and who can't.
#[derive(SimpleObject, Clone, Debug)]
pub struct Match {
    /// How many nodes can do it.
    eligible: usize,
    /// The best of them, best first.
    candidates: Vec<MatchCandidate>,
    /// How many nodes of the resource type can't.
    refused_count: usize,
    /// Some of these, by node id, with every reason against them.
    refused: Vec<MatchRefusal>,
}

/// A node that can do the task.
#[derive(SimpleObject, Clone, Debug)]
pub struct MatchCandidate {
    /// The node.
    node: Node,
    /// 0 to 1, more is better: the sum of the terms, each times its weight.
    score: f64,
    /// What the score is made of.
    terms: Vec<MatchTerm>,
}

/// One term of a score.
#[derive(SimpleObject, Clone, Debug)]
pub struct MatchTerm {
    /// price, reputation, latency, uptime or power.
    name: &'static str,
    /// 0 to 1, more is better; what is not known counts as 0.5.
    value: f64,
    /// Its share in the score; the shares add up to 1.
    weight: f64,
}

/// A node that can't do the task.
#[derive(SimpleObject, Clone, Debug)]
pub struct MatchRefusal {
    /// The node.
    node: Node,
    /// Every reason against it.
    reasons: Vec<MatchReason>,
}

/// A reason against a node.
#[derive(SimpleObject, Clone, Debug)]
pub struct MatchReason {
    /// Which rule it breaks.
    kind: ReasonKind,
    /// How, in a sentence.
    message: String,
}

/// The rules that a node can break.
#[derive(Enum, Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasonKind {
    /// It is not verified, staked and online.
    NotActive,
    /// It is another kind of machine.
    WrongResource,
    /// Its free power is too small.
    TooLittlePower,
    /// Its stake backs no further task.
    NoFreeSlot,
    /// It is not trusted enough.
    TrustTooLow,
    /// It asks for more than the task pays.
    TooExpensive,
    /// It is not in an acceptable region.
    WrongRegion,
    /// It answers too few challenges.
    UptimeTooLow,
    /// It failed this task before.
    Excluded,
    /// It belongs to the buyer.
    OwnedByBuyer,
    /// Its open escrow in the token is too large for its trust level.
    EscrowCap,
}

/// What a task would cost, and who could do it. Amounts in the smallest unit of its token.
#[derive(SimpleObject, Clone, Debug)]
pub struct Quote {
    /// Price x duration, rounded up.
    pub(super) escrow: BigInt,
    /// Deposited with it for tips to who enforces timeouts; returned if there are none.
    pub(super) tip_deposit: BigInt,
    /// The protocol's share of what will be due, basis points.
    pub(super) fee_bps: Option<i32>,
    /// Whether the marketplace takes the token.
    pub(super) token_allowed: bool,
    /// Who could do it.
    #[graphql(name = "match")]
    pub(super) ranking: Match,
}

impl Match {
    pub(super) fn new(ranking: Ranking) -> Self {
        let Ranking { ranked, eligible, refused, refused_count } = ranking;
        let candidates = ranked.into_iter().map(|(node, ranked)| MatchCandidate {
            node: node.into(),
            score: ranked.score,
            terms: ranked.terms.iter().map(MatchTerm::from).collect(),
        });
        let refused = refused.into_iter().map(|(node, reasons)| MatchRefusal {
            node: node.into(),
            reasons: reasons.iter().map(MatchReason::from).collect(),
        });
        Self { eligible, candidates: candidates.collect(), refused_count, refused: refused.collect() }
    }
}

impl From<&TermScore> for MatchTerm {
    fn from(score: &TermScore) -> Self {
        Self { name: score.term.name(), value: score.value, weight: score.weight }
    }
}

impl From<&Reason> for MatchReason {
    fn from(reason: &Reason) -> Self {
        match reason {
            Reason::Refusal(refusal) => Self { kind: refusal.into(), message: refusal.to_string() },
            Reason::EscrowCap { open, cap } => Self {
                kind: ReasonKind::EscrowCap,
                message: format!("its open escrow would be {open}, its trust level allows {cap}"),
            },
        }
    }
}

impl From<&Refusal> for ReasonKind {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::NotActive => Self::NotActive,
            Refusal::WrongResource { .. } => Self::WrongResource,
            Refusal::TooLittlePower { .. } => Self::TooLittlePower,
            Refusal::NoFreeSlot => Self::NoFreeSlot,
            Refusal::TrustTooLow { .. } => Self::TrustTooLow,
            Refusal::TooExpensive { .. } => Self::TooExpensive,
            Refusal::WrongRegion { .. } => Self::WrongRegion,
            Refusal::UptimeTooLow { .. } => Self::UptimeTooLow,
            Refusal::Excluded => Self::Excluded,
            Refusal::OwnedByBuyer => Self::OwnedByBuyer,
        }
    }
}
