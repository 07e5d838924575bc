//! Transactions through the outbox, waited for until they have ended or the agent has to leave.

use aiigo_chain::{Intent, Outbox, OutboxError, Outcome, Priority};
use alloy::primitives::Address;
use tokio_util::sync::CancellationToken;

use crate::{
    error::{AgentError, Context},
    market::Call,
};

/// Sends with one key.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    outbox: Outbox,
    token: CancellationToken,
    max_fee_per_gas: Option<u128>,
}

impl Sender {
    pub(crate) fn new(outbox: Outbox, token: CancellationToken, max_fee_per_gas: Option<u128>) -> Self {
        Self { outbox, token, max_fee_per_gas }
    }

    pub(crate) fn address(&self) -> Address {
        self.outbox.address()
    }

    pub(crate) fn token(&self) -> &CancellationToken {
        &self.token
    }

    /// Sends once, whatever happens: the same key waits for, or returns, what became of it. What has a deadline goes before
    /// what has none.
    pub(crate) async fn once(
        &self,
        key: &str,
        label: &str,
        call: Call,
        deadline: Option<u64>,
    ) -> Result<Outcome, AgentError> {
        let priority = if deadline.is_some() { Priority::Urgent } else { Priority::Normal };
        self.submit(key, label, call, deadline, priority).await?;
        self.outcome(key).await
    }

    /// Puts a transaction into the outbox' order; once, whatever happens.
    pub(crate) async fn submit(
        &self,
        key: &str,
        label: &str,
        call: Call,
        deadline: Option<u64>,
        priority: Priority,
    ) -> Result<(), AgentError> {
        let intent = Intent {
            key: key.to_owned(),
            label: label.to_owned(),
            to: call.to,
            data: call.data,
            value: call.value,
            deadline,
            max_fee_per_gas: self.max_fee_per_gas,
            max_cost: None,
            priority,
        };
        self.outbox.submit(intent).await.context(format!("the outbox fails at `{label}`"))
    }

    /// Waits for what becomes of a transaction that was put there.
    pub(crate) async fn outcome(&self, key: &str) -> Result<Outcome, AgentError> {
        tokio::select! {
            biased;
            () = self.token.cancelled() => Err(AgentError::stopped()),
            outcome = self.outbox.wait(key) => outcome.context(format!("the outbox fails at `{key}`")),
        }
    }

    /// Whether a transaction was put there.
    pub(crate) async fn is_known(&self, key: &str) -> Result<bool, AgentError> {
        Ok(self.known(key).await?.is_some())
    }

    /// Whether a transaction was put there and is in no block.
    pub(crate) async fn is_under_way(&self, key: &str) -> Result<bool, AgentError> {
        Ok(matches!(self.known(key).await?, Some(None)))
    }

    /// Whether a transaction was put there and did what it should.
    pub(crate) async fn has_landed(&self, key: &str) -> Result<bool, AgentError> {
        Ok(matches!(self.known(key).await?, Some(Some(Outcome::Landed { .. }))))
    }

    /// Gives up what an earlier run put there under such keys and no block has, and waits until it has ended, either way.
    pub(crate) async fn give_up(&self, prefix: &str) -> Result<(), AgentError> {
        let left = self.outbox.unfinished().await.context("the outbox fails")?;
        let mut given_up = Vec::new();
        for left in left.into_iter().filter(|left| left.key.starts_with(prefix)) {
            if self.is_under_way(&left.key).await? {
                tracing::warn!(what = left.label, "giving up what an earlier run left unfinished");
                self.outbox.cancel(&left.key).await.context("the outbox fails")?;
                given_up.push(left.key);
            }
        }
        for key in given_up {
            self.outcome(&key).await?;
        }
        Ok(())
    }

    /// What became of a transaction so far, if it was put there.
    async fn known(&self, key: &str) -> Result<Option<Option<Outcome>>, AgentError> {
        match self.outbox.outcome(key).await {
            Ok(outcome) => Ok(Some(outcome)),
            Err(OutboxError::UnknownKey(_)) => Ok(None),
            Err(error) => Err(error).context(format!("the outbox fails at `{key}`")),
        }
    }

    /// Sends again if an earlier sending under this key came to nothing; what landed is never sent again.
    pub(crate) async fn until_landed(
        &self,
        key: &str,
        label: &str,
        call: Call,
        deadline: Option<u64>,
    ) -> Result<Outcome, AgentError> {
        let mut number = 0_u32;
        loop {
            let numbered = format!("{key}:{number}");
            match self.outbox.outcome(&numbered).await {
                Ok(Some(Outcome::Reverted { .. } | Outcome::Expired)) => number += 1,
                // Landed, under way, or new.
                _ => return self.once(&numbered, label, call, deadline).await,
            }
        }
    }

    /// As [`Sender::until_landed`], where anything but landing is an error.
    pub(crate) async fn must_land(&self, key: &str, label: &str, call: Call) -> Result<Receipt, AgentError> {
        match self.until_landed(key, label, call, None).await? {
            Outcome::Landed { tx_hash, block, receipt, .. } => Ok(Receipt { tx_hash, block, receipt }),
            Outcome::Reverted { error, .. } => Err(AgentError::refused(label, &error)),
            Outcome::Expired => Err(AgentError::new(format!("{label}: not included in time"))),
        }
    }
}

/// A transaction that did what it should.
#[derive(Debug)]
pub(crate) struct Receipt {
    pub(crate) tx_hash: alloy::primitives::TxHash,
    pub(crate) block: u64,
    pub(crate) receipt: Box<alloy::rpc::types::TransactionReceipt>,
}
