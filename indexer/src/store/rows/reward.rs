//! Epochs and what nodes earn in them.

use alloy::primitives::{Address, U256};

use crate::store::table::row;

row! {
    /// An epoch of the reward schedule in which fees were paid or that was closed.
    Epoch in "epochs", key 1 {
        /// 0, 1, 2, …
        number: u64,
        /// When it begins.
        starts_at: u64,
        /// When it ends.
        ends_at: u64,
        /// Closed: its budget is fixed and its rewards can be claimed.
        closed: bool,
        /// When it was closed.
        closed_at: Option<u64>,
        /// The sum of the nodes' weights, AIIGO wei.
        total_weight: U256,
        /// AIIGO wei for providers and stakers; known when it is closed.
        budget: Option<U256>,
        /// The providers' part.
        provider_budget: Option<U256>,
        /// The stakers' part.
        staker_reward: Option<U256>,
        /// AIIGO wei that providers have claimed.
        claimed: U256,
    }
}

row! {
    /// A node's part in an epoch.
    Reward in "rewards", key 2 {
        /// The node.
        node_id: u64,
        /// The epoch.
        epoch: u64,
        /// AIIGO wei at the governance rate for the fees of its tasks: the most it can get.
        weight: U256,
        /// How many tasks paid a fee.
        tasks: u32,
        /// AIIGO wei claimed.
        claimed: Option<U256>,
        /// When they were claimed.
        claimed_at: Option<u64>,
        /// Where they went.
        payout: Option<Address>,
    }
}

row! {
    /// The fees of a node's tasks in an epoch in one token.
    EpochFee in "epoch_fees", key 3 {
        /// The node.
        node_id: u64,
        /// The epoch.
        epoch: u64,
        /// The payment token.
        token: Address,
        /// Their sum.
        fee: U256,
        /// What they weigh, AIIGO wei.
        weight: U256,
    }
}
