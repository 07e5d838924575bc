//! Pending and cancelling: look for a receipt, whatever the endpoints said; else broadcast again, pay more, or cancel.

use alloy::{primitives::U256, providers::Provider, rpc::types::TransactionReceipt};

use super::{
    Outcome,
    driver::{Driver, Fault, View},
    fees::{Fees, room},
    nonce::TRANSFER_GAS,
    now,
    proof::{Verdict, who_used},
    simulate::{Simulation, explain, simulate},
    state::{Attempt, Draft, Entry, Kind, State},
};

impl Driver<'_> {
    pub(super) async fn pending(&mut self, entry: &Entry, nonce: u64, view: &View) -> Result<(), Fault> {
        let attempts = self.inner.store.attempts(entry, nonce).await?;
        let Some(latest) = attempts.last() else {
            // Can't be: the state and its first transaction are written together. Nothing was sent then.
            return self.move_to(entry, State::Queued).await;
        };
        if view.nonce > nonce {
            return match self.receipt_of(&attempts).await? {
                Some((attempt, receipt)) => self.include(entry, attempt, receipt).await,
                None => self.superseded(entry, nonce, &attempts, view).await,
            };
        }
        let cancelling = matches!(entry.state, State::Cancelling { .. });
        let is_late = !cancelling && entry.is_late(view.now);
        if is_late && !self.is_resting(entry) {
            tracing::warn!(what = entry.intent.label, nonce, "its time is over: cancelling it");
            return self.cancel(entry, latest, view).await;
        }
        // Only the first in line can be held up by its own price.
        if !is_late && nonce == view.nonce && self.is_overdue(latest, view) && !self.is_resting(entry) {
            return self.overdue(entry, latest, view).await;
        }
        self.broadcast_again(entry, latest).await
    }

    /// No block took it in time: gives up what has become pointless, and pays more for the rest.
    async fn overdue(&mut self, entry: &Entry, latest: &Attempt, view: &View) -> Result<(), Fault> {
        let calls = latest.kind == Kind::Call;
        // The next block is the earliest that can change it.
        if calls && view.hash != self.watched {
            let (provider, sender) = (&self.inner.provider, self.inner.signer.address());
            if let Simulation::Refused(error) = simulate(provider, sender, &entry.intent, view.number.into()).await? {
                tracing::warn!(what = entry.intent.label, %error, "refused while it waits for a block: cancelling it");
                return self.cancel(entry, latest, view).await;
            }
        }
        let market = self.offer(entry, view).await?;
        if latest.fees.are_generous(market) {
            return self.broadcast_again(entry, latest).await;
        }
        let cap = self.cap(entry, latest.gas_limit);
        match latest.fees.replaced(market, if calls { cap.map(room) } else { cap }) {
            Some(fees) => {
                metrics::counter!("aiigo_outbox_replacements_total").increment(1);
                self.sign_and_send(entry, self.replacement(entry, latest, fees), view).await
            }
            None => {
                self.note(entry, "no block takes it at its limit of fees: waiting until the chain asks for less")
                    .await?;
                self.broadcast_again(entry, latest).await
            }
        }
    }

    /// Puts a transaction that does nothing in place of one that must not land any more, within the same limit of fees.
    async fn cancel(&mut self, entry: &Entry, latest: &Attempt, view: &View) -> Result<(), Fault> {
        let market = self.offer(entry, view).await?;
        match latest.fees.replaced(market, self.cap(entry, TRANSFER_GAS)) {
            Some(fees) => {
                metrics::counter!("aiigo_outbox_cancellations_total").increment(1);
                self.sign_and_send(entry, self.cancellation(latest.nonce, fees), view).await
            }
            None => {
                self.note(entry, "its limit of fees leaves no room to cancel it: waiting for its block").await?;
                self.broadcast_again(entry, latest).await
            }
        }
    }

    fn is_overdue(&self, attempt: &Attempt, view: &View) -> bool {
        let config = &self.inner.config;
        view.now >= attempt.signed_at.saturating_add(config.replace_after.as_secs())
            && view.number >= attempt.signed_block.saturating_add(config.replace_after_blocks)
    }

    fn replacement<'e>(&self, entry: &'e Entry, latest: &Attempt, fees: Fees) -> Draft<'e> {
        match latest.kind {
            Kind::Cancel => self.cancellation(latest.nonce, fees),
            Kind::Call => Draft {
                kind: Kind::Call,
                chain_id: self.inner.chain_id,
                nonce: latest.nonce,
                to: entry.intent.to,
                value: entry.intent.value,
                data: &entry.intent.data,
                gas_limit: latest.gas_limit,
                fees,
            },
        }
    }

    /// The one of the transactions that is in a block: they share a nonce, so there is at most one.
    pub(super) async fn receipt_of<'a>(
        &self,
        attempts: &'a [Attempt],
    ) -> Result<Option<(&'a Attempt, TransactionReceipt)>, Fault> {
        for attempt in attempts.iter().rev() {
            if let Some(receipt) = self.inner.provider.get_transaction_receipt(attempt.tx_hash).await? {
                return Ok(Some((attempt, receipt)));
            }
        }
        Ok(None)
    }

    /// A transaction is in a block: tells what came of the intent, and watches the block from now on.
    pub(super) async fn include(
        &mut self,
        entry: &Entry,
        attempt: &Attempt,
        receipt: TransactionReceipt,
    ) -> Result<(), Fault> {
        let (Some(block), Some(block_hash)) = (receipt.block_number, receipt.block_hash) else {
            // A receipt of a block that is not there yet.
            return Ok(());
        };
        let (what, tx) = (&entry.intent.label, attempt.tx_hash);
        let cost = U256::from(receipt.gas_used).saturating_mul(U256::from(receipt.effective_gas_price));
        let outcome = match attempt.kind {
            Kind::Cancel => {
                tracing::warn!(what, %tx, block, "cancelled");
                Outcome::Expired
            }
            Kind::Call if receipt.status() => {
                tracing::info!(what, %tx, block, gas = receipt.gas_used, "landed");
                let gas_used = receipt.gas_used;
                Outcome::Landed { tx_hash: tx, block, gas_used, receipt: Box::new(receipt) }
            }
            Kind::Call => {
                let (provider, from) = (&self.inner.provider, self.inner.signer.address());
                let error = explain(provider, from, &entry.intent, attempt.gas_limit, &receipt).await?;
                tracing::warn!(what, %tx, block, %error, "reverted on the chain");
                Outcome::Reverted { tx_hash: Some(tx), error }
            }
        };
        metrics::counter!("aiigo_outbox_outcomes_total", "outcome" => outcome.label()).increment(1);
        self.fresh.insert(entry.id);
        let nonce = attempt.nonce;
        let state = State::Included { nonce, block, block_hash, outcome };
        self.inner.store.include(entry, &state, nonce, cost, now()).await?;
        self.moved_to(entry, &state);
        Ok(())
    }

    /// The nonce is used, and no receipt of ours is there. Only proof that ours can't land any more allows a new nonce.
    async fn superseded(&mut self, entry: &Entry, nonce: u64, attempts: &[Attempt], view: &View) -> Result<(), Fault> {
        if self.is_resting(entry) {
            return Ok(());
        }
        let address = self.inner.signer.address();
        match who_used(&self.inner.provider, address, nonce, attempts, view.number, view.finalized).await? {
            // An endpoint that is behind itself.
            Verdict::Ours => Ok(()),
            Verdict::NotFinal { block } => {
                let problem = format!(
                    "another transaction of {address} took nonce {nonce} in block {block}: waiting until that is final before sending \
                     anew; give each program a key of its own"
                );
                self.hold(entry, &problem).await
            }
            Verdict::Stranger { block } => {
                metrics::counter!("aiigo_outbox_foreign_nonces_total").increment(1);
                tracing::warn!(what = entry.intent.label, nonce, block, "another transaction took the nonce for good");
                match entry.state {
                    State::Cancelling { .. } => self.end(entry, Outcome::Expired).await,
                    _ => self.move_to(entry, State::Queued).await,
                }
            }
        }
    }
}
