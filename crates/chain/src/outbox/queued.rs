//! Queued: simulate, take a nonce, sign, record, send.

use alloy::{eips::BlockId, primitives::U256, providers::Provider};

use super::{
    Outcome,
    driver::{Driver, Fault, View},
    fees::room,
    simulate::{Simulation, simulate},
    state::{Draft, Entry, Kind, State},
};

const GWEI: f64 = 1e9;

impl Driver<'_> {
    pub(super) async fn queued(&mut self, entry: &Entry, entries: &[Entry], view: &View) -> Result<(), Fault> {
        let (intent, config) = (&entry.intent, &self.inner.config);
        if entry.is_late(view.now) {
            tracing::warn!(what = intent.label, "its deadline passed before it could be sent");
            return self.end(entry, Outcome::Expired).await;
        }
        if self.in_flight >= config.max_in_flight || self.is_resting(entry) {
            return Ok(());
        }
        // What it needs is not known yet, unless it was tried on this state before.
        let tried = self.gas_limits.get(&entry.id).filter(|(head, _)| *head == view.hash);
        let gas_known = tried.map(|(_, gas_limit)| *gas_limit).unwrap_or_default();
        if let Some(problem) = too_dear(view, self.cap(entry, gas_known).map(room)) {
            return self.hold(entry, &problem).await;
        }
        let committed = self.committed(entries, view).await?;
        let balance = self.inner.provider.get_balance(self.inner.signer.address()).await?;
        if balance < committed.saturating_add(intent.value) {
            return self.wait_for_funds(entry, intent.value.saturating_add(committed), balance).await;
        }
        let gas = match simulate(&self.inner.provider, self.inner.signer.address(), intent, BlockId::pending()).await? {
            Simulation::Works { gas } => gas,
            Simulation::Refused(error) if is_behind_others(entry, entries, view) => {
                return self.hold(entry, &format!("refused as long as earlier ones are under way: {error}")).await;
            }
            Simulation::Refused(error) => {
                tracing::warn!(what = intent.label, %error, "refused in simulation, nothing was sent");
                return self.end(entry, Outcome::Reverted { tx_hash: None, error }).await;
            }
        };
        let gas_limit = gas.saturating_add(gas.saturating_mul(config.gas_margin) / 100);
        self.gas_limits.insert(entry.id, (view.hash, gas_limit));
        let cap = self.cap(entry, gas_limit).map(room);
        if let Some(problem) = too_dear(view, cap) {
            return self.hold(entry, &problem).await;
        }
        let fees = self.offer(entry, view).await?.capped(cap);
        let cost = intent.value.saturating_add(U256::from(gas_limit) * U256::from(fees.max)).saturating_add(committed);
        if balance < cost {
            return self.wait_for_funds(entry, cost, balance).await;
        }
        let nonce = self.next_nonce().await?;
        let draft = Draft {
            kind: Kind::Call,
            chain_id: self.inner.chain_id,
            nonce,
            to: intent.to,
            value: intent.value,
            data: &intent.data,
            gas_limit,
            fees,
        };
        self.sign_and_send(entry, draft, view).await
    }

    /// Ends an intent that has no transaction on the chain.
    pub(super) async fn end(&mut self, entry: &Entry, outcome: Outcome) -> Result<(), Fault> {
        metrics::counter!("aiigo_outbox_outcomes_total", "outcome" => outcome.label()).increment(1);
        self.move_to(entry, State::Done { outcome }).await
    }

    /// What the transactions that wait for a block can cost at most, wei.
    async fn committed(&self, entries: &[Entry], view: &View) -> Result<U256, Fault> {
        let mut sum = U256::ZERO;
        for entry in entries {
            let Some(nonce) = waiting_nonce(entry, view) else { continue };
            let attempts = self.inner.store.attempts(entry, nonce).await?;
            let gas = attempts.iter().map(|attempt| attempt.gas_cost()).max().unwrap_or_default();
            sum = sum.saturating_add(entry.intent.value).saturating_add(gas);
        }
        Ok(sum)
    }

    async fn wait_for_funds(&mut self, entry: &Entry, needed: U256, balance: U256) -> Result<(), Fault> {
        self.short_of_funds = true;
        let address = self.inner.signer.address();
        let eth = alloy::primitives::utils::format_ether;
        let problem = format!(
            "{address} has {} ETH, but needs {} ETH for this and what is under way: waiting until it is funded",
            eth(balance),
            eth(needed)
        );
        self.hold(entry, &problem).await
    }
}

/// Why nothing is offered now, if the next block may ask for more than `cap` per gas.
fn too_dear(view: &View, cap: Option<u128>) -> Option<String> {
    let (base_fee, cap) = (view.base_fee?, cap?);
    #[allow(clippy::cast_precision_loss)] // for people
    let (asked, limit) = (base_fee as f64 / GWEI, cap as f64 / GWEI);
    (base_fee > cap)
        .then(|| format!("the chain asks for {asked:.3} gwei per gas, above the limit of {limit:.3}: waiting"))
}

/// Whether one that was submitted earlier is not in a block yet: it may be what this one needs.
fn is_behind_others(entry: &Entry, entries: &[Entry], view: &View) -> bool {
    entries.iter().any(|other| other.id < entry.id && waiting_nonce(other, view).is_some())
}

/// The nonce with which an intent waits for a block. One that is used already waits for proof of who used it, at most.
fn waiting_nonce(entry: &Entry, view: &View) -> Option<u64> {
    entry.state.open_nonce().filter(|nonce| *nonce >= view.nonce)
}
