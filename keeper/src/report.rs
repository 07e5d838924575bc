//! What became of an attempt: for the operator's log, the metrics and the report of `once`.

use alloy::primitives::TxHash;
use serde::Serialize;

use crate::{
    code::Code,
    duties::{Action, DutyName},
    metrics::{self, Ending},
};

/// An attempt that is over.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Done {
    /// Whose it was.
    pub duty: &'static str,
    /// What it was about.
    pub subject: String,
    /// `landed`, `reverted`, `refused`, `expired`, `unaffordable`, `failed`, or `would-send` in a dry run.
    pub ending: &'static str,
    /// Its transaction, if one was sent.
    pub tx_hash: Option<TxHash>,
    /// Why, if it did not land.
    pub reason: Option<String>,
}

impl Done {
    /// An action that a dry run would have sent.
    pub(crate) fn would_send(action: &Action) -> Self {
        tracing::info!(duty = %action.duty, subject = action.subject, "would send");
        Self {
            duty: action.duty.name(),
            subject: action.subject.clone(),
            ending: "would-send",
            tx_hash: None,
            reason: None,
        }
    }

    /// An attempt of an action that ended otherwise than on the chain; counted and, if somebody should know, logged.
    pub(crate) fn ended(duty: DutyName, subject: &str, ending: Ending, code: Code, reason: &str) -> Self {
        metrics::count_attempt(duty, ending);
        match code {
            // Mostly another keeper was faster, which is how it should be.
            Code::Refused => tracing::debug!(%duty, subject, reason, "{code} not needed"),
            code => tracing::warn!(%duty, subject, reason, "{code} {}", ending.label()),
        }
        Self {
            duty: duty.name(),
            subject: subject.to_owned(),
            ending: ending.label(),
            tx_hash: None,
            reason: Some(format!("{code} {reason}")),
        }
    }

    /// An attempt that is on the chain.
    pub(crate) fn landed(duty: DutyName, subject: &str, tx_hash: TxHash, block: u64, gas_used: u64) -> Self {
        metrics::count_attempt(duty, Ending::Landed);
        metrics::count_gas(duty, gas_used);
        tracing::info!(%duty, subject, %tx_hash, block, gas_used, "done");
        Self {
            duty: duty.name(),
            subject: subject.to_owned(),
            ending: Ending::Landed.label(),
            tx_hash: Some(tx_hash),
            reason: None,
        }
    }
}
