//! The account's sequence of nonces, which strangers with the same key may disturb.

use std::time::Instant;

use alloy::{
    primitives::{Bytes, U256},
    providers::Provider,
};

use super::{
    Intent, Priority,
    driver::{Driver, Fault, View},
    fees::Fees,
    state::{Draft, Entry, Kind},
};

/// Gas of a transfer (Yellow Paper, G_transaction): enough to use up a nonce, whatever the receiver is.
pub(super) const TRANSFER_GAS: u64 = 21_000;

impl Driver<'_> {
    /// Raises the lowest free nonce, which is taken when a transaction is recorded, above those of transactions of strangers
    /// that wait for a block. It is above those of the chain and of this outbox.
    pub(super) async fn look_for_strangers(&mut self) -> Result<(), Fault> {
        let waiting = self.inner.provider.get_transaction_count(self.inner.signer.address()).pending().await?;
        self.free_nonce = self.free_nonce.max(waiting);
        Ok(())
    }

    /// A stranger's transaction that ours were lined up behind may vanish. The gap is then filled with a transfer of nothing
    /// to ourselves, which harms nobody should the stranger's come back.
    pub(super) async fn close_gap(&mut self, entries: &[Entry], view: &View) -> Result<(), Fault> {
        let lowest = entries.iter().filter_map(|entry| entry.state.open_nonce()).min();
        let missing = lowest.is_some_and(|lowest| lowest > view.nonce);
        let (since, from_block) = match self.gap {
            Some((nonce, since, block)) if missing && nonce == view.nonce => (since, block),
            _ => {
                self.gap = missing.then(|| (view.nonce, Instant::now(), view.number));
                return Ok(());
            }
        };
        let config = &self.inner.config;
        if since.elapsed() < config.replace_after || view.number < from_block + config.replace_after_blocks {
            return Ok(());
        }
        let address = self.inner.signer.address();
        if self.inner.provider.get_transaction_count(address).pending().await? > view.nonce {
            tracing::warn!(
                %address, nonce = view.nonce,
                "a transaction that was sent past this outbox holds up all others; give each program a key of its own"
            );
            self.gap = None;
            return Ok(());
        }
        let intent = Intent {
            key: format!("aiigo:gap:{}:{}", view.nonce, view.now),
            label: format!("fill the gap at nonce {}", view.nonce),
            to: address,
            data: Bytes::new(),
            value: U256::ZERO,
            // Signed at once or never: after a crash in between it would be in the wrong place.
            deadline: Some(0),
            max_fee_per_gas: None,
            max_cost: None,
            priority: Priority::Normal,
        };
        self.inner.store.insert(&intent, view.now).await?;
        let Some(entry) = self.inner.store.find(&intent.key).await? else { return Ok(()) };
        let fees = self.market(view).await?.capped(config.max_fee_per_gas);
        self.gap = None;
        self.sign_and_send(&entry, self.cancellation(view.nonce, fees), view).await
    }

    /// A transfer of nothing to ourselves that uses up a nonce.
    pub(super) fn cancellation(&self, nonce: u64, fees: Fees) -> Draft<'static> {
        static NOTHING: Bytes = Bytes::new();
        Draft {
            kind: Kind::Cancel,
            chain_id: self.inner.chain_id,
            nonce,
            to: self.inner.signer.address(),
            value: U256::ZERO,
            data: &NOTHING,
            gas_limit: TRANSFER_GAS,
            fees,
        }
    }
}
