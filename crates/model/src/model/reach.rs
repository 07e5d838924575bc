//! What a full run has to see happen, beside every kind of call being done.

use std::collections::BTreeMap;

use super::Model;

/// The endings and turns that a call's name does not tell apart. Some more are counted, but too seldom for every run.
pub const EVENTS: &[&str] = &[
    // Disputes.
    "jury drawn",
    "draw block forgotten",
    "jurors replaced",
    "silent juror penalised",
    "incoherent juror penalised",
    "round lapsed",
    "jury drawn again",
    "ruled",
    "ruled after a redraw",
    "ruled on appeal",
    "appealed",
    "appeal lapsed",
    "appeal's fee returned",
    "dispute lost",
    "dispute won",
    "dispute split",
    "closed without a ruling",
    // Audits.
    "round opened",
    "audit passed",
    "too weak an answer",
    "miss reported",
    "taken offline",
    "excused",
    // Rewards.
    "root adopted",
    "root superseded",
    "bonus as the root says",
    "bonus cut to a tenth of the base",
    "budget shared",
    "budget enough",
];

impl Model {
    /// Counts that something of [`EVENTS`] happened.
    pub(super) fn reached(&mut self, what: &'static str) {
        *self.reached.entry(what).or_default() += 1;
    }

    /// How often each of [`EVENTS`] happened so far.
    pub(crate) fn reach(&self) -> &BTreeMap<&'static str, u64> {
        &self.reached
    }
}
