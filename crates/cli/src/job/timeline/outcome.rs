//! What a task's history comes to: the result, who was paid, what went back.

use aiigo_protocol::TaskMarketplace::{self, TaskMarketplaceEvents};
use alloy::primitives::{B256, U256};

use super::Timeline;

/// The result that the money goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskResult<'a> {
    /// Its hash.
    pub hash: B256,
    /// Where its manifest may be had: from the node that delivered it, or from each of those that agree on it.
    pub uris: Vec<&'a str>,
    /// Last second for the buyer to approve or dispute it, unix seconds; `None` if the count of several nodes decided.
    pub review_until: Option<u64>,
}

/// How a result was paid, smallest units of the payment token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    /// Taken from the escrow for it.
    pub due: U256,
    /// Of that, for the nodes.
    pub providers: U256,
    /// Of that, the protocol's fee.
    pub fee: U256,
    /// Unused escrow, back to the buyer.
    pub refund: U256,
}

impl Timeline {
    /// How it was created.
    pub fn created(&self) -> Option<&TaskMarketplace::TaskCreated> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskCreated(created) => Some(created),
            _ => None,
        })
    }

    /// Its result: delivered by its node, or found by the count of several.
    pub fn result(&self) -> Option<TaskResult<'_>> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::ResultSubmitted(e) => Some(TaskResult {
                hash: e.resultHash,
                uris: vec![&e.resultURI],
                review_until: Some(e.reviewUntil.to()),
            }),
            TaskMarketplaceEvents::ReplicasJudged(e) => {
                Some(TaskResult { hash: e.resultHash, uris: self.revealed(e.resultHash), review_until: None })
            }
            _ => None,
        })
    }

    /// Where those who revealed a result say that it is.
    fn revealed(&self, result: B256) -> Vec<&str> {
        let copies = self.events.iter().filter_map(|event| match &event.event {
            TaskMarketplaceEvents::ReplicaRevealed(e) if e.resultHash == result => Some(e.resultURI.as_str()),
            _ => None,
        });
        copies.collect()
    }

    /// How it was paid.
    pub fn paid(&self) -> Option<Payment> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskVerified(e) => {
                Some(Payment { due: e.due, providers: e.providerAmount, fee: e.feeAmount, refund: e.refundAmount })
            }
            TaskMarketplaceEvents::ReplicasVerified(e) => {
                Some(Payment { due: e.due, providers: e.providerAmount, fee: e.feeAmount, refund: e.refundAmount })
            }
            _ => None,
        })
    }

    /// The nodes that were paid, of a task that several did.
    pub fn paid_replicas(&self) -> Vec<u64> {
        let paid = self.events.iter().filter_map(|event| match &event.event {
            TaskMarketplaceEvents::ReplicaPaid(e) => Some(e.nodeId),
            _ => None,
        });
        paid.collect()
    }

    /// The escrow that went back to the buyer without a result, smallest units of the payment token.
    pub fn refunded(&self) -> Option<U256> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskCancelled(cancelled) => Some(cancelled.refund),
            TaskMarketplaceEvents::TaskExpired(expired) => Some(expired.refund),
            _ => None,
        })
    }

    /// The deposit for time-outs, less what they took: it returns to the buyer with the end of the task. Smallest units of
    /// the payment token.
    pub fn unspent_tips(&self) -> U256 {
        let spent = self.events.iter().filter_map(|event| match &event.event {
            TaskMarketplaceEvents::TaskTimedOut(late) => Some(late.tip),
            TaskMarketplaceEvents::ReplicaTimedOut(late) => Some(late.tip),
            _ => None,
        });
        let deposit = self.created().map_or(U256::ZERO, |created| created.tipDeposit);
        deposit.saturating_sub(spent.sum())
    }

    /// Until when whoever has it should deliver, unix seconds.
    pub fn deadline(&self) -> Option<u64> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::TaskAccepted(accepted) => Some(accepted.deadline.to()),
            TaskMarketplaceEvents::ReplicasDrawn(drawn) => Some(drawn.sealUntil.to()),
            TaskMarketplaceEvents::ReplicasAllSealed(sealed) => Some(sealed.revealUntil.to()),
            _ => None,
        })
    }

    /// The block that draws the nodes of a task that several do.
    pub(crate) fn draw_block(&self) -> Option<u64> {
        self.latest(|event| match event {
            TaskMarketplaceEvents::ReplicaDrawFixed(fixed) => Some(fixed.drawBlock.to()),
            _ => None,
        })
    }

    fn latest<'a, T>(&'a self, pick: impl Fn(&'a TaskMarketplaceEvents) -> Option<T>) -> Option<T> {
        self.events.iter().rev().find_map(|event| pick(&event.event))
    }
}
