//! The daily series. Days are counted from 1970-01-01 in UTC; a day on which nothing changed has no row.

use aiigo_protocol::ResourceType;
use alloy::primitives::{Address, U256};

use crate::store::table::row;

row! {
    /// What a day added, and how it ended.
    Day in "days", key 1 {
        /// Unix time / 86400.
        day: u64,
        /// Tasks created.
        tasks: u64,
        /// Tasks paid.
        tasks_verified: u64,
        /// Tasks split by a ruling.
        tasks_resolved: u64,
        /// Tasks taken back by their buyers.
        tasks_cancelled: u64,
        /// Tasks that nobody delivered.
        tasks_expired: u64,
        /// Nodes registered.
        nodes: u64,
        /// AIIGO wei burned by slashes.
        slashed: U256,
        /// AIIGO wei minted.
        minted: U256,
        /// AIIGO wei burned.
        burned: U256,
        /// Nodes that take work, at its end.
        nodes_active: u64,
        /// Their verified power, milli-TFLOPS, at its end.
        active_power: U256,
        /// AIIGO wei that nodes have staked, at its end.
        node_stake: U256,
        /// AIIGO wei in the staking pool, at its end.
        pool_staked: U256,
    }
}

row! {
    /// What tasks moved on a day in one payment token.
    DayToken in "day_tokens", key 2 {
        /// The day.
        day: u64,
        /// The payment token.
        token: Address,
        /// Paid into escrow.
        deposited: U256,
        /// Credited to providers.
        paid: U256,
        /// Credited to the treasury.
        fees: U256,
        /// Credited by rulings and for replicas, without the fees.
        split: U256,
        /// Credited back to buyers.
        refunded: U256,
    }
}

row! {
    /// What was offered on a day for an hour of a resource in one payment token.
    DayPrice in "day_prices", key 3 {
        /// The day.
        day: u64,
        /// The resource.
        resource_type: ResourceType,
        /// The payment token.
        token: Address,
        /// Tasks created.
        tasks: u64,
        /// The sum of their prices.
        sum: U256,
        /// The lowest.
        lowest: U256,
        /// The highest.
        highest: U256,
    }
}
