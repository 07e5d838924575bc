//! Which provider for which task: one pure function for the API, the CLI and the agent.
//!
//! [`rank`] first refuses who can't do the task at all, each with its reasons, then scores the others:
//! score = w₁·price + w₂·reputation + w₃·latency + w₄·uptime + w₅·power, each term from 0 to 1, weights normalised to a sum
//! of 1. Equal input gives equal output: ties go to the smaller node id, and nothing depends on the order of the candidates
//! or on any clock.

mod candidate;
mod filter;
mod rank;
mod score;
mod weights;

pub use candidate::{Candidate, Requirements};
pub use filter::Refusal;
pub use rank::{Ranked, Ranking, Refused, rank};
pub use score::{Term, TermScore, Terms};
pub use weights::{Weights, WeightsError};
