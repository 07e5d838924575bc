//! The protocol as a whole.

use alloy::primitives::{Address, U256};

use crate::store::table::row;

row! {
    /// Running totals; one row.
    Protocol in "protocol", key 1 {
        /// Always 0.
        id: u8,
        /// Nodes registered.
        nodes: u64,
        /// Nodes that passed no challenge yet.
        nodes_pending: u64,
        /// Nodes that passed one and lack stake.
        nodes_verified: u64,
        /// Nodes that take work.
        nodes_active: u64,
        /// Nodes that are offline by choice.
        nodes_inactive: u64,
        /// Nodes that were banned.
        nodes_slashed: u64,
        /// Verified power of the active nodes, milli-TFLOPS.
        active_power: U256,
        /// AIIGO wei that nodes have staked.
        node_stake: U256,
        /// AIIGO wei leaving nodes.
        node_unbonding: U256,
        /// AIIGO wei burned by slashes.
        slashed: U256,
        /// Tasks created.
        tasks: u64,
        /// Tasks waiting for a provider.
        tasks_open: u64,
        /// Tasks being executed.
        tasks_in_progress: u64,
        /// Results waiting for their buyers.
        tasks_completed: u64,
        /// Tasks paid.
        tasks_verified: u64,
        /// Tasks taken back by their buyers.
        tasks_cancelled: u64,
        /// Tasks that nobody delivered.
        tasks_expired: u64,
        /// AIIGO wei in the staking pool.
        pool_staked: U256,
        /// Their weight.
        pool_weight: U256,
        /// AIIGO wei given to the pool's reward stream.
        pool_rewards: U256,
        /// AIIGO wei ever minted.
        minted: U256,
        /// AIIGO wei ever burned.
        burned: U256,
        /// AIIGO wei of base rewards claimed by providers.
        rewards_claimed: U256,
        /// Tasks before a jury.
        tasks_disputed: u64,
        /// Tasks split by a ruling.
        tasks_resolved: u64,
    }
}

row! {
    /// What tasks moved in one payment token.
    TokenTotals in "token_totals", key 1 {
        /// The payment token.
        token: Address,
        /// In escrow now.
        escrowed: U256,
        /// Ever paid into escrow.
        deposited: U256,
        /// Credited to providers.
        paid: U256,
        /// Credited to the treasury.
        fees: U256,
        /// Credited back to buyers.
        refunded: U256,
        /// Credited to enforcers of timeouts.
        tips: U256,
        /// Withdrawn by anybody.
        withdrawn: U256,
        /// Split by rulings, the protocol's fees left out.
        split: U256,
    }
}

row! {
    /// A set of governance parameters, as its last event gave it.
    Parameter in "parameters", key 1 {
        /// `market`, `registry`, `verifier`, `court`, `schedule` or `stakerShareBps`, or the limits of a token.
        name: String,
        /// JSON.
        value: String,
        /// When it was last changed.
        updated_at: u64,
    }
}

row! {
    /// Whether a token may pay for tasks.
    PaymentToken in "payment_tokens", key 1 {
        /// The token.
        token: Address,
        /// Whether it may.
        allowed: bool,
        /// The tip per possible timeout.
        timeout_tip: U256,
    }
}

row! {
    /// What a fee in a token weighs in rewards.
    RewardRate in "reward_rates", key 1 {
        /// The token.
        token: Address,
        /// AIIGO wei per 1e18 smallest units of fee.
        rate: U256,
        /// When it ends.
        expires_at: u64,
    }
}
