//! Queued: simulate side by side, then take nonces, sign, record and send one after the other.

use alloy::{eips::BlockId, primitives::U256, providers::Provider, transports::TransportError};
use futures::future::join_all;

use super::{
    OutboxConfig, Outcome,
    driver::{Driver, Fault, View},
    fees::room,
    simulate::{Simulation, simulate},
    state::{Draft, Entry, Kind, State},
};

const GWEI: f64 = 1e9;
/// Simulations at a time: as many as an endpoint bears from one client.
const SIDE_BY_SIDE: usize = 8;

/// What there is to spend, as of a round.
#[derive(Clone, Copy, Debug)]
struct Purse {
    balance: U256,
    /// What the transactions that wait for a block can cost at most, wei; those too that are signed in this round.
    committed: U256,
}

impl Driver<'_> {
    /// Sends what has no nonce yet, in its order, as far as there is room.
    pub(super) async fn queued(&mut self, queued: &[&Entry], entries: &[Entry], view: &View) -> Result<(), Fault> {
        let mut ready = Vec::new();
        for entry in queued {
            if entry.is_late(view.now) {
                tracing::warn!(what = entry.intent.label, "its deadline passed before it could be sent");
                self.end(entry, Outcome::Expired).await?;
            } else if !self.is_resting(entry) && !self.is_avoided(entry) {
                ready.push(*entry);
            }
        }
        let Some(first) = ready.first() else { return Ok(()) };
        if self.in_flight >= self.inner.config.max_in_flight {
            return Ok(());
        }
        let mut purse = match self.look_at_account(entries, view).await {
            Ok(purse) => purse,
            // The first stands for all.
            Err(fault) => return self.weigh(first, Err(fault)).await,
        };
        let mut ready = ready.into_iter();
        loop {
            let room = self.inner.config.max_in_flight.saturating_sub(self.in_flight).min(SIDE_BY_SIDE);
            let mut together = Vec::new();
            while together.len() < room
                && let Some(entry) = ready.next()
            {
                if self.is_affordable(entry, purse, view).await? {
                    together.push(entry);
                }
            }
            if together.is_empty() {
                return Ok(());
            }
            let before = self.signed.len();
            let this = &*self;
            let tried = join_all(together.iter().map(|entry| this.try_out(entry))).await;
            for (entry, simulation) in together.into_iter().zip(tried) {
                let done = match simulation {
                    // What it needs may be what was sent since.
                    Ok(Simulation::Refused(_)) if self.signed.len() > before => self.try_out(entry).await,
                    other => other,
                };
                let done = match done {
                    Ok(simulation) => self.sign_if_it_works(entry, simulation, &mut purse, entries, view).await,
                    Err(error) => Err(error.into()),
                };
                self.weigh(entry, done).await?;
            }
        }
    }

    /// What there is to spend, and which nonce comes next.
    async fn look_at_account(&mut self, entries: &[Entry], view: &View) -> Result<Purse, Fault> {
        self.look_for_strangers().await?;
        let committed = self.committed(entries, view).await?;
        let balance = self.inner.provider.get_balance(self.inner.signer.address()).await?;
        Ok(Purse { balance, committed })
    }

    /// Whether it is worth a simulation; if not, notes why.
    async fn is_affordable(&mut self, entry: &Entry, purse: Purse, view: &View) -> Result<bool, Fault> {
        // What it needs is not known yet, unless it was tried on this state before.
        let tried = self.gas_limits.get(&entry.id).filter(|(head, _)| *head == view.hash);
        let gas_known = tried.map(|(_, gas_limit)| *gas_limit).unwrap_or_default();
        if let Some(problem) = too_dear(view, self.cap(entry, gas_known).map(room)) {
            self.hold(entry, &problem).await?;
            return Ok(false);
        }
        let needed = purse.committed.saturating_add(entry.intent.value);
        if purse.balance < needed {
            self.wait_for_funds(entry, needed, purse.balance).await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Tries it on the pending state.
    async fn try_out(&self, entry: &Entry) -> Result<Simulation, TransportError> {
        simulate(&self.inner.provider, self.inner.signer.address(), &entry.intent, BlockId::pending()).await
    }

    async fn sign_if_it_works(
        &mut self,
        entry: &Entry,
        simulation: Simulation,
        purse: &mut Purse,
        entries: &[Entry],
        view: &View,
    ) -> Result<(), Fault> {
        let intent = &entry.intent;
        let gas = match simulation {
            Simulation::Works { gas } => gas,
            Simulation::Refused(error) if self.is_behind_others(entry, entries, view) => {
                return self.hold(entry, &format!("refused as long as earlier ones are under way: {error}")).await;
            }
            Simulation::Refused(error) => {
                tracing::warn!(what = intent.label, %error, "refused in simulation, nothing was sent");
                return self.end(entry, Outcome::Reverted { tx_hash: None, error }).await;
            }
        };
        let gas_limit = self.gas_limit(entry, gas, *purse, view).await?;
        self.gas_limits.insert(entry.id, (view.hash, gas_limit));
        let cap = self.cap(entry, gas_limit).map(room);
        if let Some(problem) = too_dear(view, cap) {
            return self.hold(entry, &problem).await;
        }
        let fees = self.offer(entry, view).await?.capped(cap);
        let cost = intent.value.saturating_add(U256::from(gas_limit).saturating_mul(U256::from(fees.max)));
        let committed = purse.committed.saturating_add(cost);
        if purse.balance < committed {
            return self.wait_for_funds(entry, committed, purse.balance).await;
        }
        let draft = Draft {
            kind: Kind::Call,
            chain_id: self.inner.chain_id,
            nonce: self.free_nonce,
            to: intent.to,
            value: intent.value,
            data: &intent.data,
            gas_limit,
            fees,
        };
        let signed = self.signed.len();
        let sent = self.sign_and_send(entry, draft, view).await;
        if self.signed.len() > signed {
            purse.committed = committed;
        }
        sent
    }

    /// The gas limit for a simulated use.
    async fn gas_limit(&mut self, entry: &Entry, gas: u64, purse: Purse, view: &View) -> Result<u64, Fault> {
        let OutboxConfig { gas_margin, gas_room, .. } = self.inner.config;
        let lean = gas.saturating_add(gas.saturating_mul(gas_margin) / 100);
        if entry.intent.max_cost.is_some() {
            return Ok(lean);
        }
        let ample = lean.max(gas.saturating_add(gas_room));
        let fee = U256::from(self.offer(entry, view).await?.max);
        let cost = entry.intent.value.saturating_add(fee.saturating_mul(U256::from(ample)));
        Ok(if purse.balance >= purse.committed.saturating_add(cost) { ample } else { lean })
    }

    /// Ends an intent that has no transaction on the chain.
    pub(super) async fn end(&mut self, entry: &Entry, outcome: Outcome) -> Result<(), Fault> {
        metrics::counter!("aiigo_outbox_outcomes_total", "outcome" => outcome.label()).increment(1);
        self.move_to(entry, State::Done { outcome }).await
    }

    /// What the transactions that wait for a block can cost at most, wei. What uses a nonce that the chain has used already
    /// waits for proof of who that was, at most.
    async fn committed(&self, entries: &[Entry], view: &View) -> Result<U256, Fault> {
        let open = self.inner.store.open_costs().await?;
        let costs = entries.iter().filter_map(|entry| {
            let (nonce, gas) = open.get(&entry.id)?;
            (*nonce >= view.nonce).then(|| entry.intent.value.saturating_add(*gas))
        });
        Ok(costs.fold(U256::ZERO, U256::saturating_add))
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

    /// Whether one that was submitted earlier is not in a block yet: it may be what this one needs.
    fn is_behind_others(&self, entry: &Entry, entries: &[Entry], view: &View) -> bool {
        let waits = |other: &Entry| other.state.open_nonce().is_some_and(|nonce| nonce >= view.nonce);
        self.signed.iter().any(|id| *id < entry.id) || entries.iter().any(|other| other.id < entry.id && waits(other))
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
