//! What became of an attempt: for the operator's log, the metrics and the report of `once`.

use alloy::primitives::TxHash;
use serde::{Serialize, Serializer};

use crate::{
    code::Code,
    duties::{Action, DutyName},
    second_opinion::Difference,
    view::WrongRoot,
};

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// Done.
    Landed,
    /// Sent and reverted.
    Reverted,
    /// Refused by simulation, nothing sent.
    Refused,
    /// Not included in time.
    Expired,
    /// Too expensive for the limits, or not worth it.
    Unaffordable,
    /// The RPC or the outbox failed.
    Failed,
    /// A dry run would have sent it.
    WouldSend,
}

impl Ending {
    /// The name in reports and metrics.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::Reverted => "reverted",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Unaffordable => "unaffordable",
            Self::Failed => "failed",
            Self::WouldSend => "would-send",
        }
    }

    /// Whether a transaction was made for it.
    pub(crate) const fn was_sent(self) -> bool {
        matches!(self, Self::Landed | Self::Reverted | Self::Expired)
    }
}

impl Serialize for Ending {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.label())
    }
}

/// An attempt that is over.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Whose it was.
    pub duty: &'static str,
    /// What it was about.
    pub subject: String,
    /// How it ended.
    pub ending: Ending,
    /// Its transaction, if one was sent.
    pub tx_hash: Option<TxHash>,
    /// Why, if it did not land.
    pub reason: Option<String>,
}

/// What one visit came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Visit {
    /// What was due and what became of it.
    pub done: Vec<Done>,
    /// Roots of bonuses that differ from the keeper's own: it alarms.
    pub wrong_roots: Vec<WrongRoot>,
    /// Where the indexer differs from the keeper.
    pub difference: Option<Difference>,
    /// Why the indexer could not be compared with.
    pub no_opinion: Option<String>,
}

impl Done {
    fn new(duty: DutyName, subject: &str, ending: Ending) -> Self {
        Self { duty: duty.name(), subject: subject.to_owned(), ending, tx_hash: None, reason: None }
    }

    /// An action that a dry run would have sent.
    pub(crate) fn would_send(action: &Action) -> Self {
        tracing::info!(duty = %action.duty, subject = action.subject, "would send");
        Self::new(action.duty, &action.subject, Ending::WouldSend)
    }

    /// An attempt of an action that ended otherwise than on the chain; logged, if somebody should know.
    pub(crate) fn ended(duty: DutyName, subject: &str, ending: Ending, code: Code, reason: &str) -> Self {
        match code {
            // Mostly another keeper was faster, which is how it should be.
            Code::Refused => tracing::debug!(%duty, subject, reason, "{code} not needed"),
            code => tracing::warn!(%duty, subject, reason, "{code} {}", ending.label()),
        }
        Self { reason: Some(format!("{code} {reason}")), ..Self::new(duty, subject, ending) }
    }

    /// An attempt that is on the chain.
    pub(crate) fn landed(duty: DutyName, subject: &str, tx_hash: TxHash, block: u64, gas_used: u64) -> Self {
        tracing::info!(%duty, subject, %tx_hash, block, gas_used, "done");
        Self { tx_hash: Some(tx_hash), ..Self::new(duty, subject, Ending::Landed) }
    }
}
