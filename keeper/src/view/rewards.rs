//! Reward epochs, what they pay, and the fees on their way to stakers and treasury.

use aiigo_protocol::{
    EscrowManager::{EscrowManagerEvents, PaymentSplit},
    FeeVault::FeeVaultEvents,
    NodeId,
    RewardDistributor::RewardDistributorEvents,
};
use alloy::primitives::{Address, U256};

use super::journal::{Journaled, undo_by_parts};

/// When reward epochs begin: a constant of a deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Schedule {
    /// Start of epoch 0, unix seconds.
    pub start: u64,
    /// Length of an epoch, seconds.
    pub length: u64,
}

impl Schedule {
    /// First second after an epoch.
    pub fn end_of(&self, epoch: u64) -> u64 {
        self.start.saturating_add(epoch.saturating_add(1).saturating_mul(self.length))
    }
}

/// What epochs leave to do.
#[derive(Debug)]
pub(super) struct Rewards {
    /// The FeeVault: fees are paid to it.
    vault: Address,
    schedule: Schedule,
    next_epoch: Journaled<(), u64>,
    /// Fees recorded for a node in an epoch whose base reward was not claimed.
    unclaimed: Journaled<(u64, NodeId), ()>,
    /// Tokens in which fees came in since they were last collected, by the first epoch to close after that.
    fees: Journaled<Address, u64>,
}

undo_by_parts!(Rewards: next_epoch, unclaimed, fees);

impl Rewards {
    pub(super) fn new(vault: Address, schedule: Schedule) -> Self {
        Self {
            vault,
            schedule,
            next_epoch: Journaled::default(),
            unclaimed: Journaled::default(),
            fees: Journaled::default(),
        }
    }

    pub(super) fn schedule(&self) -> Schedule {
        self.schedule
    }

    pub(super) fn next_epoch_to_close(&self) -> u64 {
        self.next_epoch.get(&()).copied().unwrap_or(0)
    }

    pub(super) fn claimable(&self) -> impl Iterator<Item = (u64, NodeId)> {
        let next = self.next_epoch_to_close();
        self.unclaimed.iter().map(|(key, ())| *key).filter(move |(epoch, _)| *epoch < next)
    }

    pub(super) fn collectable(&self) -> impl Iterator<Item = (Address, u64)> {
        let next = self.next_epoch_to_close();
        self.fees.iter().map(|(token, epoch)| (*token, *epoch)).filter(move |(_, epoch)| *epoch < next)
    }

    pub(super) fn apply_distributor(&mut self, block: u64, event: &RewardDistributorEvents) {
        use RewardDistributorEvents as E;
        match event {
            // An epoch's number is the time divided by its length: it fits.
            E::FeeRecorded(e) if e.weight > U256::ZERO => {
                self.unclaimed.insert(block, (e.epoch.saturating_to(), NodeId(e.nodeId)), ());
            }
            E::BaseRewardClaimed(e) => self.unclaimed.remove(block, &(e.epoch.saturating_to(), NodeId(e.nodeId))),
            E::EpochClosed(e) => self.next_epoch.insert(block, (), e.epoch.saturating_to::<u64>().saturating_add(1)),
            _ => {}
        }
    }

    pub(super) fn apply_escrow(&mut self, block: u64, event: &EscrowManagerEvents) {
        use EscrowManagerEvents as E;
        match event {
            E::Released(e) if e.feeAmount > U256::ZERO => self.fee_came(block, e.token),
            // A ruling, or replicas.
            E::PaymentSplit(e) if self.pays_a_fee(e) => self.fee_came(block, e.token),
            _ => {}
        }
    }

    pub(super) fn apply_vault(&mut self, block: u64, event: &FeeVaultEvents) {
        if let FeeVaultEvents::FeesCollected(collected) = event {
            self.fees.remove(block, &collected.token);
        }
    }

    fn fee_came(&mut self, block: u64, token: Address) {
        if !self.fees.contains(&token) {
            self.fees.insert(block, token, self.next_epoch_to_close());
        }
    }

    fn pays_a_fee(&self, split: &PaymentSplit) -> bool {
        let to_vault = |(account, amount): (&Address, &U256)| *account == self.vault && *amount > U256::ZERO;
        split.accounts.iter().zip(&split.amounts).any(to_vault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_end_one_after_the_other() {
        let schedule = Schedule { start: 1_000, length: 60 };
        assert_eq!(schedule.end_of(0), 1_060);
        assert_eq!(schedule.end_of(9), 1_600);
    }
}
